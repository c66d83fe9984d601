"WAV files as programs really write them, made chunk by chunk."
import struct

import numpy as np

RATE = 48_000
PCM_GUID = struct.pack("<H", 1) + bytes.fromhex("000000001000800000aa00389b71")


def chunk(name, content, pad=True):
    "One chunk; without its pad byte where a program forgets it."
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2 * pad)


def fmt(tag=1, channels=1, bits=24, extra=b""):
    frame = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, RATE, RATE * frame, frame, bits) + extra)


def extensible(channels, bits, valid, mask):
    return fmt(0xFFFE, channels, bits, struct.pack("<HHI", 22, valid, mask) + PCM_GUID)


def riff(*parts, size=None, magic=b"RIFF"):
    body = b"WAVE" + b"".join(parts)
    return magic + struct.pack("<I", len(body) if size is None else size) + body


def pcm(audio, bits=24):
    "`audio` [C, N] as little-endian integers of 16, 24 or 32 bits."
    whole = np.rint(np.asarray(audio).T.astype(float) * 2 ** (bits - 1)).astype("<i4")
    return whole.reshape(-1, 1).view(np.uint8)[:, : bits // 8].tobytes()


def bext(reference, history=b""):
    content = bytearray(602)
    content[:4], content[256:265] = b"Lead", b"Recorder1"
    content[338:348] = struct.pack("<QH", reference, 1)
    return bytes(content) + history


def cue(*samples):
    points = b"".join(struct.pack("<II4sIII", i, at, b"data", 0, 0, at) for i, at in enumerate(samples, 1))
    return struct.pack("<I", len(samples)) + points


def flac_block(kind, content, last=False):
    return bytes([kind | last << 7]) + len(content).to_bytes(3, "big") + content

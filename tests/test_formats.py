"Files as DAWs, recorders and phones make them: what is read, what comes along, and what is refused with a way out."
import os
import shlex
import shutil
import stat
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from tests.equipment.wav_files import RATE, bext, chunk, cue, extensible, flac_block, fmt, pcm, riff
from vocaldouble.audio import Writer, chunks, info, local_copy, out_subtype, read
from vocaldouble.config import UserError, rng
from vocaldouble.metadata import Metadata, read_metadata

LEAD = np.round(0.1 * rng("formats").standard_normal((1, 4801)) * 2**15).astype(np.float32) / 2**15
BEXT, IXML, CUE = bext(171_050_880, b"A=PCM"), b"<BWFXML><TAKE>7</TAKE></BWFXML>", cue(2400)
SOUND = chunk(b"data", pcm(LEAD))
FLOAT = fmt(3, 2, 32), np.repeat(LEAD, 2, axis=0).T.astype("<f4").tobytes()
SHORT_PEAK = chunk(b"PEAK", struct.pack("<IIfI", 1, 0, 0.5, 10))
FILES = {
    "plain": riff(fmt(), SOUND),
    "size of 0": riff(fmt(), SOUND, size=0),
    "size of -1": riff(fmt(), SOUND, size=0xFFFFFFFF),
    "sound of unknown size": riff(fmt(), b"data\xff\xff\xff\xff" + pcm(LEAD), size=0xFFFFFFFF),
    "sound of size 0": riff(fmt(), b"data\0\0\0\0" + pcm(LEAD), size=0),
    "sound of size 0, other chunks before": riff(chunk(b"iXML", IXML), fmt(), b"data\0\0\0\0" + pcm(LEAD), size=0),
    "no pad": riff(fmt(), chunk(b"data", pcm(LEAD), pad=False)),
    "no pad, then a chunk": riff(fmt(), chunk(b"data", pcm(LEAD), pad=False), chunk(b"cue ", CUE)),
    "no pad before the sound": riff(fmt(), chunk(b"iXML", IXML, pad=False), SOUND),
    "garbage behind": riff(fmt(), SOUND) + b"TAG" + bytes(125),
    "reserved LIST": riff(fmt(), chunk(b"LIST", bytes(393_164)), SOUND),
    "padding first": riff(chunk(b"JUNK", bytes(28)), fmt(), chunk(b"minf", bytes(16)), SOUND, chunk(b"regn", bytes(92))),
    "short PEAK": riff(FLOAT[0], chunk(b"fact", struct.pack("<I", LEAD.shape[1])), SHORT_PEAK, chunk(b"data", FLOAT[1])),
    "short PEAK behind": riff(FLOAT[0], chunk(b"data", FLOAT[1]), SHORT_PEAK),
    "short bext": riff(chunk(b"bext", b"short"), fmt(), SOUND),
    "cue of nothing": riff(fmt(), chunk(b"cue ", struct.pack("<I", 2**31)), SOUND),
    "cut smpl": riff(fmt(), SOUND, b"smpl" + struct.pack("<I", 500) + bytes(20)),
    "24 bits in 32": riff(extensible(1, 32, 24, 4), chunk(b"data", pcm(LEAD, 32))),
    "six channels": riff(extensible(6, 24, 24, 0x3F), chunk(b"data", pcm(np.repeat(LEAD, 6, axis=0)))),
}


def stored(folder, data, name="lead.wav"):
    (folder / name).write_bytes(data)
    return folder / name


def double(path, folder):
    "What a double of `path` holds: its first channel upside down, with all that comes along."
    head, found = info(path), read_metadata(path)
    out = folder / "double.wav"
    with Writer(out, head.rate, head.channels, out_subtype(head), frames=head.frames, mask=head.mask, extras=found.chunks) as w:
        w.write(-read(path)[0])
    return out


@pytest.mark.parametrize("name", FILES)
def test_files_as_they_are(name, tmp_path):
    "All samples are read, and what is written can be read by libsndfile alone."
    lead = stored(tmp_path, FILES[name])
    audio, rate = read(lead)
    assert rate == RATE and np.array_equal(audio, np.repeat(LEAD, len(audio), axis=0))
    out = double(lead, tmp_path)
    back, _ = sf.read(out, dtype="float32", always_2d=True)
    assert np.array_equal(back.T, -audio)
    assert read_metadata(out).notes == ()


def test_formats_of_libsndfile(tmp_path):
    "Everything in the README's list."
    kinds = [("WAV", "PCM_U8"), ("WAV", "DOUBLE"), ("WAV", "ULAW"), ("WAV", "ALAW"), ("WAV", "IMA_ADPCM"), ("WAV", "MS_ADPCM"),
             ("WAVEX", "FLOAT"), ("RF64", "FLOAT"), ("W64", "PCM_24"), ("CAF", "PCM_24"), ("CAF", "ALAC_24"), ("AIFF", "PCM_24"),
             ("AIFF", "FLOAT"), ("AU", "PCM_16"), ("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")]
    for container, subtype in kinds:
        path = tmp_path / f"{container}_{subtype}"
        sf.write(path, LEAD.T, RATE, format=container, subtype=subtype)
        audio, rate = read(path)
        assert rate == RATE and LEAD.shape[1] <= audio.shape[1] < LEAD.shape[1] + 4096, path
        assert read_metadata(path).notes == (), path


def test_six_channels_stay_six(tmp_path):
    got = info(double(stored(tmp_path, FILES["six channels"]), tmp_path))
    assert (got.format, got.channels, got.mask, got.subtype) == ("WAVEX", 6, 0x3F, "PCM_24")


def test_24_bits_of_32(tmp_path):
    got = info(double(stored(tmp_path, FILES["24 bits in 32"]), tmp_path))
    assert (got.format, got.mask, got.subtype, got.valid_bits) == ("WAVEX", 4, "PCM_24", 24)


LISTS = [(b"LIST", b"adtl" + chunk(b"labl", b"\1\0\0\0chorus\0")), (b"LIST", b"INFO" + chunk(b"INAM", b"Song\0"))]
EXTRAS = [(b"bext", BEXT), (b"iXML", IXML), (b"cue ", CUE), *LISTS, (b"smpl", bytes(28) + struct.pack("<II", 1, 0) + bytes(24)),
          (b"acid", bytes(range(24))), (b"inst", bytes(range(1, 8))), (b"axml", b"<a/>"), (b"id3 ", b"ID3" + bytes(7))]


@pytest.mark.parametrize("magic", [b"RIFF", b"RF64"])
@pytest.mark.parametrize("first", [True, False])
def test_what_comes_along(tmp_path, magic, first):
    "Every chunk to the byte, before or after the sound; positions and the time reference as they were."
    parts = [chunk(*e) for e in EXTRAS]
    size = len(pcm(LEAD))
    ds64 = chunk(b"ds64", struct.pack("<QQQI", 0, size, LEAD.shape[1], 0)) if magic == b"RF64" else b""
    sound = chunk(b"data", pcm(LEAD)) if magic == b"RIFF" else b"data\xff\xff\xff\xff" + pcm(LEAD) + bytes(size % 2)
    body = (*parts, fmt(), sound) if first else (fmt(), sound, *parts)
    lead = stored(tmp_path, riff(ds64, *body, magic=magic))
    found = read_metadata(lead)
    assert sorted(found.chunks) == sorted(EXTRAS) and not found.notes
    assert found.time_reference == 171_050_880
    out = double(lead, tmp_path)
    again = read_metadata(out)
    assert sorted(again.chunks) == sorted(EXTRAS) and again.time_reference == 171_050_880
    data = out.read_bytes()
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
    with open(out, "rb") as f:
        assert [c.name for c in chunks(f)][:3] == [b"bext", b"fmt ", b"data"]


def test_w64(tmp_path):
    "A bext chunk of a Sony Wave64."
    sf.write(tmp_path / "lead.w64", LEAD.T, RATE, "PCM_24")
    guid = b"bext" + bytes.fromhex("f3acd3118cd100c04f8edb8a")
    data = (tmp_path / "lead.w64").read_bytes()
    data += bytes(-len(data) % 8) + guid + struct.pack("<Q", len(BEXT) + 24) + BEXT
    assert read_metadata(stored(tmp_path, data, "lead.w64")) == Metadata(((b"bext", BEXT),))


def test_flac(tmp_path):
    "Chunks of the WAV that it was made from, or the fields of bext among its comments."
    sf.write(tmp_path / "lead.flac", LEAD.T, RATE, "PCM_24")
    plain = (tmp_path / "lead.flac").read_bytes()
    end = flac_block(1, bytes(8), last=True)  # padding

    def flac(*blocks):
        return stored(tmp_path, plain[:42] + b"".join(blocks) + end + plain[plain.index(b"\xff\xf8") :], "lead.flac")

    foreign = [b"RIFF\0\0\0\0WAVE", chunk(b"bext", BEXT), fmt(), b"data\0\0\0\0", chunk(b"cue ", CUE)]
    found = read_metadata(flac(*(flac_block(2, b"riff" + part) for part in foreign)))
    assert found == Metadata(((b"bext", BEXT), (b"cue ", CUE)))
    comments = [b"TIME_REFERENCE=171050880", b"Originator=Recorder1", b"TITLE=Song"]
    block = struct.pack("<II", 0, len(comments)) + b"".join(struct.pack("<I", len(c)) + c for c in comments)
    found = read_metadata(flac(flac_block(4, block), flac_block(6, bytes(32))))
    assert found.time_reference == 171_050_880 and found.get(b"bext")[256:265] == b"Recorder1"
    assert b"Song" in found.get(b"LIST") and found.notes == ("its picture is not carried over",)


def test_random_damage(tmp_path):
    "Metadata of a file with any byte wrong are read or named; nothing but a `UserError` is raised."
    g = rng("damage")
    sf.write(tmp_path / "whole.flac", LEAD.T, RATE)
    sf.write(tmp_path / "whole.aiff", LEAD.T, RATE, "PCM_24")
    mark = chunk(b"MARK", b"")[:4] + struct.pack(">I", 14) + struct.pack(">HHIB", 1, 1, 9, 5) + b"verse"
    wholes = {".wav": riff(*(chunk(*e) for e in EXTRAS), fmt(), SOUND), ".flac": (tmp_path / "whole.flac").read_bytes(),
              ".aiff": (tmp_path / "whole.aiff").read_bytes() + mark}
    for suffix, whole in wholes.items():
        for _ in range(150):
            data = bytearray(whole)
            part = len(data) if suffix == ".wav" else 400
            for at in g.integers(0, part, 3):
                data[-at if suffix == ".aiff" and at < 40 else at] = g.integers(256)
            lead = stored(tmp_path, bytes(data[: int(g.integers(100, len(data)))] if g.random() < 0.3 else data), f"lead{suffix}")
            try:
                extras = read_metadata(lead).chunks
                with Writer(tmp_path / "double.wav", RATE, 1, force=True, extras=extras) as w:
                    w.write(LEAD)
                assert sf.info(tmp_path / "double.wav").frames == LEAD.shape[1]
            except UserError:
                pass


FOREIGN = {
    "song.m4a": b"\0\0\0\x20ftypM4A \0\0\2\0",
    "video.mp4": b"\0\0\0\x18ftypisom\0\0\2\0",
    "renamed.wav": b"\0\0\0\x20ftypM4A \0\0\2\0",
    'a "$name`.m4a': b"\0\0\0\x20ftypM4A \0\0\2\0",
    "no mp3.mp3": b"\0\0\0\x20ftypM4A \0\0\2\0",
    "video.mov": b"\0\0\0\x08wide\0\0\x10\0mdat",
    "clip.webm": b"\x1aE\xdf\xa3" + bytes(60),
    "song.wma": bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"),
    "song.wv": b"wvpk" + bytes(60),
    "song.aac": b"\xff\xf1\x50\x80" + bytes(60),
    "clip.avi": b"RIFF\0\0\1\0AVI LIST",
    "speech.spx": b"OggS" + bytes(60),
    "g722.wav": riff(fmt(0x28F, 1, 8), chunk(b"data", bytes(99))),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_refused_with_the_way_out(name, tmp_path):
    path = stored(tmp_path, FOREIGN[name], name)
    with pytest.raises(UserError) as e:
        info(path)
    line = str(e.value).split("convert it: ")[1]
    assert shlex.split(line)[:3] == ["ffmpeg", "-i", str(path)] and shlex.split(line)[3] != str(path)


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
@pytest.mark.parametrize("options", ["-c:a aac f.m4a", "-c:a alac f.m4a", "-c:a libopus f.webm", "-c:a wavpack f.wv", "-c:a wmav2 f.wma", "-c:a aac f.aac"])
def test_what_ffmpeg_makes(options, tmp_path):
    "The line that the refusal gives works as it stands."
    lead = stored(tmp_path, riff(fmt(), chunk(b"data", pcm(np.tile(LEAD, 10)))))
    subprocess.run(["ffmpeg", "-v", "error", "-i", lead, *options.split()], cwd=tmp_path, check=True)
    with pytest.raises(UserError) as e:
        info(tmp_path / options.split()[-1])
    subprocess.run(str(e.value).split("convert it: ")[1].replace("ffmpeg", "ffmpeg -v error"), shell=True, check=True)
    assert info(tmp_path / "f.wav").rate == RATE


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems refuse such names")
def test_a_name_in_any_bytes(tmp_path):
    "Read and written, also into a folder of such a name; errors can be printed."
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xe9t\xe9"))
    folder.mkdir()
    lead = stored(folder, FILES["short PEAK"], os.fsdecode(b"caf\xe9\n.wav"))
    assert info(double(lead, folder)).frames == LEAD.shape[1]
    lead.write_bytes(b"text")
    with pytest.raises(UserError) as e:
        info(lead)
    assert "caf\\xe9\\x0a.wav: not audio" in str(e.value)
    str(e.value).encode()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_pipe_with_a_name(tmp_path):
    "A FIFO is copied; without `local_copy` the true reason is said, and nobody waits for the other end."
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(UserError, match="is no file but a pipe"):
        info(fifo)
    writer = threading.Thread(target=lambda: fifo.write_bytes(FILES["plain"]))
    writer.start()
    with local_copy(fifo) as copy:
        assert info(copy).frames == LEAD.shape[1] and copy != fifo
    writer.join()
    assert not copy.parent.exists() and stat.S_ISFIFO(fifo.stat().st_mode)


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
@pytest.mark.parametrize("form", ["WAV", "FLAC", "MP3", "OGG", "AIFF"])
def test_standard_input(name, form, tmp_path):
    "By its first bytes, without a suffix."
    if name != "-" and not os.path.exists(name):
        pytest.skip("no such device here")
    sf.write(tmp_path / "lead", LEAD.T, RATE, format=form)
    code = "import sys; from vocaldouble.audio import *\nwith local_copy(sys.argv[1]) as p: print(p.name, info(p).format)"
    done = subprocess.run([sys.executable, "-c", code, name], input=(tmp_path / "lead").read_bytes(), capture_output=True, check=True)
    assert done.stdout.decode().split() == ["stdin", form]


def test_a_closed_standard_input():
    code = "from vocaldouble.audio import *\ntry:\n with local_copy('-'): pass\nexcept ValueError as e: print(e)"
    done = subprocess.run([sys.executable, "-c", "import sys; sys.stdin = None\n" + code], capture_output=True, check=True)
    assert b"standard input is closed" in done.stdout

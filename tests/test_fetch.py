"`fetch` on every kind of broken line, and archives that attack."
import errno
import hashlib
import stat
import struct
import subprocess
import sys
import tarfile
import warnings
import zipfile
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.equipment.loopback import Fault, Loopback
from tests.equipment.mirror import zipped
from vocaldouble.config import UserError, rng
from vocaldouble.data.fetch import Archive, Patience, fetch, file_lock, read_json, write_text

DATA = rng("fetch").bytes(300_000)
RIGHT = dict(size=len(DATA), digest="md5:" + hashlib.md5(DATA).hexdigest())
QUICK = Patience(tries=3, pause=0.01)
NO_LENGTH = {"Content-Length": None}


def garble(body):
    return bytes(b ^ 1 for b in body)


LINES = {
    "breaks at once, then busy": [Fault(drop=1), Fault(status=503), Fault(drop=0), Fault(drop=200_000)],
    "no ranges": [Fault(drop=100_000), Fault(ranges=False)],
    "no length": [Fault(headers=NO_LENGTH, body=lambda b: b[:70_000])],
    "too short": [Fault(headers=NO_LENGTH | {"ETag": None}, body=lambda b: b[:-1])],
    "a wrong rest": [Fault(drop=100_000), Fault(body=garble)],
}


@pytest.mark.parametrize("name", LINES)
def test_broken_lines(name, tmp_path):
    "The file is right in the end, and the only one."
    with Loopback({"a.bin": DATA}, LINES[name]) as server:
        got = fetch(server.url("a.bin"), tmp_path / "a.bin", patience=QUICK, **RIGHT)
    assert got.read_bytes() == DATA
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_a_line_that_falls_silent(tmp_path):
    "After the timeout the rest is asked for."
    with Loopback({"a.bin": DATA}, [Fault(drop=150_000, stall=True)]) as server:
        got = fetch(server.url("a.bin"), tmp_path / "a.bin", patience=Patience(tries=3, pause=0.01, timeout=1.0), **RIGHT)
        assert ("a.bin", "bytes=75000-") in server.seen
    assert got.read_bytes() == DATA


REFUSED = {
    "404 Not Found": ({}, [], {}),
    "403 Forbidden": ({}, [Fault(status=403)], {}),
    "503": ({}, [Fault(status=503)] * 9, {}),
    "again and again": ({"a.bin": DATA}, [Fault(drop=1000, ranges=False)] * 9, {}),
    "its checksum is wrong": ({"a.bin": DATA}, [Fault(body=garble)] * 9, {}),
    "26 bytes are offered instead of 300000": ({"a.bin": b"<html>Please log in</html>"}, [], {}),
    "more than the 300000 bytes": ({"a.bin": DATA}, [Fault(headers=NO_LENGTH, body=lambda b: b + b)] * 9, {}),
    "300000 bytes are offered": ({"a.bin": DATA}, [], dict(size=10**17)),
}


@pytest.mark.parametrize("expected", REFUSED)
def test_refused(expected, tmp_path):
    "One line says why, and nothing has the name of the file."
    files, faults, other = REFUSED[expected]
    with Loopback(files, faults) as server, pytest.raises(UserError) as error:
        fetch(server.url("a.bin"), tmp_path / "a.bin", patience=QUICK, **(RIGHT | other))
    assert expected in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "a.bin").exists()


@pytest.mark.parametrize("note, headers", [("[]", {}), (None, {"ETag": None})], ids=["note lost", "no tag"])
def test_stopped_and_nothing_says_that_it_is_the_same_file(note, headers, tmp_path):
    "It starts over."

    def stop(done, total):
        raise KeyboardInterrupt

    path, part = tmp_path / "a.bin", tmp_path / "a.bin.part"
    with Loopback({"a.bin": DATA}, [Fault(headers=headers, drop=150_000)]) as server:
        with pytest.raises(KeyboardInterrupt):
            fetch(server.url("a.bin"), path, progress=stop, patience=QUICK)
        part.write_bytes(DATA[:150_000])
        if note:
            Path(f"{part}.json").write_text(note)
        assert fetch(server.url("a.bin"), path, patience=QUICK).read_bytes() == DATA
        assert server.seen[1] == ("a.bin", None)


HOLDER = """
import sys
from pathlib import Path
from vocaldouble.data.fetch import file_lock

with file_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("killed", [False, True])
def test_lock_of_another_process(killed, tmp_path):
    "It keeps this one out until that process ends, however it ends."
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "x")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as job:
        assert job.stdout.readline() == "held\n"
        with pytest.raises(UserError, match="another run is at work on it"), file_lock(tmp_path / "x"):
            pass
        if killed:
            job.kill()
        job.stdin.close()
        job.wait()
    with file_lock(tmp_path / "x"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("other", [b"", b"[]", b"1", b"null", b"\xff\xfe", b'{"a":', b"[" * 100_000], ids=range(7))
def test_notes_that_cannot_be_read(other, tmp_path):
    (tmp_path / "note").write_bytes(other)
    assert read_json(tmp_path / "note") == {}


def test_no_room_for_a_note(tmp_path):
    "The former one stays."
    (tmp_path / "note").write_text("old")
    full = OSError(errno.ENOSPC, "No space left on device")
    with patch.object(Path, "write_text", side_effect=full), pytest.raises(UserError, match="note: the disk is full; make room"):
        write_text(tmp_path / "note", "new")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("note", "old")]


# Archives


def stored(path, files, mode=0):
    "A zip in which every entry has a mode."
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in files.items():
            about = zipfile.ZipInfo(name)
            about.external_attr = mode << 16
            z.writestr(about, data)
    return path


def opened(path):
    with Archive(path) as archive:
        return archive.entries


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "..\\evil", "C:/evil"])
def test_names_that_lead_out(name, tmp_path):
    with pytest.raises(UserError, match="leads out of its folder"):
        opened(stored(tmp_path / "a.zip", {name: b"evil"}))


@pytest.mark.parametrize("kind", ["S_IFLNK", "S_IFCHR", "S_IFBLK", "S_IFIFO", "S_IFSOCK"])
def test_links_and_devices(kind, tmp_path):
    with pytest.raises(UserError, match="a link or a special file"):
        opened(stored(tmp_path / "a.zip", {"x": b"/etc/passwd"}, getattr(stat, kind) | 0o777))


def test_a_name_that_comes_twice(tmp_path):
    with warnings.catch_warnings(), zipfile.ZipFile(tmp_path / "a.zip", "w") as z:
        warnings.simplefilter("ignore")
        z.writestr("a", b"1")
        z.writestr("a", b"2")
    with pytest.raises(UserError, match="'a', twice"):
        opened(tmp_path / "a.zip")


def test_an_encrypted_entry(tmp_path):
    raw = bytearray(zipped({"a": b"secret"}))
    raw[6] |= 1
    raw[raw.index(b"PK\1\2") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(raw)
    with pytest.raises(UserError, match="'a' is encrypted"):
        opened(tmp_path / "a.zip")


def test_what_is_no_zip(tmp_path):
    honest = bytearray(zipped({"b/a.wav": DATA, "e": b""}))
    honest[-69] ^= 0xFF
    (tmp_path / "flipped.zip").write_bytes(honest)
    (tmp_path / "abc").write_bytes(b"abc")
    with tarfile.open(tmp_path / "a.tar", "w") as t:
        t.add(tmp_path / "abc", "abc")
    for path in ("flipped.zip", "abc", "a.tar"):
        with pytest.raises(UserError, match="damaged"):
            opened(tmp_path / path)


def test_a_list_that_lies(tmp_path):
    "100 MB that say that they are 100 bytes, before and behind: no more than these are written."
    raw = zipped({"zeros": bytes(10**8)}).replace(struct.pack("<I", 10**8), struct.pack("<I", 100))
    (tmp_path / "a.zip").write_bytes(raw)
    with Archive(tmp_path / "a.zip") as archive, pytest.raises(UserError, match="damaged"):
        archive.extract(archive.entries[0], tmp_path / "out")
    assert (tmp_path / "out").stat().st_size <= 100


def test_a_flipped_bit(tmp_path):
    raw = bytearray(zipped({"b/a.wav": DATA}))
    raw[1000] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(raw)
    with Archive(tmp_path / "a.zip") as archive, pytest.raises(UserError, match="damaged"):
        archive.extract(archive.entries[0], tmp_path / "out")

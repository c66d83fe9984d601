"Writing on full disks and in races: a file is whole or not there."
import sys
import threading
from contextlib import contextmanager

import numpy as np
import pytest

from vocaldouble.audio import Staged, Writer, outputs, read, write
from vocaldouble.config import UserError, rng

NOISE = (0.1 * rng("audio").standard_normal((2, 96_000))).astype(np.float32)
EXTRAS = ((b"bext", bytes(602)), (b"iXML", b"<a/>" * 500))


@contextmanager
def room(n):
    "No file may grow beyond `n` bytes."
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of a file")
@pytest.mark.parametrize("extras", [(), EXTRAS], ids=["plain", "extras"])
@pytest.mark.parametrize("name", ["x.wav", "x.flac"])
def test_a_full_disk(name, extras, tmp_path, capfd):
    "It shows at the start, in the middle, with the last block or with what the encoder holds back; one line says why."
    write(tmp_path / name, NOISE, 48_000, "PCM_16")
    with Writer(tmp_path / name, 48_000, 2, "PCM_16", force=True, extras=extras) as w:
        w.write(NOISE)
    size, out = (tmp_path / name).stat().st_size, tmp_path / "out"
    for less in (size - 400, 100_000, 5000, 1000, 1, 0):
        writers = Writer(out / "first.wav", 48_000, 1), Writer(out / name, 48_000, 2, "PCM_16", extras=extras)
        try:
            with room(size - less), outputs(*writers) as (one, two):
                one.write(NOISE[:1, :100])
                for i in range(0, 96_000, 5000):
                    two.write(NOISE[:, i : i + 5000])
        except UserError as e:
            assert less and "disk" in str(e) and "\n" not in str(e)
            assert not out.exists()
        else:
            assert not less and sorted(p.name for p in out.iterdir()) == ["first.wav", name]
    assert capfd.readouterr() == ("", "")


def test_eight_threads_race_for_one_name(tmp_path):
    "One wins, seven are told so, and the winner's file is whole."
    def race(n):
        try:
            with outputs(Staged(tmp_path / "prize")) as (file,):
                file.temp.write_text(f"whole {n}")
                barrier.wait(60)
            won.append(n)
        except UserError as e:
            lost.append(str(e))

    won, lost, barrier = [], [], threading.Barrier(8)
    threads = [threading.Thread(target=race, args=[n]) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(won) == 1 and len(lost) == 7 and all("exists; pass --force" in e for e in lost)
    assert (tmp_path / "prize").read_text() == f"whole {won[0]}"
    assert [p.name for p in tmp_path.iterdir()] == ["prize"]


def test_two_writers_of_one_name(tmp_path):
    "Interleaved block by block: the first to finish has it, the other is refused, and both are whole all the time."
    path = tmp_path / "duet.wav"
    with pytest.raises(UserError, match="duet.wav: exists; pass --force to replace it"):
        with Writer(path, 48_000, 2) as slow:
            slow.write(NOISE)
            with Writer(path, 48_000, 1) as fast:
                fast.write(NOISE[:1])
                slow.write(NOISE)
                fast.write(NOISE[:1])
    assert read(path)[0].shape == (1, 192_000)
    assert [p.name for p in tmp_path.iterdir()] == ["duet.wav"]

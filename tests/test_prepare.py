"`prepare` when it is killed, and on a full disk."
import subprocess
import sys

import numpy as np
import pytest

from tests.equipment.mirror import tree
from vocaldouble.audio import write
from vocaldouble.config import rng
from vocaldouble.data.datasets import write_manifest
from vocaldouble.data.prepare import prepare


@pytest.fixture
def data(tmp_path):
    "Six singers with three recordings each, of noise that is loud in the middle."
    rows, loud = [], np.repeat(np.float32([0.001, 0.5, 0.001]), 22_050)
    for who in ("ann", "bob", "cid", "dan", "eve", "flo"):
        for n in range(3):
            noise = rng("test_prepare", who, n).standard_normal((1, len(loud)), np.float32)
            write(tmp_path / "interim/toy" / who / f"song{n}.wav", 0.2 * loud * noise, 44_100, "PCM_16")
            about = dict(dataset="toy", line=f"song{n}", take=1, seconds=len(loud) / 44_100, rate=44_100, licence="CC0")
            rows.append(dict(path=f"{who}/song{n}.wav", speaker=who) | about)
    write_manifest(rows, tmp_path / "interim/toy")
    return tmp_path


KILLED = """
import sys
from vocaldouble.data.prepare import prepare

def progress(share, calls=[]):
    calls.append(share)
    if len(calls) == int(sys.argv[2]):
        print("now", flush=True)
        sys.stdin.read()  # until this process is killed

prepare(["toy"], "killed", data=sys.argv[1], jobs=1, progress=progress)
"""


def test_killed_and_started_again(data):
    "Only recordings that were not finished are done again, and the bytes are those of a run that was not disturbed."
    folder, stamps = data / "processed" / "killed", {}
    for calls, journal in ((3, 2), (8, 9)):  # the first call tells of recordings that are done already
        with subprocess.Popen([sys.executable, "-c", KILLED, str(data), str(calls)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as job:
            assert job.stdout.readline() == "now\n"
            job.kill()
        assert (folder / "prepare.jsonl").read_bytes().count(b"\n") == journal
        assert not (folder / "manifest.csv").exists()
        now = {p: p.stat().st_mtime_ns for p in folder.rglob("*.wav")}
        assert {p: now[p] for p in stamps} == stamps
        stamps = now
    next(folder.rglob("*.wav")).with_name(".0123456789abcdef.part").write_bytes(b"half a clip")
    with open(folder / "prepare.jsonl", "a") as f:
        f.write('{"name": "toy/flo/so')
    prepare(["toy"], "killed", data=data, jobs=1)
    prepare(["toy"], "at once", data=data, jobs=1)
    assert tree(folder) == tree(data / "processed" / "at once")
    assert {p: p.stat().st_mtime_ns for p in stamps} == stamps


SMALL_DISK = """
import resource, signal, sys
from vocaldouble.data.prepare import prepare

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
prepare(["toy"], "full", data=sys.argv[1], jobs=1)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on the size of files stands in for a full disk")
@pytest.mark.parametrize("room, expected", [(100, "prepare.json: the disk is full; make room"), (60_000, "is the disk full?")])
def test_full_disk(data, room, expected):
    "One line, nothing half written, and when there is room it goes on."
    done = subprocess.run([sys.executable, "-c", SMALL_DISK, str(data), str(room)], capture_output=True, text=True)
    assert "UserError" in done.stderr and expected in done.stderr, done.stderr
    assert list(data.glob("processed/full/**/.*")) == []
    prepare(["toy"], "full", data=data, jobs=1)
    prepare(["toy"], "enough", data=data, jobs=1)
    assert tree(data / "processed" / "full") == tree(data / "processed" / "enough")

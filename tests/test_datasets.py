"`datasets.get` where things go wrong: lines, disks, killed and stopped runs, records that say nonsense."
import subprocess
import sys
from dataclasses import replace
from unittest.mock import Mock, patch

import pytest

from tests.equipment.loopback import Fault, Loopback
from tests.equipment.mirror import make_mirror, sound, tree, zipped
from vocaldouble.config import UserError
from vocaldouble.data import datasets
from vocaldouble.data.datasets import dataset, get
from vocaldouble.data.fetch import Patience

PATIENCE = Patience(tries=3, pause=0.01)
NOTES = "voices/martin/notes/exports/mono/"


@pytest.fixture
def mirror(tmp_path):
    "A mirror with five notes."
    notes = {f"{NOTES}{n}.wav": sound(f"{n}.wav") for n in ("E3", "E3-2", "E3-3", "G3", "G3-2")}
    return make_mirror(tmp_path / "mirror", {"vocobox": zipped(notes)})


@pytest.mark.parametrize(
    "faults",
    [
        [Fault(status=503)],
        [Fault(drop=20_000)],
        [Fault(body=lambda b: bytes(len(b)))],
        [Fault(drop=20_000), Fault(ranges=False)],
        [Fault(stall=True, drop=20_000)],
    ],
    ids=["busy", "breaks", "wrong bytes", "no ranges", "falls silent"],
)
def test_every_fault_of_the_line(mirror, tmp_path, faults):
    "From a mirror at an address, the same corpus as from a folder."
    get("vocobox", mirror, tmp_path / "near")
    patience = replace(PATIENCE, timeout=1.0) if faults[0].stall else PATIENCE
    files = {f"m/{p.name}": p.read_bytes() for p in mirror.iterdir()}
    with Loopback(files, [Fault(), *faults]) as server:  # the first answer is the index
        assert get("vocobox", server.url("m"), tmp_path / "far", patience=patience).files == 5
        assert len(server.seen) > 2
    assert tree(tmp_path / "far/interim/vocobox") == tree(tmp_path / "near/interim/vocobox")


KILLED = """
import sys
from vocaldouble.data.datasets import get

def progress(stage, done, total):
    if (stage, done) == ("making", int(sys.argv[3])):
        print("now", flush=True)
        sys.stdin.read()  # until this process is killed

get("vocobox", sys.argv[1], sys.argv[2], progress=progress)
"""


def test_killed_and_started_again(mirror, tmp_path):
    "What remains does not look complete, and in the end there are the same bytes as after one run."
    folder = tmp_path / "killed" / "interim" / "vocobox"
    for files in (1, 3):
        command = [sys.executable, "-c", KILLED, str(mirror), str(tmp_path / "killed"), str(files)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as job:
            assert job.stdout.readline() == "now\n"
            job.kill()
        assert list(folder.glob("martin/*.wav")) and not (folder / "manifest.csv").exists()
    assert get("vocobox", mirror, tmp_path / "killed").state == "made"
    get("vocobox", mirror, tmp_path / "at once")
    assert tree(folder) == tree(tmp_path / "at once" / "interim" / "vocobox")


SMALL_DISK = """
import resource, signal, sys
from vocaldouble.data.datasets import get

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
get("sms-tools", sys.argv[1], sys.argv[2])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on the size of files stands in for a full disk")
def test_full_disk(tmp_path):
    "It is not the fault of a file: the run ends, and what was made stays for the next one."
    files = {"sounds/vignesh.wav": sound("a.wav", 0.1), "sounds/carnatic.wav": sound("b.wav", 5)}
    mirror, data = make_mirror(tmp_path / "mirror", {"sms-tools": zipped(files)}), tmp_path / "full"
    datasets._obtain(dataset("sms-tools"), data / "raw" / "sms-tools", mirror)
    done = subprocess.run([sys.executable, "-c", SMALL_DISK, str(mirror), str(data)], capture_output=True, text=True)
    assert "UserError" in done.stderr and "the disk is full" in done.stderr, done.stderr
    left = [p.name for p in (data / "interim/sms-tools").rglob("*.*")]
    assert "manifest.csv" not in left and not [n for n in left if n.endswith(".part")]
    assert get("sms-tools", mirror, data).files == 2


def test_stopped_while_it_removes(mirror, tmp_path):
    "The next run goes on, unforced."
    get("vocobox", mirror, tmp_path)
    folder = tmp_path / "interim" / "vocobox"
    before = tree(folder)
    with patch.object(datasets, "_remove", Mock(side_effect=KeyboardInterrupt)), pytest.raises(KeyboardInterrupt):
        get("vocobox", mirror, tmp_path, force=True)
    assert not datasets._is_complete(folder) and list(folder.rglob("*.wav"))
    assert get("vocobox", mirror, tmp_path).state == "made"
    assert tree(folder) == before


def test_cannot_remove(mirror, tmp_path):
    "The reason is said in one line."
    get("vocobox", mirror, tmp_path)
    denied = Mock(side_effect=PermissionError(13, "Permission denied"))
    with patch.object(datasets, "_remove", denied), pytest.raises(UserError, match=r"cannot be written \(Permission denied\)"):
        get("vocobox", mirror, tmp_path, force=True)


def test_stopped_in_its_first_note(mirror, tmp_path):
    "A temporary file is all there is."
    folder = tmp_path / "interim" / "vocobox"
    folder.mkdir(parents=True)
    (folder / ".0123456789abcdef.part").write_text("{")
    assert get("vocobox", mirror, tmp_path).state == "made"
    assert not list(folder.glob(".*"))


def test_records_that_say_nonsense(mirror, tmp_path):
    "Such a record counts as none."
    (got,) = datasets._obtain(dataset("vocobox"), tmp_path / "raw", mirror)
    record = (tmp_path / "raw" / "fetched.json").read_text()
    other = ("[]", "1", "{}", '{"files": 1}', '{"files": [1]}', '{"files": [{"file": 1}]}', record.replace('"sha256:', '"md4711:'), record[:50])
    for text in other:
        (tmp_path / "raw" / "fetched.json").write_text(text)
        assert datasets._recorded(tmp_path / "raw") == []
    (tmp_path / "raw" / "fetched.json").write_text(record)
    assert datasets._recorded(tmp_path / "raw") == [got]


def test_notes_that_say_nonsense(mirror, tmp_path):
    "A complete corpus stays one, and nothing is said about files that are left out."
    folder = tmp_path / "interim" / "vocobox"
    get("vocobox", mirror, tmp_path)
    for other in ("[]", "{}", '{"skipped": 1}', "\xff"):
        (folder / "source.json").write_text(other, encoding="latin-1")
        got = get("vocobox", tmp_path / "nowhere", tmp_path)
        assert (got.state, got.skipped) == ("there", [])

"The command line where things go wrong: bad files, odd names, closed pipes, full disks, Ctrl-C."
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from vocaldouble.audio import write
from vocaldouble.synth import sing

LONG = 600  # seconds after which a process that hangs is given up
CLI = [sys.executable, "-m", "vocaldouble.cli"]


@pytest.fixture(scope="module")
def vocal():
    take = sing()
    return take.audio[:, : take.rate], take.rate


@pytest.fixture
def leads(vocal, tmp_path):
    "A folder with three leads of a second."
    for name in ("one", "two", "three"):
        write(tmp_path / f"{name}.wav", *vocal, "PCM_16")
    return tmp_path


def names(folder: Path) -> list:
    return sorted(f.name for f in Path(folder).rglob("*") if f.is_file())


# Bad files and bad options


def bad_lead(name: str, audio: np.ndarray, rate: int):
    "Write the lead that the test is named after."
    if name == "cut":
        write("cut.wav", audio, rate)
        os.truncate("cut.wav", 100_000)
    elif name == "none":
        sf.write("none.wav", np.zeros((0, 1)), rate)
    elif name == "click":
        sf.write("click.wav", np.full((1, 1), 0.5), rate)
    elif name == "slow":
        sf.write("slow.wav", audio[:, :8000].T, 4000)
    elif name in ("nan", "inf"):
        audio = audio.copy()
        audio[0, 30_000] = float(name)
        sf.write(f"{name}.wav", audio.T, rate, "FLOAT")
    elif name == "folder":
        os.mkdir("folder.wav")


@pytest.mark.parametrize(
    "name, expected",
    [
        ("missing", "no such file"),
        ("folder", "is a folder"),
        ("cut", "truncated"),
        ("none", "no samples"),
        ("click", "too short"),
        ("slow", "4000 Hz"),
        ("nan", "nan.wav"),
        ("inf", "inf.wav"),
    ],
)
def test_a_bad_lead_is_one_line(command, vocal, tmp_path, name, expected):
    bad_lead(name, *vocal)
    before = names(tmp_path)
    code, out, err = command("double", f"{name}.wav", "-o", "wrong")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert expected in err
    assert names(tmp_path) == before and not Path("wrong").exists()


@pytest.mark.parametrize(
    "options, expected",
    [
        (["one.wav", "-o", "file/in"], "cannot be written"),
        (["one.wav", "-o", "wrong", "--variation", "7"], "variation is 7"),
        (["one.wav", "-o", "wrong", "--voices", "0"], "voices is 0; give a whole number from 1 to 16"),
        (["one.wav", "-o", "wrong", "--model", "nobody"], "no model is called"),
        (["one.wav", "-o", "wrong", "--seed", "x"], "not a valid integer"),
        (["one.wav"], "Missing option '-o'"),
    ],
)
def test_a_bad_option_is_one_line(command, leads, options, expected):
    Path("file").write_text("in the way")
    before = names(leads)
    code, out, err = command("double", *options)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert expected in err
    assert names(leads) == before


def test_one_bad_lead_never_stops_the_rest(leads):
    "In this process and in others."
    Path(leads, "bad.wav").write_bytes(b"no sound")
    for jobs in (1, 2):
        done = run("double", "one.wav", "bad.wav", "two.wav", "-o", f"out{jobs}", "--voices", 1, "--no-mix", "--jobs", jobs, cwd=leads)
        assert done.returncode == 2
        assert names(leads / f"out{jobs}") == ["one_double1.wav", "two_double1.wav"]
        assert done.stderr.count(b"\n") == 1 and b"bad.wav: not audio" in done.stderr


# Names and consoles


def run(*args, cwd, **env):
    "The command in a process of its own; its outputs are bytes."
    return subprocess.run([*CLI, *map(os.fsencode, map(str, args))], cwd=cwd, env=os.environ | env, capture_output=True, timeout=LONG)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_name_that_is_no_utf8(leads, jobs):
    "It is read and written, and printed as escapes; the JSON report is ASCII."
    latin = os.fsdecode(b"caf\xe9")
    os.rename(leads / "two.wav", leads / f"{latin}.wav")
    options = ["-o", "out", "--voices", 1, "--no-mix", "--jobs", jobs]
    done = run("double", "one.wav", f"{latin}.wav", "three.wav", *options, cwd=leads)
    assert (done.returncode, done.stderr) == (0, b"")
    assert names(leads / "out") == [f"{latin}_double1.wav", "one_double1.wav", "three_double1.wav"]
    assert done.stdout.split() == [b"out/one_double1.wav", b"out/caf\\udce9_double1.wav", b"out/three_double1.wav"]
    done = run("double", f"{latin}.wav", *options, "--force", "--json", cwd=leads)
    assert json.loads(done.stdout.decode("ascii"))[0]["lead"] == f"{latin}.wav"


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_any_console(leads, encoding):
    os.rename(leads / "two.wav", leads / "主唱.wav")
    done = run("double", "主唱.wav", "missing 主唱.wav", "-o", "out", "--voices", 1, "--no-mix", cwd=leads, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert done.returncode == 2
    assert done.stdout.split() == [b"out/\\u4e3b\\u5531_double1.wav"]
    assert b"missing \\u4e3b\\u5531.wav: no such file" in done.stderr


def test_a_closed_pipe_is_quiet(leads):
    "Whoever reads has seen enough, as `head` has."
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*CLI, "double", "one.wav", "-o", "out"], cwd=leads, stdout=writer, stderr=subprocess.PIPE, timeout=LONG)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")
    assert len(names(leads / "out")) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_no_output_at_all(leads):
    closed = ["/bin/sh", "-c", 'exec "$@" >&- 2>&-', "sh"]
    done = subprocess.run([*closed, *CLI, "double", "one.wav", "-o", "out"], cwd=leads, timeout=LONG)
    assert done.returncode == 0
    assert len(names(leads / "out")) == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("words", [["double", "one.wav", "-o", "out"], []])
def test_a_report_that_cannot_be_written(leads, words):
    with open("/dev/full", "w") as full:
        done = subprocess.run([*CLI, *words], cwd=leads, stdout=full, stderr=subprocess.PIPE, timeout=LONG)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert b"the report could not be written: No space left" in done.stderr


# Full disks, Ctrl-C, and being killed


def small_disk():
    "In the process to be: no file may grow beyond 20 kB."
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def test_a_full_disk_leaves_nothing(leads):
    done = subprocess.run([*CLI, "double", "one.wav", "-o", "out"], cwd=leads, preexec_fn=small_disk, capture_output=True, timeout=LONG)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert b"disk is full" in done.stderr
    assert not (leads / "out").exists()


HALTED = """
import sys
from contextlib import contextmanager
from unittest.mock import patch
from vocaldouble import cli

@contextmanager
def halting(total, label):
    def progress(done):
        print("now", flush=True)
        sys.stdin.read()  # until this process is stopped
    yield progress

if __name__ == "__main__":  # the workers of --jobs import this too
    with patch.object(cli, "progress_bar", halting):
        sys.exit(cli.main())
"""


def halted(folder, *args):
    "A command that waits at its first progress, having begun to write."
    (folder / "halted.py").write_text(HALTED)
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    job = subprocess.Popen([sys.executable, "halted.py", *args], cwd=folder, **pipes, start_new_session=True, preexec_fn=listen)
    assert job.stdout.readline() == b"now\n", job.communicate()
    return job


def listen():
    "In the process to be: Ctrl-C ends it. A shell's background job, which this test may be part of, ignores it."
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def hour_of_silence(path: Path):
    "A lead that takes longer than any test, in a file with a hole."
    write(path, np.zeros((1, 48_000), np.float32), 48_000, "PCM_16", force=True)
    size = 3600 * 48_000 * 2
    with open(path, "r+b") as f:
        head = f.read(44)
        assert head[36:40] == b"data"
        f.seek(0)
        f.write(head[:4] + (size + 36).to_bytes(4, "little") + head[8:40] + size.to_bytes(4, "little"))
        f.truncate(44 + size)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stopped_with_one_process(leads, sent):
    "Nothing is left, neither of the lead under way nor of those to come."
    job = halted(leads, "double", "one.wav", "two.wav", "-o", "out")
    assert (leads / "out").exists()
    job.send_signal(sent)
    err = job.communicate(timeout=LONG)[1]
    assert (job.returncode, err.strip()) == (130, b"vocaldouble: stopped; nothing was left half written")
    assert not (leads / "out").exists() or not names(leads / "out")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_stopped_with_several_processes(leads, sent):
    "What was done stays; of the leads under way nothing is left. Ctrl-C reaches all processes, a kill only one."
    hour_of_silence(leads / "two.wav")
    hour_of_silence(leads / "three.wav")
    job = halted(leads, "double", "one.wav", "two.wav", "three.wav", "-o", "out", "--jobs", "2", "--voices", "1", "--no-mix")
    os.killpg(job.pid, sent) if sent == signal.SIGINT else job.send_signal(sent)
    err = job.communicate(timeout=LONG)[1]
    assert (job.returncode, err.strip()) == (130, b"vocaldouble: stopped; nothing was left half written")
    assert names(leads / "out") == ["one_double1.wav"]


def test_killed(leads):
    "No double looks finished, and the same command makes them all."
    job = halted(leads, "double", "one.wav", "-o", "out")
    job.kill()
    job.communicate(timeout=LONG)
    assert not [n for n in names(leads / "out") if not n.startswith(".")]
    assert run("double", "one.wav", "-o", "out", cwd=leads).returncode == 0
    assert [n for n in names(leads / "out") if not n.startswith(".")] == [f"one_{n}.wav" for n in ("double1", "double2", "mix")]

"""Every test runs alone: its own home and temporary folders, no mirror, one thread."""
import os
import signal

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and torch are imported; workers inherit it

import pytest


@pytest.fixture(autouse=True)
def hermetic(tmp_path_factory, monkeypatch):
    "Nothing of the user's is read, and nothing is left where others look."
    monkeypatch.setenv("VOCALDOUBLE_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("JOBLIB_TEMP_FOLDER", str(tmp_path_factory.mktemp("joblib")))
    monkeypatch.delenv("VOCALDOUBLE_MIRROR", raising=False)


@pytest.fixture
def command(capsys, monkeypatch, tmp_path):
    "Runs the command line in this process, in a folder of its own: `command('double', 'lead.wav', ...)` gives (exit code, output, error stream)."
    from vocaldouble.cli import main

    def run(*args):
        code = main([str(a) for a in args])
        return code, *capsys.readouterr()

    monkeypatch.chdir(tmp_path)
    handlers = {s: signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGHUP)}
    yield run
    for s, handler in handlers.items():
        signal.signal(s, handler)

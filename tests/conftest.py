"""Every test runs alone: its own home and temporary folders, no mirror, one thread."""
import os

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and torch are imported; workers inherit it

import pytest


@pytest.fixture(autouse=True)
def hermetic(tmp_path_factory, monkeypatch):
    "Nothing of the user's is read, and nothing is left where others look."
    monkeypatch.setenv("VOCALDOUBLE_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("JOBLIB_TEMP_FOLDER", str(tmp_path_factory.mktemp("joblib")))
    monkeypatch.delenv("VOCALDOUBLE_MIRROR", raising=False)

"Weights when something is wrong: lock files, Google Drive, configs."
import json
import sys
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import pytest
import requests

from tests.equipment.stand_ins import SMALL_AT, write_stand_in
from vocaldouble.config import UserError
from vocaldouble.data import pretrained
from vocaldouble.data.fetch import file_lock
from vocaldouble.data.pretrained import REGISTRY, get, load_autoencoder, state

CONFIG = REGISTRY["at-v1"].parts[0]


@pytest.fixture
def home(tmp_path, monkeypatch):
    "An empty home."
    monkeypatch.setenv("VOCALDOUBLE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("VOCALDOUBLE_MIRROR", raising=False)
    return tmp_path


@pytest.fixture
def trusted(home):
    "AT-v1, trusted on first use; the path of its config."
    write_stand_in("at-v1", home / "mirror")
    return get("at-v1", str(home / "mirror"), trust=True)[0]


@pytest.mark.parametrize(
    "bad", [b"[]", b"{}", b"5", b'{"at-v1/config.json": 1}', b'{"at-v1/config.json": {"sha256": 1}}', b'{"at-v1/con', b"\xff\xfe"], ids=range(7)
)
def test_a_damaged_lock_file(trusted, bad):
    "It neither stops a listing nor is written over."
    lock_file = pretrained._lock_file()
    good = lock_file.read_bytes()
    lock_file.write_bytes(bad)
    assert state("at-v1") == "unverified"
    for change in (lambda: get("at-v1", trust=True), lambda: pretrained._lock("at-v1", CONFIG, trusted, "a test")):
        with pytest.raises(UserError, match="lock.json: cannot be read; bring back the version that was written"):
            change()
    assert lock_file.read_bytes() == bad
    lock_file.write_bytes(good)
    assert state("at-v1") == "ready"


def test_another_process_writes_the_lock_file(trusted):
    good = pretrained._lock_file().read_bytes()
    with file_lock(pretrained._lock_file()), pytest.raises(UserError, match="another run is at work on it"):
        pretrained._lock("at-v1", CONFIG, trusted, "a test")
    assert (pretrained._lock_file().read_bytes(), state("at-v1")) == (good, "ready")


class Drive(ModuleType):
    "`gdown`, without a drive: it gives one answer after the other."

    def __init__(self, *answers):
        super().__init__("gdown")
        self.answers = list(answers)

    def download(self, id, output, **kw):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer and Path(output).write_bytes(answer)


@pytest.mark.parametrize(
    "answer, expected",
    [
        (None, "does not give it out; try"),
        (b"<html>", "no file of weights"),
        (RuntimeError("Cannot retrieve the public link\nof the file"), r"\(Cannot retrieve the public link\); try again"),
        (requests.ConnectionError("HTTPSConnectionPool(…)"), "embedder.pt: Google Drive cannot be reached; check the network"),
    ],
    ids=["refusal", "page", "error", "no network"],
)
def test_drive_refuses(home, answer, expected):
    "One line, and nothing is kept; then it answers well."
    with patch.dict(sys.modules, {"gdown": Drive(answer, b"PK\x03\x04 embedder")}):
        with pytest.raises(UserError, match=expected):
            get("voicefilter", trust=True)
        assert state("voicefilter") == "missing"
        assert get("voicefilter", trust=True)[0].name == "embedder.pt"
        get("voicefilter")
    assert state("voicefilter") == "ready"


def test_without_gdown(home):
    with patch.dict(sys.modules, {"gdown": None}), pytest.raises(UserError, match=r"needs gdown; run: pip install 'vocaldouble\[train\]'"):
        get("rtvc-original", trust=True)


@pytest.mark.parametrize("odd", [dict(channels="8"), dict(factors=2), dict(patch_size=0), dict(multipliers=[1, 2])], ids=str)
def test_configs_that_describe_nothing(trusted, odd):
    trusted.write_text(json.dumps(SMALL_AT | odd))
    with pytest.raises(UserError, match="describes an autoencoder that cannot be built"):
        load_autoencoder(trusted.parent)

"A corpus with repeats that nobody knew: one registry entry, and no other file is touched."
import io
import json
from unittest.mock import patch

import pytest
import soundfile

from tests.equipment.mirror import make_mirror, sound, zipped
from vocaldouble.cli import main
from vocaldouble.data.datasets import DATASETS, Dataset, Layout, read_manifest, register
from vocaldouble.synth import Note, sing, smooth_deviations

TOY = Dataset(
    name="toy-choir",
    what="two singers, every line twice",
    licence="CC0 1.0",
    train_ok=True,
    layout=(Layout(r"(?P<who>\w+)/(?P<line>\w+)-take(?P<take>\d)\.wav", "toy-{who}", "song/{line}"),),
    home="https://example.org/toy-choir",
    citation="Nobody, A Toy, 2026",
)


@pytest.fixture
def toy_choir(tmp_path, monkeypatch):
    "The corpus, registered, in a mirror; `VOCALDOUBLE_HOME` is a temporary folder."
    names = [f"choir/{who}/{line}-take{n}.wav" for who in ("ann", "bob") for line in ("luna", "sole") for n in (1, 2)]
    mirror = make_mirror(tmp_path / "mirror", {TOY.name: zipped({n: sound(n) for n in names} | {"choir/readme.txt": b"a choir"})})
    monkeypatch.setenv("VOCALDOUBLE_MIRROR", str(mirror))
    monkeypatch.setenv("VOCALDOUBLE_HOME", str(tmp_path / "home"))
    with patch.dict(DATASETS):
        register(TOY)
        yield tmp_path / "home" / "data" / "interim" / TOY.name


def test_get(toy_choir, capsys):
    "`vocaldouble datasets get` makes it, and the table has speaker, line and take."
    assert main(["datasets", "get", TOY.name]) == 0
    assert "8 files, 2 speakers" in capsys.readouterr().out
    table = read_manifest(toy_choir)
    assert table.groupby(["speaker", "line"])["take"].apply(list).to_dict() == {
        (who, line): [1, 2] for who in ("toy-ann", "toy-bob") for line in ("song/luna", "song/sole")
    }


QUARTET = Dataset(
    name="toy-quartet",
    what="four singers, one line twice",
    licence="CC0 1.0",
    train_ok=True,
    layout=(Layout(r"(?P<who>\w+)/(?P<line>\w+)_(?P<take>\d)\.wav", "toy-{who}", "song/{line}"),),
    home="https://example.org/toy-quartet",
    citation="Nobody, A Toy, 2026",
)


def sung(k: int) -> list:  # of bytes
    "Singer `k` sings a line twice; the second take deviates from the first."
    line, files = (Note("", seconds=0.1), Note("la", 57 + 2 * k, 0.6), Note("", seconds=0.1)), []
    one = sing(line, rate=44_100)
    for take in (one, sing(line, rate=44_100, curves=smooth_deviations(len(one), seed=k))):
        files.append(io.BytesIO())
        soundfile.write(files[-1], take.audio.T, 44_100, format="WAV")
    return [file.getvalue() for file in files]


def test_evaluate(tmp_path, monkeypatch, capsys):
    "`vocaldouble evaluate` takes the corpus at once: real takes at the floor, a copy and a delay far from it."
    files = {f"{who}/luna_{take}.wav": file for k, who in enumerate(("ann", "bob", "cat", "dan")) for take, file in enumerate(sung(k), 1)}
    monkeypatch.setenv("VOCALDOUBLE_MIRROR", str(make_mirror(tmp_path / "mirror", {QUARTET.name: zipped(files)})))
    monkeypatch.setenv("VOCALDOUBLE_HOME", str(tmp_path / "home"))
    with patch.dict(DATASETS):
        register(QUARTET)
        assert main(["datasets", "get", QUARTET.name]) == 0
        capsys.readouterr()
        assert main(["evaluate", QUARTET.name, "--no-mos", "--model", "classic:delay", "--jobs", "1", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["facts"]["pairs"] == report["facts"]["groups"] == 4
    assert {"real", "other singer", "copy", "classic:delay"} == set(report["rows"])
    distance = {row: figures["MMD² / floor"]["value"] for row, figures in report["rows"].items()}
    assert distance["copy"] > distance["real"] and distance["classic:delay"] > distance["real"]

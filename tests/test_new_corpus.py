"A corpus with repeats that nobody knew: one registry entry, and no other file is touched."
from unittest.mock import patch

import pytest

from tests.equipment.mirror import make_mirror, sound, zipped
from vocaldouble.cli import main
from vocaldouble.data.datasets import DATASETS, Dataset, Layout, read_manifest, register

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

"What `vocaldouble evaluate` says of takes that cannot be compared: one line, exit 2, nothing written."
from functools import lru_cache

import numpy as np
import pytest
import soundfile

from vocaldouble.cli import main
from vocaldouble.deviation import DeviationCurves
from vocaldouble.synth import Note, Take, sing, smooth_deviations

RATE = 44_100
WORDS = ("la", "so", "mi", "na"), ("fi", "ka", "shi", "to"), ("te", "lu", "sa", "ki"), ("no", "ti", "se", "ku")


@lru_cache
def sung(k: int, words: int, curves: DeviationCurves = None) -> Take:
    "Line `k` with the words of a line."
    notes = [Note(w, 57 + 2 * k + step, 0.4) for w, step in zip(WORDS[words], (0, 2, 4, 0))]
    return sing((Note("", seconds=0.1), *notes, Note("", seconds=0.1)), rate=RATE, curves=curves)


def line(k: int, take: int = 1) -> np.ndarray:  # [N]
    "A take of line `k`; the second deviates from the first."
    one = sung(k, k)
    return (one if take == 1 else sung(k, k, smooth_deviations(len(one), seed=k))).audio[0]


def written(folder, takes: dict, rates: dict = {}) -> str:  # name -> [N]
    "A folder of takes."
    folder.mkdir()
    for name, x in takes.items():
        soundfile.write(folder / name, x, rates.get(name, RATE))
    return str(folder)


def refused(capsys, *args) -> str:
    "What the command line says instead of a report."
    assert main(["evaluate", *args, "--model", "classic:delay", "--no-mos", "--jobs", "1"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "Traceback" not in err
    return err


@pytest.fixture(scope="module")
def four_lines() -> dict:
    return {f"line{k}_{take}.wav": line(k, take) for k in range(4) for take in (1, 2)}


def test_other_words(tmp_path, capsys):
    takes = {f"line{k}_{take}.wav": sung(k, (k + take - 1) % 4).audio[0] for k in range(4) for take in (1, 2)}
    said = refused(capsys, written(tmp_path / "words", takes))
    assert "can be compared, and 4 are needed" in said and "the words differ" in said


def test_silent_cut_and_mixed(tmp_path, capsys, four_lines):
    silent = four_lines | {"line2_2.wav": np.zeros(RATE)}
    assert "line2 take 2: is silent" in refused(capsys, written(tmp_path / "silent", silent))
    cut = four_lines | {"line1_2.wav": four_lines["line1_2.wav"][: RATE // 8]}
    assert "line1 take 2: lasts 0.12 s" in refused(capsys, written(tmp_path / "cut", cut))
    whole = four_lines["line1_2.wav"]
    half = four_lines | {"line1_2.wav": whole[: len(whole) // 2 + RATE // 100]}
    assert "missing in the other" in refused(capsys, written(tmp_path / "half", half))
    mixed = written(tmp_path / "mixed", four_lines, {"line3_2.wav": 48_000})
    assert "are at 44100 and 48000 Hz" in refused(capsys, mixed)


def test_nothing_to_compare(tmp_path, capsys, four_lines):
    single = {name: x for name, x in four_lines.items() if "_1" in name}
    assert "nobody sings a line twice" in refused(capsys, written(tmp_path / "single", single))
    few = {name: x for name, x in four_lines.items() if name < "line2"}
    assert "takes of 2 different things" in refused(capsys, written(tmp_path / "few", few))
    (tmp_path / "empty").mkdir()
    assert "empty" in refused(capsys, str(tmp_path / "empty"))
    assert "no such folder" in refused(capsys, str(tmp_path / "nowhere"))
    (tmp_path / "empty" / "verse_1.wav").write_text("not sound")
    (tmp_path / "empty" / "verse_2.wav").write_text("not sound")
    assert "verse_" in refused(capsys, str(tmp_path / "empty"))

"The blind test of the report page: its logic, as node runs it, and the page of the command."
import csv
import io
import json
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from scipy.stats import binomtest

from vocaldouble.audio import write
from vocaldouble.synth import Note, sing, smooth_deviations

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(not NODE, reason="node is not installed")

PAIRS = [
    {"track": "notes", "example": f"A{k} 1:2", "double": double, "sound": sound, "versions": [{"name": "real"}, {"name": double}]}
    for k in range(3)
    for double in ("human", 'say "hi", \u00e9')
    for sound in ("mix", "alone")
]
RANDOM = "let s = seed; const random = () => (s = (s * 16807) % 2147483647) / 2147483647;"


def node(body: str, **values):
    "What `body` returns, run with the logic of the page as `abx`, and `values`."
    given = "".join(f"const {k} = {json.dumps(v)};" for k, v in values.items())
    logic = json.dumps(str(files("vocaldouble").joinpath("assets", "abx.js")))
    script = f"const abx = require({logic}); {given} console.log(JSON.stringify((() => {{ {body} }})()));"
    done = subprocess.run([NODE, "-e", script], capture_output=True, text=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def drawn(count: int, seed: int = 7, pairs=PAIRS) -> list:
    return node(f"{RANDOM} return abx.trials(pairs, count, random);", pairs=pairs, count=count, seed=seed)


@needs_node
def test_every_pair_once_before_any_again():
    key = lambda t: (t["pair"]["example"], t["pair"]["double"], t["pair"]["sound"])
    trials = [key(t) for t in drawn(30)]
    assert len(trials) == 30 and len(set(trials[:12])) == len(set(trials[12:24])) == 12
    assert trials[:12] != trials[12:24] and drawn(5) != drawn(5, seed=8)
    assert drawn(8, pairs=[]) == [] and len(drawn(8, pairs=PAIRS[:1])) == 8


@needs_node
def test_a_b_and_x_are_random():
    trials = drawn(2000)
    for t in trials:
        assert {t["a"]["name"], t["b"]["name"]} == {"real", t["pair"]["double"]} and t["answer"] is None
    real_first, x_is_a, x_is_real = (
        sum(found) / 2000 for found in ([t["a"]["name"] == "real" for t in trials], [t["x"] == "a" for t in trials], [t[t["x"]]["name"] == "real" for t in trials])
    )
    assert all(abs(share - 0.5) < 0.05 for share in (real_first, x_is_a, x_is_real))


@needs_node
def test_p_value_is_that_of_scipy():
    cases = [(k, n) for n in (1, 2, 7, 16, 48) for k in range(n + 1)]
    got = node("return cases.map(([k, n]) => abx.pValue(k, n));", cases=cases)
    assert got == pytest.approx([binomtest(k, n).pvalue for k, n in cases])
    assert node("return abx.pValue(0, 0);") == 1


@needs_node
def test_scores_and_csv():
    "The first is wrong and the others are right; names with quotes, commas and accents come back."
    body = f"""{RANDOM} const trials = abx.trials(pairs, 12, random);
        trials.forEach((t, k) => {{ t.answer = k ? t.x : t.x === "a" ? "b" : "a"; t.seconds = k + 0.25; }});
        return {{ all: abx.score(trials), by: abx.scores(trials), csv: abx.csv(trials), first: trials[0] }};"""
    got = node(body, pairs=PAIRS, seed=3)
    assert (got["all"]["n"], got["all"]["right"]) == (12, 11) and got["all"]["p"] == pytest.approx(binomtest(11, 12).pvalue)
    assert sorted((s["double"], s["n"]) for s in got["by"]) == [("human", 6), ('say "hi", \u00e9', 6)] and sum(s["right"] for s in got["by"]) == 11
    rows = list(csv.DictReader(io.StringIO(got["csv"], newline="")))
    assert [r["trial"] for r in rows] == [str(k) for k in range(1, 13)] and [r["result"] for r in rows] == ["wrong"] + ["right"] * 11
    assert {r["A"] for r in rows} | {r["B"] for r in rows} == {"real", "human", 'say "hi", \u00e9'}
    assert all(r["X"] in (r["A"], r["B"]) for r in rows) and rows[2]["seconds"] in ("2.3", "2.2")
    first, row = got["first"], rows[0]
    assert (row["X"], row["answer"]) == (first[first["x"]]["name"], first["answer"].upper()) and row["X"] != row[row["answer"]]


@needs_node
@pytest.mark.parametrize("script", ["abx.js", "abx_page.js"])
def test_scripts_can_be_parsed(script):
    done = subprocess.run([NODE, "--check", str(files("vocaldouble").joinpath("assets", script))], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# The command: a folder of takes under a name that is no name for a page


CORPUS = "<img src=x onerror=alert(1)>"


@pytest.fixture
def takes(command, tmp_path):
    "Four lines, each sung twice."
    for k, midi in enumerate((55, 57, 59, 62)):
        phrase = [Note("la", midi, 0.3), Note("shi", midi + 2, 0.4)]
        frames = len(sing(phrase))
        for take in (1, 2):
            audio = sing(phrase, curves=smooth_deviations(frames, seed=10 * k + take)).audio
            write(tmp_path / CORPUS / f"line{k}_{take}.wav", audio, 48_000)
    return CORPUS


def test_evaluate_writes_the_page(command, takes):
    words = ["evaluate", takes, "--model", "classic:adt", "--no-mos", "--jobs", 1, "--report", "page"]
    code, out, err = command(*words)
    assert (code, err) == (0, "") and out.startswith(CORPUS) and out.endswith(f"{Path('page', 'index.html')}\n")
    html = Path("page/index.html").read_text(encoding="utf-8")
    assert CORPUS not in html and "&lt;img src=x onerror=alert(1)&gt;" in html and html.count("<audio") == 4 * 5
    data = json.loads(Path("page/abx_data.js").read_text().removeprefix("window.abxData = ").rstrip(";\n"))
    assert {(p["track"], p["double"]) for p in data["pairs"]} == {(CORPUS, "classic:adt")} and len(data["pairs"]) == 8
    files_before = sorted(Path("page").rglob("*"))
    code, out, err = command(*words)
    assert (code, out, err.count("\n")) == (2, "", 1) and "page: holds files already" in err
    assert sorted(Path("page").rglob("*")) == files_before


@pytest.mark.parametrize(
    "words, expected",
    [
        (["--report", "there"], "there: holds files already"),
        (["--report", "there/file"], "there/file: is no folder"),
        (["--report", "there", "--force", "--limits"], "leave --limits out"),
    ],
)
def test_refused_before_the_work(command, words, expected):
    Path("there").mkdir()
    Path("there/file").write_text("mine")
    code, out, err = command("evaluate", "nowhere", *words)
    assert (code, out, err.count("\n")) == (2, "", 1) and expected in err


def test_without_matplotlib(tmp_path):
    code = "import sys; sys.modules['matplotlib'] = None; from vocaldouble.cli import main; sys.exit(main(['evaluate', '--report', 'page']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "pip install 'vocaldouble[lab]'" in done.stderr

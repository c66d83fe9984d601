"`train`, `test`, `predict` and `export` in their order, on a corpus that the synthetic singer sings."
import json
import subprocess
import sys
from pathlib import Path

import pytest

from vocaldouble.audio import write
from vocaldouble.convert import train as training
from vocaldouble.convert.datamodule import sing_corpus
from vocaldouble.synth import sing

SMALL = ["data.corpus=choir", "data.block=8192", "data.batch=2", "model.slice=32"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    "A home with a corpus of four singers, made once."
    folder = tmp_path_factory.mktemp("studio")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOCALDOUBLE_HOME", str(folder))
        sing_corpus("choir", (1, 1, 1, 1))
    return folder


@pytest.fixture
def studio(home, monkeypatch):
    monkeypatch.setenv("VOCALDOUBLE_HOME", str(home))
    return home


class Stopped(Exception):
    pass


def stop_training(command, monkeypatch, epochs: int):
    "Ctrl-C during training, once there are so many checkpoints."
    def interrupting(cfg, resume, force, progress):
        def step(*args):
            if len(list(cfg.folder.glob("epoch-*"))) >= epochs and (cfg.folder / "last.ckpt").exists():
                raise KeyboardInterrupt
            progress(*args)

        return true_train(cfg, resume, force, step)

    true_train = training.train
    with monkeypatch.context() as patch:
        patch.setattr(training, "train", interrupting)
        return command("train", *SMALL, "epochs=500")


def test_the_chain(command, studio, monkeypatch):
    "Trained, stopped, resumed, tested, converted, exported."
    code, out, err = stop_training(command, monkeypatch, 1)
    assert (code, err) == (130, "vocaldouble: stopped; the same command with --resume continues from here\n")
    epochs = len(list(studio.glob("models/checkpoints/saln/epoch-*")))
    refuse_again = command("train", *SMALL)
    assert refuse_again[0] == 2 and "has been trained already; give --resume" in refuse_again[2]
    code, out, err = command("train", "saln", *SMALL, f"epochs={epochs + 2}", "--resume", "--json")
    assert (code, json.loads(out)["epochs"]) == (0, epochs + 2)
    code, out, err = command("test", "saln", "--json")
    assert (code, list(json.loads(out)["means"])) == (0, ["own", "other", "codec"])
    code, out, err = command("predict", "saln", "-o", "sung")
    assert code == 0 and all(Path(f).is_file() for f in out.split())
    take = sing()
    write("mine.wav", take.audio[:, : 3 * take.rate], take.rate, "PCM_16")
    code, out, err = command("predict", "saln", "mine.wav", "-o", "sung", "--voice", "mine.wav")
    assert (code, out.split()) == (0, ["sung/mine_mine.wav"])
    code, out, err = command("export", "saln", "-o", "saln.onnx", "--json")
    assert (code, json.loads(out)["bytes"]) == (0, Path("saln.onnx").stat().st_size)


def test_stopped_before_the_first_checkpoint(command, studio, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", interrupted)
    code, out, err = command("train", *SMALL, "name=early")
    assert (code, err) == (130, "vocaldouble: stopped; there is no checkpoint yet\n")


def test_the_list_of_runs(command):
    assert "saln-decoder" in command("train", "--list")[1]
    assert "saln-decoder" in json.loads(command("train", "--list", "--json")[1])


@pytest.mark.parametrize(
    "words, expected",
    [
        (["train", "lstm"], "no corpus is called voices"),
        (["train", "sailn"], "no run is called sailn"),
        (["test", "nobody"], "no run of that name"),
        (["export", "mine.wav", "-o", "x.onnx"], "damaged, or no file of weights"),
    ],
)
def test_refused(command, words, expected):
    Path("mine.wav").write_bytes(b"no weights")
    code, out, err = command(*words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert expected in err


def test_without_lightning():
    code = "import sys; sys.modules['lightning'] = None; from vocaldouble.cli import main; sys.exit(main(['train', '--list']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "train needs lightning; run pip install 'vocaldouble[train]'" in done.stderr

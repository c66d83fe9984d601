"Runs that are stopped, killed, shared by two processes, recorded on a server, or out of disk."
import errno
import os
import signal
import subprocess
import sys
from dataclasses import replace
from unittest.mock import patch

import mlflow
import pytest
import torch

from vocaldouble.config import UserError
from vocaldouble.convert import train as module
from vocaldouble.convert.datamodule import sing_corpus
from vocaldouble.convert.settings import run_config
from vocaldouble.convert.tracking import LAST, load_model, open_checkpoint
from vocaldouble.convert.train import train

SMALL = "data.corpus=choir", "data.block=8192", "data.batch=2", "model.slice=32", "lr=1e-3"
LIMIT = 900  # seconds, only to end a process that hangs


def config(name, *words, epochs=3):
    return run_config("saln", *SMALL, "accelerator=cpu", f"name={name}", *words, epochs=epochs)


@pytest.fixture(scope="module")
def choir(tmp_path_factory):
    "A home with a corpus and a run that nobody stopped."
    home, threads = tmp_path_factory.mktemp("choir"), torch.get_num_threads()
    torch.set_num_threads(1)
    with patch.dict(os.environ, {"VOCALDOUBLE_HOME": str(home)}):
        sing_corpus("choir", takes=(1, 1, 1, 1))
        result = train(config("whole"))
    yield home, result
    torch.set_num_threads(threads)


@pytest.fixture
def whole(choir, monkeypatch):
    "The run that nobody stopped; its home is the one of the test."
    monkeypatch.setenv("VOCALDOUBLE_HOME", str(choir[0]))
    return choir[1]


def numbers(name):
    "All numbers of a run's last checkpoint."
    content = open_checkpoint(name)[1]
    optimiser = sorted(content["optimizer_states"][0]["state"].items())
    return [*content["state_dict"].values(), *(v for _, s in optimiser for v in s.values())]


def same(a, b):
    a, b = numbers(a), numbers(b)
    return len(a) == len(b) and all(map(torch.equal, a, b))


def in_process(script: str, folder, limit=LIMIT):
    "Run a program; processes that share a run start from its file."
    path = folder / "program.py"
    path.write_text(script)
    env = os.environ | dict(OMP_NUM_THREADS="1", PYTHONPATH=os.pathsep.join(sys.path))
    return subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=limit, env=env)


@pytest.mark.parametrize("place", ["first step", "end of an epoch", "after an epoch"])
def test_stopped_and_resumed(place, whole):
    "Ctrl-C anywhere: the run continues with the next step and ends as if nobody had stopped it."
    per = whole.steps // 3
    at = {"first step": 1, "end of an epoch": per, "after an epoch": per + 1}[place]
    cfg, seen = config(f"stopped{at}"), []

    def interrupt(step, steps, loss):
        seen.append(step)
        if step == at:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(cfg, progress=interrupt)
    assert signal.getsignal(signal.SIGINT) == before
    assert (seen[-1], open_checkpoint(cfg.name)[1]["global_step"]) == (at, at)
    train(cfg, resume=True, progress=lambda step, steps, loss: seen.append(step))
    assert seen == list(range(1, whole.steps + 1))
    assert same(cfg.name, "whole")


def test_a_signal_before_the_first_step(whole):
    "It counts, though Lightning sets handlers of its own after it."
    hang_up = lambda self: signal.raise_signal(getattr(signal, "SIGHUP", signal.SIGTERM))
    with patch.object(module._TrainingModule, "on_fit_start", hang_up), pytest.raises(KeyboardInterrupt):
        train(config("early"))
    assert open_checkpoint("early")[1]["global_step"] == 1


KILLED = f"""
import os, signal, torch
from vocaldouble.convert.settings import run_config
from vocaldouble.convert.train import train
torch.set_num_threads(1)
cfg = run_config("saln", *{SMALL}, "accelerator=cpu", "name=killed", "save_minutes=0", epochs=3)
train(cfg, progress=lambda step, steps, loss: os.kill(os.getpid(), signal.SIGKILL) if step == AT else None)
"""


def test_killed_and_resumed(whole, tmp_path):
    "A run that was killed continues from its last checkpoint, and begins a new record where MLflow's is gone."
    done = in_process(KILLED.replace("AT", str(whole.steps // 3 + 2)), tmp_path)
    assert done.returncode == -signal.SIGKILL, done.stderr
    lost = open_checkpoint("killed")[1]["vocaldouble"]["run"]
    mlflow.MlflowClient(whole.tracking).delete_run(lost)
    result = train(config("killed"), resume=True)
    assert result.run != lost
    assert mlflow.MlflowClient(result.tracking).get_run(result.run).data.params["name"] == "killed"
    assert same("killed", "whole")
    assert not list(config("killed").folder.glob(".*"))


PAIR = f"""
import torch
from vocaldouble.convert.settings import run_config
from vocaldouble.convert.train import train
if __name__ == "__main__":
    seen = []
    cfg = run_config("saln", *{SMALL}, "accelerator=cpu", "name=pair", "devices=2", epochs=1)
    result = train(cfg, progress=lambda step, steps, loss: seen.append(step))
    assert seen == list(range(1, result.steps + 1)), seen
"""


def test_two_processes(whole, tmp_path):
    "Two processes that share every batch learn what one learns, up to the order of additions."
    alone = train(config("alone", epochs=1))
    done = in_process(PAIR, tmp_path)
    assert done.returncode == 0, done.stderr
    last = load_model("pair")[2]["history"][-1]
    for key, value in alone.losses.items():
        assert last[key] == pytest.approx(value, abs=1e-3, rel=1e-3)
    weights = (load_model(name)[0].state_dict().values() for name in ("alone", "pair"))
    for a, b in zip(*weights):
        torch.testing.assert_close(a, b, atol=2e-3, rtol=0)


def test_a_full_disk(whole):
    "The run ends with one line, and the checkpoint before is still whole."
    cfg, full = config("full"), OSError(errno.ENOSPC, "No space left on device")
    true, calls = module.L.Trainer.save_checkpoint, []

    def save(trainer, path, *args, **how):
        calls.append(path)
        if len(calls) == 2:
            raise full
        return true(trainer, path, *args, **how)

    with patch.object(module.L.Trainer, "save_checkpoint", save), pytest.raises(UserError, match="disk is full"):
        train(cfg)
    assert open_checkpoint("full")[1]["global_step"] == whole.steps // 3
    train(cfg, resume=True)
    assert same("full", "whole")


def test_a_checkpoint_with_old_names(whole):
    "A run of an older version, whose settings had other names, is resumed."
    cfg = config("older")
    train(replace(cfg, epochs=2))
    content = torch.load(cfg.folder / LAST, weights_only=True)
    data = content["vocaldouble"]["config"]["data"]
    data["heard_rate"] = data.pop("encoder_rate")
    torch.save(content, cfg.folder / LAST)
    train(cfg, resume=True)
    assert same("older", "whole")


def test_weights_that_are_not_finite_at_the_end(whole):
    "They are found though no step follows, and no checkpoint is left."
    cfg = run_config("ae", *SMALL, "loss=mse", "lr=1e30", "data.batch=16", "accelerator=cpu", "name=once", epochs=1)
    with pytest.raises(UserError, match="lower lr"):
        train(cfg)
    assert not list(cfg.folder.glob("*.ckpt"))


SERVER = """
import os, sys
os.environ |= dict(
    _MLFLOW_SERVER_FILE_STORE=f"sqlite:///{sys.argv[1]}/server.db",
    _MLFLOW_SERVER_ARTIFACT_ROOT="mlflow-artifacts:/",
    _MLFLOW_SERVER_ARTIFACT_DESTINATION=f"{sys.argv[1]}/served",
    _MLFLOW_SERVER_SERVE_ARTIFACTS="true",
)
from mlflow.server import app
from werkzeug.serving import make_server
server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
"""


def test_an_mlflow_server(whole, tmp_path):
    "A real server on this machine keeps the record; it says its port when it listens."
    program = tmp_path / "server.py"
    program.write_text(SERVER)
    quiet = dict(stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    with subprocess.Popen([sys.executable, program, tmp_path], **quiet) as server:
        try:
            port = int(server.stdout.readline())
            result = train(config("served", f"tracking=http://127.0.0.1:{port}", epochs=1))
            client = mlflow.MlflowClient(result.tracking)
            assert client.get_run(result.run).data.params["name"] == "served"
            assert len(client.list_artifacts(result.run, "audio")) == 2
        finally:
            server.kill()

"A curve model that nobody knew: one module, or one installed package, and no other file is touched."
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile as sf

LATE = """
import numpy as np

from vocaldouble.curves.base import CurveStream, register
from vocaldouble.deviation import N_COLUMNS, DeviationCurves


class LateStream(CurveStream):
    def push(self, features):
        rows = np.zeros((len(features), N_COLUMNS))
        rows[:, 0] = 20.0
        return DeviationCurves.from_array(rows)


@register("throwaway")
class Late:
    def start(self, seed, voice, knobs):
        return LateStream()
"""
# `sitecustomize` is imported when Python starts; it stands for a notebook that exports one more module into the package.
SITE = "import vocaldouble.curves\nvocaldouble.curves.__path__.append({folder!r})\n"
ENTRY = "[vocaldouble.curves]\n{name} = {name}\n"


def install(folder, name: str, source: str):
    "A package of somebody else, as pip leaves it."
    (folder / f"{name}.py").write_text(source)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY.format(name=name))


@pytest.fixture
def lead(tmp_path):
    "Two seconds of a tone that begins after half a second."
    rate, t = 48_000, np.arange(96_000) / 48_000
    x = 0.3 * np.sin(2 * np.pi * 220 * t) * np.clip(20 * (t - 0.5), 0, 1)
    sf.write(tmp_path / "lead.wav", x, rate, subtype="FLOAT")
    return tmp_path / "lead.wav"


def double(lead, plugins, model, out):
    path = os.pathsep.join([str(plugins), *filter(None, sys.path)])
    command = [sys.executable, "-m", "vocaldouble.cli", "double", str(lead), "--model", model, "-o", str(out), "--voices", "1", "--json"]
    return subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, timeout=300)


def is_late(lead, out) -> bool:
    x, rate = sf.read(lead)
    y, _ = sf.read(out / "lead_double1.wav")
    ms = [1000 * np.flatnonzero(np.abs(v) > 0.15)[0] / rate for v in (x, y)]
    return len(x) == len(y) and abs(ms[1] - ms[0] - 20.0) < 2.0


def test_one_module(tmp_path, lead):
    "A module in the package's own folder is enough."
    plugins, extra = tmp_path / "plugins", tmp_path / "extra"
    plugins.mkdir()
    extra.mkdir()
    (extra / "throwaway.py").write_text(LATE)
    (plugins / "sitecustomize.py").write_text(SITE.format(folder=str(extra)))
    done = double(lead, plugins, "throwaway", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
    assert is_late(lead, tmp_path / "out")


def test_installed_package(tmp_path, lead):
    "So is an entry point; a broken plugin beside it does no harm."
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    install(plugins, "throwaway_singer", LATE)
    install(plugins, "broken_singer", "raise RuntimeError('cannot sing')")
    done = double(lead, plugins, "throwaway", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert is_late(lead, tmp_path / "out")


def test_unknown_name(tmp_path, lead):
    "The error lists what there is, and says which plugin is broken."
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    install(plugins, "throwaway_singer", LATE)
    install(plugins, "broken_singer", "raise RuntimeError('cannot sing')")
    done = double(lead, plugins, "nobody", tmp_path / "out")
    assert done.returncode == 2
    assert "throwaway" in done.stderr and "broken_singer" in done.stderr and "cannot sing" in done.stderr
    assert "Traceback" not in done.stderr


def test_plugin_that_exits(tmp_path, lead):
    "Not even a plugin that ends the program when it is imported stops the others."
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    install(plugins, "throwaway_singer", LATE)
    install(plugins, "exiting_singer", "raise SystemExit('no licence')")
    done = double(lead, plugins, "throwaway", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert is_late(lead, tmp_path / "out")

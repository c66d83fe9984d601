# %% [markdown]
# # cli
#
# > The command line: `vocaldouble demo`, `double` and `evaluate`.
#
# A mixer only ever sees this. Every command is a thin call of an exported function. Exit code 0 means done; 2 means that the input is wrong,
# told in one line that says what and how to mend it; 1 is a fault of ours.

# %%
#| default_exp cli

# %%
#| export
import errno
import json
import os
import signal
import sys
import traceback
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

import click
import numpy as np
import soundfile as sf

from vocaldouble import __version__
from vocaldouble.audio import Staged, Writer, outputs
from vocaldouble.config import Knobs, UserError
from vocaldouble.doubler import CEILING, DEFAULT, MODELS, Doubler, double_files, find_model, gain_to, mixdown
from vocaldouble.features import hear
from vocaldouble.synth import sing

# %%
#| hide
import importlib.util
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ET

from fastcore.test import test_close, test_eq, test_fail

from vocaldouble.audio import read, write

# %% [markdown]
# ## The picture
#
# The demo shows the curves beside the sound. A plotting library would double the install for one picture, and a curve in SVG is a list of
# points; so these few lines draw it.

# %%
#| export
COLOURS = ("#c2410c", "#1d4ed8", "#15803d", "#7e22ce")
PANELS = {
    "time": "time in ms, positive is later than the lead",
    "pitch": "pitch in cents, positive is sharper",
    "level": "level in dB, positive is louder",
    "breath": "breath: coherence lost at 2-8 kHz",
}


def polyline(
    values: np.ndarray,  # [T]
    low: float,
    high: float,  # values at the bottom and the top of the panel
    top: float,
    colour: str,
    size: tuple = (900.0, 90.0),  # width and height of the panel, px
) -> str:
    "`values` as an SVG line across a panel whose upper edge is at `top`."
    x = np.linspace(0, size[0], len(values))
    y = top + size[1] * (1 - (values - low) / (high - low))
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y))
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.2"/>'


def curves_svg(
    lead: np.ndarray,  # [C, N]
    rate: float,  # Hz
    curves: list,  # of `DeviationCurves`, one per voice
) -> str:
    "A picture of the lead's waveform and, below it, of the curves of each voice."
    parts, top = [], 20
    step = max(1, lead.shape[1] // 900)
    wave = np.abs(lead[0, : step * (lead.shape[1] // step)]).reshape(-1, step).max(1)
    panels = [("lead", [wave, -wave])] + [(n, [getattr(c, n) for c in curves]) for n in PANELS]
    panels.append(("tone: its tilt in dB, positive is brighter", [c.envelope @ np.linspace(-1, 1, c.envelope.shape[1]) / c.envelope.shape[1] for c in curves]))
    for title, lines in panels:
        reach = max(1e-6, *(float(np.abs(v).max()) for v in lines)) * 1.1
        low = 0.0 if title in PANELS and min(v.min() for v in lines) >= 0 else -reach
        zero = top + 90 * reach / (reach - low)
        label = PANELS.get(title, title)
        parts.append(f'<text x="0" y="{top - 5}">{label} ({low:.3g} to {reach:.3g})</text><path d="M0 {zero:.0f}H900" stroke="#ddd"/>')
        colours = ("#555",) * 2 if title == "lead" else COLOURS
        parts += [polyline(v, low, reach, top, colours[i % len(colours)]) for i, v in enumerate(lines)]
        top += 120
    seconds = lead.shape[1] / rate
    parts += [f'<text x="{900 * s / seconds:.0f}" y="{top}">{s} s</text>' for s in range(int(seconds) + 1)]
    parts += [f'<text x="{740 + 90 * i}" y="10" style="fill:{COLOURS[i % 4]}">double {i + 1}</text>' for i in range(len(curves))]
    style = 'font-family="sans-serif" font-size="12" fill="#333"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 -10 930 {top + 20}" {style}><rect x="-10" y="-10" width="930" height="{top + 20}" fill="white"/>{"".join(parts)}</svg>'

# %%
take = sing()
features = hear(take.audio, take.rate)
curves = [Doubler().model.start(0, v, Knobs())(features) for v in (0, 1)]
drawing = ET.fromstring(curves_svg(take.audio, take.rate, curves))
test_eq(sum(e.tag.endswith("polyline") for e in drawing), 2 + 5 * 2)

# %% [markdown]
# ## The demo
#
# The bundled vocal is the synthetic singer: it is sung on the spot, so the package carries no recording of anybody.

# %%
#| export
def demo(
    folder,  # where to write; made if missing
    force: bool = False,  # replace files that exist
    seed: int = 0,
) -> list:  # of paths, as str
    "Write the bundled vocal, two second takes of it, the mix, and a picture of the curves."
    folder, take, doubler = Path(folder), sing(), Doubler()
    doubles = doubler.double(take.audio, take.rate, voices=2, seed=seed)
    features = hear(take.audio, take.rate)
    curves = [doubler.model.start(seed, voice, Knobs())(features) for voice in range(2)]
    sounds = {"lead": take.audio, "double1": doubles[0], "double2": doubles[1], "mix": mixdown(take.audio, doubles)}
    writers = [Writer(folder / f"{name}.wav", take.rate, len(x), "PCM_24", force) for name, x in sounds.items()]
    picture = Staged(folder / "curves.svg", force)
    with outputs(*writers, picture):
        for writer, x in zip(writers, sounds.values()):
            writer.write(gain_to(float(np.abs(x).max()), CEILING) * x)
        picture.temp.write_text(curves_svg(take.audio, take.rate, curves), encoding="utf-8")
    return [str(f.path) for f in (*writers, picture)]

# %%
folder = Path(tempfile.mkdtemp())
made = demo(folder / "demo")
test_eq([Path(f).name for f in made], ["lead.wav", "double1.wav", "double2.wav", "mix.wav", "curves.svg"])
test_eq([sf.info(f).channels for f in made[:4]], [1, 1, 1, 2])
assert np.abs(read(made[3])[0]).max() <= 0.99
test_fail(lambda: demo(folder / "demo"), exc=UserError, contains="exists; pass --force")

# %% [markdown]
# ## Commands

# %%
#| export
@click.group(context_settings=dict(help_option_names=["-h", "--help"], max_content_width=100))
@click.version_option(__version__, prog_name="vocaldouble")
def cli():
    "Turn one lead vocal into natural second takes."


@cli.command("demo")
@click.option("-o", "--out", default="demo", show_default=True, metavar="DIR", help="Folder to write to.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Another seed is another take.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
def demo_command(out, seed, force):
    "Double the bundled vocal: lead, two doubles, mix, and a picture of the curves."
    files = demo(out, force, seed)
    click.echo("Listen to these, the mix last:")
    for f in files[:-1]:
        click.echo(f"  {f}")
    click.echo(f"Look at the curves:\n  {files[-1]}")

# %% [markdown]
# The bar counts seconds of sound, goes to the error stream, and is shown on a terminal only, so that pipes stay clean.

# %%
#| export
@contextmanager
def progress_bar(seconds: float, label: str):
    "A function to call with the seconds done; it moves a bar where there is a terminal."
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    with click.progressbar(length=max(1, round(1000 * seconds)), label=label, file=sys.stderr) as bar:
        yield lambda done: bar.update(round(1000 * done))


def amount(name: str, top: int, help: str):
    "A knob as an option; its range is checked by `Knobs`."
    return click.option(f"--{name}", type=float, default=getattr(Knobs(), name), show_default=True, metavar=f"0..{top}", help=help)

# %%
#| export
@cli.command("double")
@click.argument("leads", nargs=-1, required=True, metavar="LEAD...")
@click.option("-o", "--out", required=True, metavar="DIR", help="Folder to write to; made if missing.")
@click.option("--voices", default=2, show_default=True, metavar="1..16", help="Second takes to make of each lead.")
@click.option("--seed", default=0, show_default=True, help="Another seed is another take.")
@amount("variation", 1, "How different the takes are.")
@amount("timing", 2, "Deviation in time.")
@amount("pitch", 2, "Deviation in pitch.")
@amount("level", 2, "Deviation in level.")
@amount("timbre", 2, "Deviation in tone and breath.")
@amount("width", 1, "Stereo spread of the doubles in the mix.")
@click.option("--mix/--no-mix", default=True, show_default=True, help="Write lead and doubles mixed, too.")
@click.option("--model", default=DEFAULT, show_default=True, metavar="NAME", help=f"One of {', '.join(MODELS)}.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(min=1), help="Leads to work on at once.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def double_command(leads, out, voices, seed, mix, model, jobs, force, as_json, **knobs):
    """Make second takes of each LEAD.

    Writes DIR/<stem>_double1.wav and so on, and DIR/<stem>_mix.wav, at the rate, length, channels and sample format of the lead;
    the mix of a mono lead is stereo.
    """
    find_model(model)
    leads, knobs = [Path(lead) for lead in leads], Knobs(**knobs)
    with progress_bar(total_seconds(leads), "Doubling") as progress:
        results = double_files(leads, out, model, jobs, voices, mix, progress, seed=seed, knobs=knobs, force=force)
    done, failed = [r for r in results if not isinstance(r, UserError)], [r for r in results if isinstance(r, UserError)]
    for line in [note for r in done for note in r.notes()] + [str(e) for e in failed]:
        click.echo(f"vocaldouble: {line}", err=True)
    if as_json:
        click.echo(json.dumps([{"error": str(r)} if isinstance(r, UserError) else asdict(r) for r in results], indent=1))
    for r in done if not as_json else ():
        click.echo("\n".join(r.files))
    return 2 if failed else 0


def total_seconds(leads: list) -> float:
    "Length of all leads that can be opened, for the progress bar; what is wrong with the others is told when their turn comes."
    total = 0.0
    for lead in leads:
        try:
            total += sf.info(str(lead)).duration
        except (OSError, RuntimeError, UnicodeError):
            pass
    return total

# %% [markdown]
# ## The benchmark
#
# `evaluate` needs what research needs, so it is imported when it is called; where that is not installed, one line says how to mend it.

# %%
#| export
@cli.command("evaluate")
@click.option("--real", metavar="ZIP|DIR", help="Takes of your own, named verse_1.wav, verse_2.wav; without it a dataset of the mirror.")
@click.option("--model", "models", multiple=True, metavar="NAME", help="Doubler to hold to them, may be repeated; all by default.")
@click.option("--dataset", type=click.Choice(["vocobox", "ravdess-speech"]), default="vocobox", show_default=True, help="Which takes of the mirror.")
@click.option("--mirror", metavar="DIR", help="Folder with the archives and index.json; VOCALDOUBLE_MIRROR by default.")
@click.option("--seeds", default=1, show_default=True, type=click.IntRange(1, 16), help="Doubles to make of each take.")
@click.option("--jobs", default=-1, show_default=True, help="Processes; -1 is one per core.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def evaluate_command(real, models, dataset, mirror, seeds, jobs, as_json):
    "Hold doublers to real second takes: distance over the real-against-real floor, AUC, and what they cost the voice."
    try:
        from vocaldouble.evaluate import evaluate
    except ImportError as e:
        raise UserError(f"evaluate needs {e.name}; run pip install 'vocaldouble[train]'") from e
    with progress_bar(1, "Judging") as progress:
        report = evaluate(real, models, dataset, mirror, seeds, jobs, lambda done, total: progress(1 / total))
    click.echo(report.json() if as_json else report.table().to_string())

# %% [markdown]
# ## Datasets
#
# Corpora are for research, so pandas and what fetches them come with the research profile, and are imported when the command is called. A run over several datasets
# goes on when one of them cannot be had; whatever is missing in the end, a dataset or a single file that could not be read, is said once more and makes the exit code 2.

# %%
#| export
@contextmanager
def stage_bars(name: str):
    "A function to call with a stage, what is done of it and all that is to be done; each stage has a bar."
    with ExitStack() as bars:
        now = dict(stage=None, share=0.0)

        def progress(stage, done, total):
            if stage != now["stage"]:
                bars.close()
                now.update(stage=stage, share=0.0, bar=bars.enter_context(progress_bar(1, f"{name}: {stage}")))
            share = done / total if total else 0.0
            now["bar"](share - now["share"])
            now["share"] = share

        yield progress


@cli.group("datasets")
def datasets_group():
    "Fetch voices, and bring them into one shape."


@datasets_group.command("list")
@click.option("--mirror", metavar="DIR|URL", help="Where to look first; VOCALDOUBLE_MIRROR by default.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def datasets_list_command(mirror, as_json):
    "Show size, licence and state of every dataset, and whether weights trained on it may ship."
    try:
        from vocaldouble.data.datasets import listing
        from vocaldouble.fetch import size_text
    except ImportError as e:
        raise UserError(f"datasets needs {e.name}; run pip install 'vocaldouble[train]'") from e
    rows = json.loads(listing(mirror).to_json(orient="records"))
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    lines = [("NAME", "SIZE", "LICENCE", "MAY SHIP", "STATE", "WHAT")]
    lines += [(r["name"], size_text(r["bytes"]) if r["bytes"] else "unknown", r["licence"], "yes" if r["train_ok"] else "no", r["state"], r["what"]) for r in rows]
    widths = [max(map(len, column)) for column in zip(*lines)]
    for line in lines:
        click.echo("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())

# %%
#| export
@datasets_group.command("get")
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--all", "everything", is_flag=True, help="All that the mirror has; without a mirror all that can be fetched.")
@click.option("--mirror", metavar="DIR|URL", help="Where to look first; VOCALDOUBLE_MIRROR by default.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(min=1), help="Files to work on at once.")
@click.option("--force", is_flag=True, help="Make them anew.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def datasets_get_command(names, everything, mirror, jobs, force, as_json):
    """Fetch datasets and write them as WAV, with a table of who sings what.

    Writes data/raw/NAME and data/interim/NAME/SPEAKER/*.wav with manifest.csv. What is there is kept; a run that was stopped goes on where it was.
    """
    try:
        from vocaldouble.data.datasets import dataset, everything_here, get
    except ImportError as e:
        raise UserError(f"datasets needs {e.name}; run pip install 'vocaldouble[train]'") from e
    names = list(dict.fromkeys([*names, *(everything_here(mirror) if everything else ())]))
    if not names:
        raise UserError("no dataset is named; name some, or pass --all (vocaldouble datasets list shows them)")
    for name in names:
        dataset(name)
    done, failed = [], []
    for name in names:
        try:
            with stage_bars(name) as progress:
                done.append(get(name, mirror, jobs=jobs, progress=progress, force=force))
            r = done[-1]
            if not as_json:
                click.echo(f"{r.name}: {r.files} files, {r.speakers} speakers, {r.seconds / 60:.1f} min in {r.folder}" + (" (was there)" if r.state == "there" else ""))
        except UserError as e:
            failed.append(dict(name=name, error=str(e)))
    for line in [note for r in done for note in r.notes()] + [f["error"] for f in failed]:
        click.echo(f"vocaldouble: {line}", err=True)
    if as_json:
        click.echo(json.dumps([asdict(r) for r in done] + failed, indent=1))
    return 2 if failed or any(r.skipped for r in done) else 0

# %% [markdown]
# ## Exit codes
#
# Whatever is wrong with the words on the command line or the files they name is one line and a 2. Ctrl-C is the customary 130. Anything else is ours: then the
# traceback is what we need to be sent.

# %%
#| export
def main(args: list = None) -> int:
    "Run the command line; return the exit code."
    for name in ("SIGTERM", "SIGHUP"):  # being ended, or losing the terminal, leaves as little behind as Ctrl-C
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        code = cli(args=args, prog_name="vocaldouble", standalone_mode=False) or 0
        sys.stdout.flush()
        return code
    except UserError as e:
        message = str(e)
    except click.exceptions.NoArgsIsHelpError as e:
        click.echo(e.ctx.get_help())
        return 2
    except click.ClickException as e:
        message = e.format_message().replace("\n", " ")
    except (click.Abort, KeyboardInterrupt):
        click.echo("vocaldouble: stopped; nothing was left half written", err=True)
        return 130
    except OSError as e:
        if e.errno not in (errno.EPIPE, errno.ENOSPC):
            return ours()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is still to be flushed at exit has nowhere to go
        message = f"the report could not be written: {e.strerror}"
    except Exception:
        return ours()
    click.echo(f"vocaldouble: {message}", err=True)
    return 2


def ours() -> int:
    "Show a fault of ours."
    traceback.print_exc()
    click.echo("vocaldouble: this is a fault of ours; please report the lines above", err=True)
    return 1

# %% [markdown]
# From here on it is run as its users run it.

# %%
def run(*args, cwd=folder, **kw):
    code = "import sys; from vocaldouble.cli import main; sys.exit(main())"
    return subprocess.run([sys.executable, "-c", code, *map(str, args)], cwd=cwd, capture_output=True, text=True, **kw)


write(folder / "mine.wav", take.audio[:, : 3 * take.rate], take.rate, "PCM_16")
done = run("double", "mine.wav", "-o", "out")
test_eq(done.returncode, 0)
test_eq(done.stdout.split(), [os.path.join("out", f"mine_{n}.wav") for n in ("double1", "double2", "mix")])
got = sf.info(folder / "out" / "mine_double1.wav")
test_eq((got.samplerate, got.frames, got.subtype), (take.rate, 3 * take.rate, "PCM_16"))

# %% [markdown]
# Every option arrives.

# %%
done = run("double", "mine.wav", "-o", "more", "--voices", 3, "--seed", 5, "--no-mix", "--model", "classic:adt", "--json")
report = json.loads(done.stdout)
test_eq(len(report[0]["files"]), 3)
run("double", "mine.wav", "-o", "less", "--voices", 1, "--variation", 0)
test_close(read(folder / "less" / "mine_double1.wav")[0], read(folder / "mine.wav")[0], eps=1e-4)
run("double", "mine.wav", "-o", "again", "--seed", 5)
run("double", "mine.wav", "-o", "again2", "--seed", 5)
one, same, other = ((folder / d / "mine_double1.wav").read_bytes() for d in ("again", "again2", "out"))
assert one == same != other

# %% [markdown]
# ## Everything that can be wrong
#
# One line, exit code 2, and nothing is written.

# %%
(folder / "text.wav").write_text("these are words\n" * 400)
(folder / "cut.wav").write_bytes((folder / "mine.wav").read_bytes()[:100_000])
write(folder / "none.wav", np.zeros((1, 0), np.float32), 48_000)
write(folder / "one.wav", np.full((1, 1), 0.5, np.float32), 48_000)
write(folder / "slow.wav", take.audio[:, :8000], 4_000)
for name, value in (("nan", np.nan), ("inf", np.inf)):
    x = take.audio[:, : take.rate].copy()
    x[0, 30_000] = value
    sf.write(folder / f"{name}.wav", x.T, take.rate, "FLOAT")
(folder / "file").write_text("in the way")

mistakes = {
    "missing.wav": "missing.wav", "demo": "demo", "text.wav": "text.wav", "cut.wav": "truncated", "none.wav": "no samples", "one.wav": "too short",
    "slow.wav": "4000 Hz", "nan.wav": "nan.wav", "inf.wav": "inf.wav",
}
before = sorted(folder.rglob("*"))
for lead, expected in mistakes.items():
    done = run("double", lead, "-o", "wrong")
    test_eq((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1))
    assert expected in done.stderr, done.stderr
for options, expected in (
    (["mine.wav", "-o", "out"], "exists; pass --force"),
    (["mine.wav", "-o", "file/in"], "cannot be written"),
    (["mine.wav", "-o", "wrong", "--variation", "7"], "variation is 7"),
    (["mine.wav", "-o", "wrong", "--voices", "0"], "voices is 0; give a whole number from 1 to 16"),
    (["mine.wav", "-o", "wrong", "--model", "nobody"], "no model is called"),
    (["mine.wav", "-o", "wrong", "--seed", "x"], "not a valid integer"),
    (["mine.wav"], "Missing option '-o'"),
):
    done = run("double", *options)
    test_eq((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1))
    assert expected in done.stderr, done.stderr
test_eq(sorted(folder.rglob("*")), before)

# %% [markdown]
# The same holds for `evaluate`, with and without the packages of research.

# %%
if importlib.util.find_spec("sklearn"):
    (folder / "takes").mkdir()
    for options, expected in ((["--real", "takes"], "holds no sound files"), (["--real", "no"], "no such folder"), (["--model", "nobody"], "no model is called")):
        done = run("evaluate", *options)
        test_eq((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1))
        assert expected in done.stderr, done.stderr
without = "import sys; sys.modules['sklearn'] = sys.modules['librosa'] = None; from vocaldouble.cli import main; sys.exit(main(['evaluate']))"
done = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True)
test_eq(done.returncode, 2)
assert "pip install 'vocaldouble[train]'" in done.stderr and done.stderr.count("\n") == 1

# %% [markdown]
# A good lead beside a bad one is still doubled, and a silent one is told about.

# %%
write(folder / "still.wav", np.zeros((1, 48_000), np.float32), 48_000)
done = run("double", "nan.wav", "still.wav", "-o", "some", "--voices", 1, "--no-mix")
test_eq((done.returncode, done.stdout.split()), (2, [os.path.join("some", "still_double1.wav")]))
assert "silent" in done.stderr and "nan.wav" in done.stderr

# %% [markdown]
# When the disk fills up in the middle of it all, which a limit on the size of files stands in for here, nothing is left: no double, no part of one.

# %%
if sys.platform != "win32":
    def small_disk():
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    done = run("double", "mine.wav", "-o", "full", preexec_fn=small_disk)
    test_eq((done.returncode, done.stderr.count("\n")), (2, 1))
    assert "disk is full" in done.stderr and not (folder / "full").exists()

# %% [markdown]
# Stopped in the middle, by Ctrl-C or by whoever ends processes, with one process or several: nothing is left, not of the leads under way nor of those to come.

# %%
if sys.platform != "win32":
    long = np.tile(take.audio, (1, 30))
    for name in ("one", "two", "three", "four"):
        write(folder / f"{name}.wav", long, take.rate, "PCM_16", force=True)
    for jobs, sent in ((1, signal.SIGINT), (1, signal.SIGTERM), (2, signal.SIGINT), (2, signal.SIGTERM)):
        code = "import sys; from vocaldouble.cli import main; sys.exit(main())"
        args = ["double", *(f"{n}.wav" for n in ("one", "two", "three", "four")), "-o", "stopped", "--jobs", str(jobs)]
        job = subprocess.Popen([sys.executable, "-c", code, *args], cwd=folder, stderr=subprocess.PIPE, text=True, start_new_session=True)
        deadline = time.time() + 60
        while not list(folder.glob("stopped/.*.part")) and time.time() < deadline:
            time.sleep(0.05)
        job.send_signal(sent)
        said = job.communicate(timeout=60)[1]
        test_eq(job.returncode, 130)
        assert "stopped" in said and not list(folder.glob("stopped/.*")), said

# %% [markdown]
# Help comes at once, and neither it nor a run touches what only research needs.

# %%
def help_time():
    start = time.perf_counter()
    test_eq(run("--help").returncode, 0)
    return time.perf_counter() - start


assert sorted(help_time() for _ in range(5))[2] < 1.0
heavy = "import sys; import vocaldouble.cli; print([m for m in ('torch', 'librosa', 'scipy', 'sklearn', 'matplotlib', 'pandas') if m in sys.modules])"
test_eq(subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True).stdout.strip(), "[]")

# %% [markdown]
# A mirror of two small archives. One holds a file that is no sound: it is named, the rest is made, and the exit code tells.

# %%
if importlib.util.find_spec("pandas") and importlib.util.find_spec("filelock"):
    import hashlib
    import zipfile

    home, small = dict(os.environ, VOCALDOUBLE_HOME=str(folder / "home"), VOCALDOUBLE_MIRROR=str(folder / "mirror")), folder / "mirror"
    small.mkdir()
    index = []
    for name, sounds in {"sms-tools": {"sounds/vignesh.wav": True, "sounds/carnatic.wav": False}, "oatsu": {"antagata_dokosa/antagata_dokosa_denoise.flac": True}}.items():
        with zipfile.ZipFile(small / f"{name}.zip", "w") as z:
            for sound, good in sounds.items():
                write(folder / f"sound{sound[-5:]}", take.audio[:, : take.rate], take.rate, force=True)
                z.writestr(sound, (folder / f"sound{sound[-5:]}").read_bytes() if good else b"no sound")
        data = (small / f"{name}.zip").read_bytes()
        index.append(dict(dataset=name, file=f"{name}.zip", bytes=len(data), sha256=hashlib.sha256(data).hexdigest()))
    (small / "index.json").write_text(json.dumps(index))

    done = run("datasets", "list", env=home)
    test_eq((done.returncode, len(done.stdout.splitlines())), (0, 15))
    done = run("datasets", "get", "--all", env=home)
    test_eq((done.returncode, len(done.stdout.splitlines())), (2, 2))
    assert "sms-tools: sounds/carnatic.wav: not audio" in done.stderr and "sms-tools: 1 of 2 files could not be read" in done.stderr, done.stderr
    done = run("datasets", "get", "oatsu", "--json", env=home)
    test_eq((done.returncode, json.loads(done.stdout)[0]["state"], json.loads(done.stdout)[0]["files"]), (0, "there", 1))
    states = {r["name"]: r["state"] for r in json.loads(run("datasets", "list", "--json", env=home).stdout)}
    test_eq((states["sms-tools"], states["oatsu"], states["vctk"]), ("whole, 1 unreadable", "whole", "not here"))
    for options, expected in (([], "no dataset is named"), (["VCTK"], "no dataset is called VCTK"), (["nabucasa"], "only a mirror has it"), (["oatsu", "--force", "--mirror", "no"], "no such file"),
                              (["oatsu", "--jobs", "0"], "not in the range")):
        done = run("datasets", "get", *options, env=home)
        test_eq((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1))
        assert expected in done.stderr, done.stderr
    (small / "oatsu.zip").write_bytes(b"PK")
    (folder / "home" / "data" / "raw" / "oatsu" / "oatsu.zip").unlink()
    done = run("datasets", "get", "oatsu", "sms-tools", "--force", "--json", env=home)
    test_eq((done.returncode, [list(r)[-1] for r in json.loads(done.stdout)]), (2, ["making", "error"]))
without = "import sys; sys.modules['pandas'] = None; from vocaldouble.cli import main; sys.exit(main(['datasets', 'list']))"
done = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True)
test_eq(done.returncode, 2)
assert "datasets needs pandas; run pip install 'vocaldouble[train]'" in done.stderr and done.stderr.count("\n") == 1

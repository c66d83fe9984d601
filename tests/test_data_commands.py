"`datasets`, `prepare`, `pretrained` and `embed` as commands: what they report, and every refusal in one line."
import json
import subprocess
import sys

import pytest

from tests.equipment.mirror import make_mirror, sound, zipped
from tests.equipment.stand_ins import write_stand_in
from vocaldouble.audio import write
from vocaldouble.config import paths
from vocaldouble.data.datasets import write_manifest
from vocaldouble.synth import sing


def refused(result, expected: str):
    code, out, err = result
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert expected in err


@pytest.mark.parametrize("words", [["datasets", "list"], ["pretrained", "list"], ["embed", "x"], ["prepare", "x"]])
def test_without_the_packages_of_research(words):
    code = f"import sys; sys.modules['requests'] = sys.modules['pandas'] = None; from vocaldouble.cli import main; sys.exit(main({words}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    refused((done.returncode, done.stdout, done.stderr), "run pip install 'vocaldouble[train]'")


# Datasets


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    "A mirror of two small archives, one of which holds a file that is no sound."
    sms = {"sounds/vignesh.wav": sound("vignesh.wav", 1.0), "sounds/carnatic.wav": b"no sound"}
    oatsu = {"antagata_dokosa/antagata_dokosa_denoise.flac": sound("denoise.flac", 1.0)}
    folder = make_mirror(tmp_path / "mirror", {"sms-tools": zipped(sms), "oatsu": zipped(oatsu)})
    monkeypatch.setenv("VOCALDOUBLE_MIRROR", str(folder))
    return folder


def states(command) -> dict:
    return {r["name"]: r["state"] for r in json.loads(command("datasets", "list", "--json")[1])}


def test_datasets_of_a_mirror(command, mirror):
    "The damaged file is named, the rest is made, and the exit code says so."
    code, out, err = command("datasets", "list")
    assert (code, len(out.splitlines()), err) == (0, 1 + len(states(command)), "")
    code, out, err = command("datasets", "get", "--all")
    assert (code, len(out.splitlines())) == (2, 2)
    assert "sms-tools: sounds/carnatic.wav: not audio" in err and "sms-tools: 1 of 2 files could not be read" in err
    code, out, err = command("datasets", "get", "oatsu", "--json")
    assert (code, json.loads(out)[0]["state"], json.loads(out)[0]["files"]) == (0, "there", 1)
    assert states(command)["sms-tools"] == "whole (mirror's excerpt), 1 unreadable"
    assert states(command)["vctk"] == "not here"


def test_datasets_go_on_where_one_fails(command, mirror):
    (mirror / "oatsu.zip").write_bytes(b"PK")
    code, out, err = command("datasets", "get", "oatsu", "sms-tools", "--json")
    assert code == 2
    assert [r["name"] for r in json.loads(out)] == ["sms-tools", "oatsu"] and "error" in json.loads(out)[1]


def test_a_mirror_that_cannot_be_reached_is_left_out(command, monkeypatch):
    monkeypatch.setenv("VOCALDOUBLE_MIRROR", "http://127.0.0.1:9/")
    code, out, err = command("datasets", "list")
    assert (code, err.count("\n")) == (0, 1)
    assert "vocaldouble: the mirror is left out; http://127.0.0.1:9/index.json: cannot be reached" in err


@pytest.mark.parametrize(
    "options, expected",
    [
        ([], "no dataset is named"),
        (["VCTK"], "no dataset is called VCTK"),
        (["nabucasa"], "only a mirror has it"),
        (["oatsu", "--force", "--mirror", "no"], "no such file"),
        (["oatsu", "--jobs", "0"], "not in the range"),
    ],
)
def test_datasets_refused(command, mirror, options, expected):
    refused(command("datasets", "get", *options), expected)


# Prepare


@pytest.fixture(scope="module")
def take():
    return sing()


@pytest.fixture
def toy(take):
    "A dataset of three singers, a song each; its folder."
    folder, rows = paths().data / "interim" / "toy", []
    for who in ("ann", "bob", "cid"):
        write(folder / who / "song.wav", take.audio, take.rate, "PCM_16")
        about = dict(seconds=take.audio.shape[1] / take.rate, rate=take.rate, licence="CC0-1.0")
        rows.append(dict(path=f"{who}/song.wav", speaker=who, dataset="toy", line="1", take=1, **about))
    write_manifest(rows, folder)
    return folder


SMALL = ["--preset", "singing", "--seconds", 2, "--jobs", 1]


def test_prepare_names_a_damaged_recording(command, toy):
    "The rest is prepared; when the recording is repaired, the same command completes the corpus."
    song = toy / "bob" / "song.wav"
    whole = song.read_bytes()
    song.write_bytes(whole[:5000])
    code, out, err = command("prepare", "toy", *SMALL)
    assert code == 2
    assert "skipped: toy/bob/song.wav: truncated" in err and "1 recording was skipped" in err
    song.write_bytes(whole)
    code, out, err = command("prepare", "toy", *SMALL, "--json")
    report = json.loads(out)
    assert (code, err, report["skipped"], report["clips"]["predict"]) == (0, "", {}, 1)
    expected = "seconds 2.0 not 5.0, threshold -25.0 not -16.0, against loudness not peak; give another --label, or --force"
    refused(command("prepare", "toy"), expected)


def test_prepare_names_a_part_without_clips(command, toy, take):
    report = json.loads(command("prepare", "toy", *SMALL, "--json")[1])
    (quiet,) = report["speakers"]["val"]
    write(toy / quiet / "song.wav", 0 * take.audio, take.rate, "PCM_16", force=True)
    code, out, err = command("prepare", "toy", "--label", "mute", "--preset", "singing", "--jobs", 1)
    assert code == 2 and "no clip could be made for val; add datasets" in err


@pytest.mark.parametrize(
    "words, expected",
    [
        (["nowhere"], "run: vocaldouble datasets get nowhere"),
        (["toy", "--threshold", 3], "threshold is 3 dB; give a number below 0"),
        (["toy", "--subtype", "PCM_16"], "PCM_16"),
        (["toy", "--jobs", 0], "jobs is 0; give the number of processes"),
        (["toy", "--fade-ms", "inf"], "fade is inf ms; give 0 to 1000"),
        (["toy", "--peak", "-inf"], "peak is -inf dBFS; give -100 to 0"),
        (["toy", "--label", "../up"], "is no name for a corpus"),
        (["toy", "--label", "far", "--scheduler", "nonsense"], "nonsense"),
    ],
)
def test_prepare_refused(command, toy, words, expected):
    refused(command("prepare", *words), expected)


# Third-party checkpoints and speaker embeddings


def test_weights_are_refused_trusted_and_checked(command, tmp_path):
    weights = write_stand_in("voicefilter", tmp_path / "stand-ins")
    code, out, err = command("pretrained", "list", "--json")
    assert {r["name"]: r["state"] for r in json.loads(out)}["voicefilter"] == "missing"
    assert len(command("pretrained", "list")[1].splitlines()) == 1 + len(json.loads(out))
    refused(command("pretrained", "get", "voicefilter", "--mirror", "stand-ins"), "pass --trust-first-use")
    code, out, err = command("pretrained", "get", "voicefilter", "--mirror", "stand-ins", "--trust-first-use")
    there = paths().models / "pre-trained" / "voicefilter" / "embedder.pt"
    assert (code, out.split()) == (0, [str(there)])
    assert command("pretrained", "verify", "voicefilter")[1] == "voicefilter: ready\n"
    there.write_bytes(weights.read_bytes()[:-1] + b"!")
    code, out, err = command("pretrained", "verify", "--json")
    assert (code, {r["name"]: r["state"] for r in json.loads(out)}["voicefilter"]) == (2, "wrong")
    assert "voicefilter: wrong; remove its folder" in err


@pytest.mark.parametrize(
    "words, expected",
    [
        (["get"], "Missing argument"),
        (["get", "gpt"], "no weights are called gpt"),
        (["list", "gpt"], "no weights are called gpt"),
        (["get", "at-v1", "--mirror", ".", "--trust-first-use"], "no such file"),
    ],
)
def test_pretrained_refused(command, words, expected):
    refused(command("pretrained", *words), expected)


def test_embed_names_a_damaged_file(command, tmp_path, take):
    write_stand_in("rtvc", tmp_path / "stand-ins")
    command("pretrained", "get", "rtvc", "--mirror", "stand-ins", "--trust-first-use")
    folder, rows = paths().data / "interim" / "duet", []
    for name in ("one", "two", "broken"):
        write(folder / name / "1.wav", take.audio[:, : take.rate], take.rate)
        rows.append(dict(path=f"{name}/1.wav", speaker=name, dataset="duet", line="1", take=1, seconds=1.0, rate=take.rate, licence="CC0"))
    (folder / "broken" / "1.wav").write_bytes(b"nothing")
    write_manifest(rows, folder)
    code, out, err = command("embed", "duet", "--jobs", 1, "--json")
    report = json.loads(out)
    assert (code, report["files"], report["new"], err.count("\n")) == (2, 2, 1, 2)
    assert "not audio" in err and "1 of 3 files have no embedding" in err
    assert command("embed", "duet", "--jobs", 1)[1].startswith("2 embeddings, 0 of them new")


def test_embed_refused(command):
    refused(command("embed", "nobody"), "no corpus is called nobody")

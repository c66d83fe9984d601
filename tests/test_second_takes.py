"Corpora with real second takes, in miniature: from an archive with the publisher's names to the pairs that are compared."
import json
from dataclasses import replace

import pytest

from tests.equipment.mirror import make_mirror, sound, zipped
from vocaldouble.bench.pairs import pairs
from vocaldouble.cli import main
from vocaldouble.config import UserError
from vocaldouble.data.datasets import DATASETS, Remote, read_manifest

BEATS = "DagstuhlChoirSet_V1.2.3/annotations_csv_beat/DCS_LI_{}_Stereo_STM.csv"
CHOIR = "DagstuhlChoirSet_V1.2.3/audio_wav_22050_mono/DCS_{}.wav"
LISTS = "MedleyVox-08edd8625142590db3dba93be821875d3cfdfc5b/testset/testset_config/V2_vocals_only_config/Torres_NewSkin.json"
RAW = "V2/Torres_NewSkin/Torres_NewSkin_RAW/Torres_NewSkin_RAW_{}.wav"


def segment(start: float, end: float, other: str = "03_01", kind: str = "unison", singers: int = 1) -> dict:
    "An entry of MedleyVox's list of a song."
    voices = [f"Torres_NewSkin_RAW_{n}" for n in ("02_01", other)]
    times = dict(start_sec=start, end_sec=end)
    gains = dict.fromkeys(voices, -6)
    about = dict(song_name="Torres_NewSkin", type=kind, num_of_singers=singers, num_of_voices=2)
    return about | times | dict(main_vocal=voices[0], other_vocals=voices[1:], gain_adjustment=gains)


SEGMENTS = {
    "seg_1": segment(0.1, 0.4),
    "seg_2": segment(0.45, 0.7),
    "seg_3": segment(0.45, 0.7),  # a repetition
    "seg_4": segment(0.1, 0.4, "05_01", kind="duet"),
    "seg_5": segment(0.1, 0.4, "05_01", singers=2),
}


@pytest.fixture
def home(tmp_path, monkeypatch):
    "`VOCALDOUBLE_HOME`, a temporary folder; no mirror."
    monkeypatch.setenv("VOCALDOUBLE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("VOCALDOUBLE_MIRROR", raising=False)
    return tmp_path / "home"


def got(tmp_path, monkeypatch, name: str, files: dict):
    "`vocaldouble datasets get` from a mirror that has these files in an archive; the table of the corpus."
    monkeypatch.setenv("VOCALDOUBLE_MIRROR", str(make_mirror(tmp_path / "mirror", {name: zipped(files)})))
    assert main(["datasets", "get", name]) == 0
    return read_manifest(tmp_path / "home" / "data" / "interim" / name)


def names(corpus: str) -> list:
    "Group, kind and name of every pair."
    return sorted((p.group, p.kind, p.name) for p in pairs(corpus))


def test_choirset(tmp_path, monkeypatch, home):
    "One microphone of each singer; takes with beats are cut every four bars; exercises and other singers are no takes."
    takes = [f"LI_QuartetB_Take0{n}_{who}_{mic}" for n in (3, 4) for who, mic in (("A2", "DYN"), ("B2", "DYN"), ("B2", "HSM"), ("B2", "LRX"))]
    others = [f"SE_QuartetA_Tuning0{n}_A1_DYN" for n in (1, 2)] + ["LI_FullChoir_Take01_B2_DYN", "LI_QuartetB_Take04_Stereo_STM"]
    files = {CHOIR.format(n): sound(n + ".wav", 0.9, 22_050) for n in takes + others}
    for n, slow in ((3, 1.0), (4, 1.1)):
        beats = ((0.02, "1"), (0.1, "1.5"), (0.18, "2"), (0.36, "5"), (0.7, "8.75"), (0.72, "9"))
        files[BEATS.format(f"QuartetB_Take0{n}")] = "".join(f"{slow * t:.9f},{bar}\n" for t, bar in beats).encode()
    table = got(tmp_path, monkeypatch, "dagstuhl-choirset", files).set_index("path")
    assert len(table) == 2 * 2 * 2 + 3
    assert table.seconds["dcs-B2/DCS_LI_QuartetB_Take04_B2_DYN_0.40s.wav"] == pytest.approx(1.1 * 0.36, abs=1e-4)
    assert names("dagstuhl-choirset") == [(f"dcs-{who} LI_QuartetB-bars{bars}", "song", f"LI_QuartetB-bars{bars} 3:4") for who in ("A2", "B2") for bars in ("1-4", "5-8")]


def test_humtrans(tmp_path, monkeypatch, home):
    "A melody hummed twice is a pair, unless one of them is shifted."
    hums = "F01_0005_0001_1 F01_0005_0001_2 F01_0005_0002_1 M03_0005_0001_1 F04_0055_0001_1 F04_0055_0001_2_DD M03_0077_0002_1_D M03_0077_0002_2_D"
    files = {f"wav_data_sync_with_midi/{n}.wav": sound(n + ".wav") for n in hums.split()}
    assert len(got(tmp_path, monkeypatch, "humtrans", files)) == 8
    assert names("humtrans") == [("humtrans-F01 0005_0001", "hum", "0005_0001 1:2"), ("humtrans-M03 0077_0002_D", "hum", "0077_0002_D 1:2")]


def test_csd(tmp_path, monkeypatch, home):
    "Two keys are two lines: there are no pairs."
    songs = [f"CSD/{language}/wav/{song}{key}.wav" for language, song in (("english", "en001"), ("korean", "kr050")) for key in "ab"]
    table = got(tmp_path, monkeypatch, "csd", {n: sound(n) for n in songs} | {"CSD/english/metadata.json": b"{}"})
    assert sorted(table.line) == ["song/en001-key-a", "song/en001-key-b", "song/kr050-key-a", "song/kr050-key-b"]
    with pytest.raises(UserError, match="nobody sings a line twice"):
        pairs("csd")


def recordings() -> dict:
    "Raw recordings of one song of MedleyDB, and what else lies there."
    return {RAW.format(n): sound(n + ".wav", 0.8) for n in ("01_01", "02_01", "03_01", "05_01")} | {"V2/Torres_NewSkin/Torres_NewSkin_MIX.wav": sound("mix.wav")}


def check_unisons():
    "The two unisons of one singer are pairs, cut where the list says."
    made = pairs("medleyvox")
    assert [p.name for p in made] == ["Torres_NewSkin-seg_1 1:2", "Torres_NewSkin-seg_2 1:2"]
    assert {p.kind for p in made} == {"song"}
    assert [[x.shape[1] for x in (p.lead, p.take)] for p in made] == [[13_230] * 2, [11_025] * 2]


def test_medleyvox(tmp_path, monkeypatch, home):
    "Lists and recordings in one archive."
    table = got(tmp_path, monkeypatch, "medleyvox", recordings() | {LISTS: json.dumps(SEGMENTS).encode()})
    assert set(table.speaker) == {"medleyvox-Torres"} and len(table) == 4
    check_unisons()


@pytest.mark.parametrize("packed", [False, True])
def test_medleyvox_by_hand(tmp_path, monkeypatch, home, capsys, packed):
    "Lists from their publisher, recordings from the user, as folders or as an archive."
    (tmp_path / "lists.zip").write_bytes(zipped({LISTS: json.dumps(SEGMENTS).encode()}))
    monkeypatch.setitem(DATASETS, "medleyvox", replace(DATASETS["medleyvox"], files=(Remote(str(tmp_path / "lists.zip")),)))
    assert main(["datasets", "get", "medleyvox"]) == 2
    handed = home / "data" / "raw" / "medleyvox" / "files"
    said = capsys.readouterr().err
    assert "https://zenodo.org/records/1649325" in said and str(handed) in said
    for name, data in {"MedleyDB_V2.zip": zipped(recordings())}.items() if packed else recordings().items():
        (handed / name).parent.mkdir(parents=True, exist_ok=True)
        (handed / name).write_bytes(data)
    assert main(["datasets", "get", "medleyvox"]) == 0
    check_unisons()

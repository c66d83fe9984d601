"Miniature archives and mirrors."
import hashlib
import io
import json
import zipfile
from pathlib import Path

import soundfile as sf

from vocaldouble.config import rng


def sound(name: str, seconds: float = 0.25, rate: int = 44_100, subtype: str = "PCM_16") -> bytes:
    "A file of noise, the same for the same name; the suffix of `name` says in which format."
    kind = {"wav": "WAV", "flac": "FLAC", "mp3": "MP3"}[name.rsplit(".", 1)[1]]
    noise = 0.1 * rng("toy", name).standard_normal(round(seconds * rate))
    out = io.BytesIO()
    sf.write(out, noise, rate, "MPEG_LAYER_III" if kind == "MP3" else subtype, format=kind)
    return out.getvalue()


def zipped(files: dict, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    "A zip of names and contents."
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as z:
        for name, data in files.items():
            about = zipfile.ZipInfo(name)
            about.compress_type = compression
            z.writestr(about, data)
    return out.getvalue()


def make_mirror(folder: Path, archives: dict) -> Path:
    "A mirror of `archives`: dataset -> bytes of a zip, or a list of these where it has several."
    folder.mkdir()
    index = []
    for name, data in archives.items():
        several = isinstance(data, list)
        for i, part in enumerate(data if several else [data]):
            file = f"{name}-{i}.zip" if several else f"{name}.zip"
            (folder / file).write_bytes(part)
            index.append(dict(file=file, bytes=len(part), sha256=hashlib.sha256(part).hexdigest(), dataset=name))
    (folder / "index.json").write_text(json.dumps(index))
    return folder


def tree(path: Path) -> dict:
    "Names and contents of all files in a folder."
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in sorted(Path(path).rglob("*")) if p.is_file()}

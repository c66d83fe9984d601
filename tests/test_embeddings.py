"`embed_corpus`, killed in the middle."
import subprocess
import sys

import numpy as np
import pytest

from vocaldouble.audio import write
from vocaldouble.config import UserError, rng
from vocaldouble.data.datasets import write_manifest
from vocaldouble.data.embeddings import embed_corpus, embeddings_of
from vocaldouble.data.pretrained import state

KILLED = """
import sys
from vocaldouble.data.embeddings import embed_corpus

def progress(seconds, groups=[]):
    groups.append(seconds)
    if len(groups) == 2:
        print("now", flush=True)
        sys.stdin.read()  # until this process is killed

embed_corpus("toy", jobs=1, group=2, progress=progress)
"""


@pytest.mark.skipif(state("rtvc") != "ready", reason="resemblyzer is not installed")
def test_killed_and_started_again(tmp_path, monkeypatch):
    "Vectors that the first run had written are not made again, and the table comes out the same."
    monkeypatch.setenv("VOCALDOUBLE_HOME", str(tmp_path))
    rows = []
    for n in range(8):
        write(tmp_path / f"data/interim/toy/ann/{n}.wav", 0.1 * rng("embeddings", n).standard_normal((1, 8000), np.float32), 16_000)
        rows.append(dict(path=f"ann/{n}.wav", speaker="ann", dataset="toy", line="la", take=n, seconds=0.5, rate=16_000, licence="CC0"))
    write_manifest(rows, tmp_path / "data/interim/toy")
    with subprocess.Popen([sys.executable, "-c", KILLED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as job:
        assert job.stdout.readline() == "now\n"
        job.kill()
    with pytest.raises(UserError, match="toy has not been embedded with rtvc; run vocaldouble embed toy"):
        embeddings_of("toy")
    resumed = embed_corpus("toy", jobs=1, group=2)
    assert resumed.files == 8 and resumed.new in (2, 4)  # a third group may be done while the second is reported
    vectors = embeddings_of("toy")[1]
    assert embed_corpus("toy").new == 0
    assert np.array_equal(embeddings_of("toy")[1], vectors)

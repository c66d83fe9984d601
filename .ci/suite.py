"""Runs every notebook as `nbdev_test` does and every file of pytest tests, reports each as it ends, and closes with the count.

`python .ci/suite.py PATTERN...` runs those whose names contain one of the patterns. Each runs in a process of its own with an empty home and
without a mirror, so that none depends on what ran before it or on what has been fetched; WORKERS of them at once, 2 by default.
"""
import importlib
import json
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two workers that each start a thread per core only wait for each other

from nbdev.config import get_config
from nbdev.doclinks import nbglob
from nbdev.test import test_nb

WORKERS = int(os.environ.get("WORKERS", 2))
LIMIT = 900  # seconds for one file on a busy machine; it only ends what hangs
LONGEST = "test_train benchmark differences limits report test_report losses train prepare speaker predict block_edges test_new_corpus".split()  # a quarter of a minute or more
FORK = multiprocessing.get_context("fork")  # the workers share what is imported above, and these, which nearly all need
SHARED = "matplotlib.pyplot scipy.signal pandas sklearn.svm librosa torch lightning mlflow".split()


class Counter:
    "A plugin for pytest that counts outcomes."

    def __init__(self):
        self.count = {"passed": 0, "failed": 0, "skipped": 0}

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            self.count[report.outcome] += 1

    def pytest_collectreport(self, report):
        if report.failed:
            self.count["failed"] += 1


def counted(path: Path) -> dict:
    "How many tests passed, failed and were skipped; a notebook is one test, of which the `slow` cells are left out."
    if path.suffix == ".py":
        import pytest

        counter = Counter()
        pytest.main([str(path), "-q", "--no-header"], plugins=[counter])
        return counter.count
    cfg = get_config()
    ok, seconds = test_nb(path, skip_flags=cfg.tst_flags.split(), basepath=cfg.config_path)
    return {"passed" if ok and seconds else "skipped" if ok else "failed": 1}


def work(path: Path, log: Path, result):
    "In a worker: run `path`, write what it prints to `log`, and send its count."
    os.setpgid(0, 0)  # so that it can be ended with whatever it has started
    os.environ["VOCALDOUBLE_HOME"] = str(log.with_suffix(".home"))
    os.environ.pop("VOCALDOUBLE_MIRROR", None)  # a pass here does not hang on what somebody has fetched
    out = os.open(log, os.O_WRONLY | os.O_CREAT)
    os.dup2(out, 1)
    os.dup2(out, 2)
    try:
        result.send(counted(path))
    except BaseException:
        traceback.print_exc()
        result.send({"failed": 1})


class Job:
    "A worker that runs one file."

    def __init__(self, path: Path, folder: Path):
        self.path, self.log, self.start = path, folder / f"{path.stem}.log", time.monotonic()
        self.result, theirs = FORK.Pipe(duplex=False)
        self.process = FORK.Process(target=work, args=(path, self.log, theirs))
        self.process.start()
        theirs.close()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.start

    def end(self) -> dict:
        "What it counted. What died without a word, or ran too long, has failed, and is ended with whatever it has started."
        try:
            count = self.result.recv() if self.result.poll() else {"failed": 1}
        except EOFError:
            count = {"failed": 1}
        self.process.join(0 if "failed" in count else 60)  # time to clear up, as joblib does
        if self.process.is_alive():
            self.stop()
        return count

    def stop(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.join()


def weight(path: Path) -> tuple:
    "What runs longest has the greatest weight and runs first, so that the last worker does not run alone for long."
    name = path.stem.lstrip("0123456789_")
    text = path.read_text(encoding="utf-8")
    cells = len(text.splitlines()) // 5 if path.suffix == ".py" else sum(c["cell_type"] == "code" for c in json.loads(text)["cells"])
    return name in LONGEST, cells


def run(paths: list, folder: Path):
    "Run `paths`, WORKERS at once; each job with its count as it ends."
    waiting, running = sorted(paths, key=weight, reverse=True), []
    try:
        while waiting or running:
            while waiting and len(running) < WORKERS:
                running.append(Job(waiting.pop(0), folder))
            multiprocessing.connection.wait([j.result for j in running], timeout=1)
            for job in [j for j in running if j.result.poll() or j.seconds > LIMIT]:
                running.remove(job)
                yield job, job.end()
    finally:
        for job in running:
            job.stop()


def main(patterns: list) -> int:
    "Test the files whose names contain one of `patterns`, all by default; the number that failed."
    paths = [Path(f).absolute() for f in nbglob(as_path=True)] + [f.absolute() for f in Path("tests").glob("test_*.py")]
    paths = [p for p in sorted(paths) if not patterns or any(x in p.name for x in patterns)]
    count, start = {"passed": 0, "failed": 0, "skipped": 0}, time.monotonic()
    for module in SHARED if len(paths) > 2 * WORKERS else ():
        importlib.import_module(module)
    with tempfile.TemporaryDirectory(prefix="vocaldouble", ignore_cleanup_errors=True) as tmp:
        for name, variable in (("joblib", "JOBLIB_TEMP_FOLDER"), ("tmp", "TMPDIR")):  # joblib would leave folders in /dev/shm
            os.environ[variable] = f"{tmp}/{name}"
            os.mkdir(os.environ[variable])
        tempfile.tempdir = None  # so that it is looked up again
        for job, got in run(paths, Path(tmp)):
            got = {"passed": 0, "failed": 0, "skipped": 0} | got
            for outcome, n in got.items():
                count[outcome] += n
            verdict = next((v for v in ("failed", "passed") if got[v]), "skipped")
            print(f"  {verdict}  {job.path.stem:<24}{job.seconds:6.1f} s" + (f"  {got['passed']} tests" if job.path.suffix == ".py" else ""), flush=True)
            if verdict == "failed":
                print(job.log.read_text(encoding="utf-8", errors="replace"), file=sys.stderr, flush=True)
                if job.seconds > LIMIT:
                    print(f"{job.path.stem}: ended after {LIMIT} s", file=sys.stderr, flush=True)
    print(f"{len(paths)} files in {time.monotonic() - start:.0f} s")
    print(f"{count['passed']} passed, {count['failed']} failed" + (f", {count['skipped']} skipped" if count["skipped"] else ""))
    return count["failed"] or int(not count["passed"])


if __name__ == "__main__":
    os.chdir(Path(__file__).parent.parent)
    sys.exit(min(main(sys.argv[1:]), 1))

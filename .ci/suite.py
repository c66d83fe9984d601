"""Runs every notebook as `nbdev_test` does, reports each as it ends, and closes with the count."""
import os
import signal
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two workers that each start a thread per core only wait for each other

from nbdev.config import get_config
from nbdev.doclinks import nbglob
from nbdev.test import test_nb

WORKERS = int(os.environ.get("WORKERS", 2))
LIMIT = 600  # seconds for one notebook: nbdev itself would wait for ever


def out_of_time(*_):
    raise TimeoutError(f"the notebook took more than {LIMIT} s")


def tested(path: Path) -> tuple:
    "(passed, seconds) of one notebook, without its `slow` cells; a notebook that is not to be run takes 0 seconds."
    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(LIMIT)
    cfg = get_config()
    try:
        return test_nb(path, skip_flags=cfg.tst_flags.split(), basepath=cfg.config_path)
    finally:
        signal.alarm(0)


def main(patterns: list) -> int:
    "Tests the notebooks whose names contain one of `patterns`, all by default; the number that failed."
    files = [Path(f).absolute() for f in sorted(nbglob(as_path=True)) if not patterns or any(p in f.name for p in patterns)]
    count = {"passed": 0, "failed": 0, "skipped": 0}
    start = time.time()
    with ProcessPoolExecutor(WORKERS) as pool:
        waiting = {pool.submit(tested, f): f.stem for f in files}
        for done in as_completed(waiting):
            if done.exception():
                print(f"{waiting[done]}: not finished, because a worker died, perhaps for want of memory ({done.exception()})", file=sys.stderr)
            ok, seconds = (False, 0) if done.exception() else done.result()
            verdict = "failed" if not ok else "passed" if seconds else "skipped"
            count[verdict] += 1
            print(f"  {verdict}  {waiting[done]:<24}{seconds:6.1f} s", flush=True)
    print(f"{len(files)} notebooks in {time.time() - start:.0f} s")
    print(f"{count['passed']} passed, {count['failed']} failed" + (f", {count['skipped']} skipped" if count["skipped"] else ""))
    return count["failed"] or int(not count["passed"])


if __name__ == "__main__":
    import suite  # by its own name: a notebook that runs in a worker replaces `__main__` there

    os.chdir(Path(__file__).parent.parent)
    sys.exit(min(suite.main(sys.argv[1:]), 1))

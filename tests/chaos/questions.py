"""The forty questions of docs/questions.md over 100,000 random follows, each answered twice.

python tests/chaos/questions.py [--customers 60000] [--seed 5]
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import os
import sys
import tempfile
import time
from pathlib import Path

READING = Path(__file__).resolve().parents[1] / "reading"


def module(name):
    """A file of tests/reading as a module."""
    spec = importlib.util.spec_from_file_location(f"chaos_{name}", READING / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found
    spec.loader.exec_module(found)
    return found


def main():
    """Ask, compare, print one line a question; exit code 1 when an answer differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=5)
    arguments = parser.parse_args()
    chain_tests, questions = module("conftest"), module("test_questions")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        for name in [each for each in os.environ if each.startswith("STOREOPS_")]:
            del os.environ[name]
        os.environ.update(STOREOPS_HOME=str(home), STOREOPS_PROFILE="chain", STOREOPS_LANG="en")
        chain = chain_tests.build_home(
            home, customers=arguments.customers, seed=arguments.seed, staff=400, stores=60
        )
        follows = sum(len(each.follows) for each in chain.people.values())
        print(f"{len(chain.people):,} customers, {follows:,} follows")

        from storeops.clock import SystemClock

        SystemClock.now = lambda self: float(chain.now)
        from commands.main import run

        def answer(*words):
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                assert run(words) == 0
            return out.getvalue()

        world, wrong = questions.World(chain), 0
        for number, (question, words) in sorted(questions.QUESTIONS.items()):
            start = time.perf_counter()
            try:
                rows = questions.check(world, number, words, answer)
                verdict = f"{rows:7,} rows"
            except AssertionError as error:
                wrong += 1
                verdict = f"WRONG {str(error).splitlines()[0]}"
            print(
                f"{number:3} {time.perf_counter() - start:6.2f} s {verdict}  {question}", flush=True
            )
        chain.db.close()
    print(f"{len(questions.QUESTIONS) - wrong} of {len(questions.QUESTIONS)} the same")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

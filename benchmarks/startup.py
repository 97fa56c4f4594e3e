"""Whole processes: how long help, a search and a list take beside a bare Typer app.

    python benchmarks/startup.py [--runs 15]

Interleaved runs, medians; the ratios are what counts (storeops --help at most 1.5 ×, customer
search at most 2 × the --help of a bare one-command Typer app).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARE = """
import typer

app = typer.Typer()


@app.command()
def hello(name: str = "world") -> None:
    print("Hello", name)


app()
"""


def run(words: list[str], environment: dict[str, str]) -> float:
    """Milliseconds of one process."""
    begun = time.perf_counter()
    done = subprocess.run(words, capture_output=True, env=environment, check=False)
    took = (time.perf_counter() - begun) * 1000
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stderr.decode()}")
    return took


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        environment = {**os.environ, "STOREOPS_HOME": folder + "/home", "STOREOPS_LANG": "en"}
        storeops = [sys.executable, "-m", "storeops"]
        started = subprocess.run(
            [*storeops, "demo", "--no-tui", "--stop", "--quiet"],
            env=environment,
            capture_output=True,
            text=True,
        )
        if started.returncode:
            raise SystemExit(started.stderr)
        cases = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "bare Typer app --help": [sys.executable, str(bare), "--help"],
            "storeops --help": [*storeops, "--help"],
            "storeops --lang zh --help": [*storeops, "--lang", "zh", "--help"],
            "storeops profile list": [*storeops, "profile", "list"],
            "storeops customer search 王": [*storeops, "customer", "search", "王"],
            "storeops customer list --json": [*storeops, "customer", "list", "--json"],
            "storeops status": [*storeops, "status"],
        }
        times: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(runs):
            for name, words in cases.items():
                times[name].append(run(words, environment))
    floor = statistics.median(times["bare Typer app --help"])
    print(f"{'':<32} {'median ms':>10} {'min ms':>8} {'× bare':>7}")
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"{name:<32} {median:>10.1f} {min(taken):>8.1f} {median / floor:>7.2f}")


if __name__ == "__main__":
    main()

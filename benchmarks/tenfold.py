"""Ten times the follows: how much more CPU and memory a first and a second sync take.

    python -m benchmarks.tenfold --stores 1500 --staff 7500 --follows 1000000

A chain of a tenth in every respect is synced first, then the whole one, each in a process and a
mirror of its own. CPU is that of the syncing process, so that other load changes little.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.seeded import seeded
from benchmarks.sync import measure

SHAPE = ("stores", "staff", "follows")


def synced(shape: dict[str, int], latency: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a first and a second sync of a chain of that shape took."""
    with seeded(**shape, latency=latency) as where, tempfile.TemporaryDirectory() as name:
        return measure("ours", where, Path(name), 0), measure("ours", where, Path(name), 0)


def main() -> None:
    """Print one table and the two ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stores", type=int, default=1500)
    parser.add_argument("--staff", type=int, default=7500)
    parser.add_argument("--follows", type=int, default=1_000_000)
    parser.add_argument("--latency", type=int, default=0, metavar="MS")
    args = parser.parse_args()
    whole = {name: getattr(args, name) for name in SHAPE}
    runs = []
    print(f"{'follows':>10} {'sync':<7} {'outcome':<9} {'calls':>7} {'CPU s':>7} {'MB':>5}  facts")
    for shape in ({name: max(2, value // 10) for name, value in whole.items()}, whole):
        runs.append(synced(shape, args.latency))
        for title, found in zip(("first", "second"), runs[-1], strict=True):
            print(
                f"{shape['follows']:>10,} {title:<7} {found['outcome']:<9} {found['calls']:>7,}"
                f" {found['cpu_s']:>7.1f} {found['peak_mb']:>5.0f}  {found['facts']}",
                flush=True,
            )
    for number, title in enumerate(("first", "second")):
        ratio = runs[1][number]["cpu_s"] / runs[0][number]["cpu_s"]
        print(f"{title} sync: {ratio:.1f} × the CPU (allowed 11)")


if __name__ == "__main__":
    main()

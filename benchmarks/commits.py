"""One-row commits beside other work: how long each had to wait."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from storeops.app import DATA_ROOMS, RUN_ROOMS, migrations
from storeops.database.database import open_database


@dataclass
class Commits:
    """Commits one row now and then while something else runs."""

    folder: Path
    took: dict[str, list[float]] = field(default_factory=lambda: {"run.db": [], "data.db": []})
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Commits:
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        return self

    def _work(self) -> None:
        files = {
            "run.db": open_database(self.folder / "run.db", migrations(RUN_ROOMS)),
            "data.db": open_database(self.folder / "data.db", migrations(DATA_ROOMS)),
        }
        for each in files.values():
            each.execute("CREATE TABLE IF NOT EXISTS bench_commit (at REAL)")
        while not self._stop.wait(0.05):
            for name, db in files.items():
                began = time.perf_counter()
                with db.atomic() as connection:
                    connection.execute("INSERT INTO bench_commit VALUES (?)", (began,))
                self.took[name].append(time.perf_counter() - began)
        for each in files.values():
            each.close()

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def so_far(self) -> dict[str, int]:
        """How many commits there were, by file."""
        return {name: len(took) for name, took in self.took.items()}

    def line(self, name: str, when: str = "", first: int = 0, last: int | None = None) -> str:
        """The commits from number `first` to `last` in words."""
        took = sorted(self.took[name][first:last])
        name = f"{name} {when}".rstrip()
        if not took:
            return f"{name}: none"
        p50, p99 = (took[min(len(took) - 1, int(len(took) * q))] * 1000 for q in (0.5, 0.99))
        worst = took[-1] * 1000
        return f"{name} {len(took)}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {worst:.0f} ms"

"""250,000 customers: no queue has a limit, memory stays flat (`make chaos`)."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from tests.chaos.harness import Home, SandboxProcess, finish

FLAT_MB = 400
GROWTH_MB = 150  # ten times the customers may cost so much more


def _peak_mb(process: subprocess.Popen[str]) -> int:
    """The most memory a process has held (VmHWM), watched until it ends."""
    peak = 0
    while process.poll() is None:
        try:
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        except OSError:  # it has just ended
            break
        peak = max([peak, *(int(line.split()[1]) // 1024 for line in lines if "VmHWM" in line)])
        time.sleep(0.05)
    return peak


def _synced(folder: Path, follows: int) -> int:
    """Sync so many follows from nothing; the peak memory of the process in MB."""
    folder.mkdir()
    with SandboxProcess(stores=100, staff=1000, follows=follows) as sandbox:
        home = Home(folder, sandbox)
        process = home.start_sync()
        peak = _peak_mb(process)
        assert finish(process)["outcome"] == "complete"
        database = home.open()
        known = database.execute("SELECT count(*) FROM follow").fetchone()[0]
        database.close()
        assert known >= follows
    return peak


def test_a_quarter_million_customers_fit_into_flat_memory(tmp_path: Path) -> None:
    small, large = (_synced(tmp_path / str(count), count) for count in (25_000, 250_000))
    print(f"\npeak RSS at 25,000 and 250,000 follows: {small} and {large} MB")
    assert 0 < large <= FLAT_MB
    assert large <= small + GROWTH_MB

"""250,000 customers: no queue has a limit, memory stays flat (`make chaos`)."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.harness import Home, SandboxProcess, finish

FLAT_MB = 400


def test_a_quarter_million_customers_fit_into_flat_memory(tmp_path: Path) -> None:
    peaks = []
    for follows in (25_000, 250_000):
        folder = tmp_path / str(follows)
        folder.mkdir()
        with SandboxProcess(stores=100, staff=1000, follows=follows) as sandbox:
            home = Home(folder, sandbox)
            process = home.start_sync()
            peak = 0
            status = Path(f"/proc/{process.pid}/status")
            while process.poll() is None:
                try:
                    text = status.read_text()
                except OSError:
                    break
                peak = max(
                    [peak, *(int(line.split()[1]) // 1024 for line in text.splitlines()
                             if line.startswith("VmHWM"))]
                )  # fmt: skip
                if process.stdout is not None and peak and status.exists():
                    import time

                    time.sleep(0.05)
            result = finish(process)
            assert result["outcome"] == "complete"
            database = home.open()
            known = database.execute("SELECT count(*) FROM follow").fetchone()[0]
            database.close()
            assert known >= follows
            peaks.append(peak)
    print(f"\npeak RSS at 25,000 and 250,000 follows: {peaks} MB")
    assert peaks[1] <= FLAT_MB
    assert peaks[1] <= peaks[0] + 150

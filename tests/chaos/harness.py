"""The crash harness: real processes, killed at seeded moments, resumed, compared.

```python
with SandboxProcess(stores=20, staff=200, follows=5000) as sandbox:
    home = Home(tmp_path, sandbox)
    process = home.start_sync()             # a process of its own
    kill_after(process, seconds=0.4)        # SIGKILL
    result = home.sync()                    # the next one goes on
    assert not compare(home.data, sandbox.control)
```
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from storeops.app import DATA_ROOMS, migrations
from storeops.database.database import Database, open_database
from storeops.sandbox.local import Control

DRIVER = Path(__file__).with_name("driver.py")
GET_BY_USER = "externalcontact/batch/get_by_user"


class SandboxProcess:
    """`python -m storeops.sandbox` on a free port; further keywords become `--set NAME=VALUE`."""

    def __init__(
        self,
        *,
        stores: int = 12,
        staff: int = 120,
        follows: int = 5000,
        seed: int = 5,
        latency: int = 0,
        **settings: object,
    ) -> None:
        words = [sys.executable, "-m", "storeops.sandbox", "--port", "0"]
        shape = {"stores": stores, "staff": staff, "follows": follows, "seed": seed}
        for name, value in {**shape, "latency": latency}.items():
            words += [f"--{name}", str(value)]
        for name, setting in settings.items():
            words += ["--set", f"{name}={setting}"]
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        ready = json.loads(self._process.stdout.readline())
        self.base_url: str = ready["base_url"]
        self.corp_id: str = ready["corp_id"]
        self.agent_id = str(ready["agent_id"])
        self.secret: str = ready["secret"]
        self.pid: int = ready["pid"]
        self.control = Control(self.base_url, ready["control_key"])

    def follow_calls(self) -> int:
        """How often batch/get_by_user was called since the last `reset_calls`."""
        paths = self.control.calls()["paths"]
        return int(paths.get(GET_BY_USER, {}).get("calls", 0))

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(20)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> SandboxProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.stop()


@dataclass
class Home:
    """The files of one mirror, and processes that work on it."""

    folder: Path
    sandbox: SandboxProcess

    @property
    def data_path(self) -> Path:
        return self.folder / "data.db"

    def open(self) -> Database:
        """The mirror; the caller closes it."""
        return open_database(self.data_path, migrations(DATA_ROOMS))

    def start_sync(self, scopes: str = "") -> subprocess.Popen[str]:
        """A sync in a process of its own; returns when it is about to begin."""
        sandbox = self.sandbox
        process = subprocess.Popen(
            [
                sys.executable,
                "-X",
                "faulthandler",
                str(DRIVER),
                str(self.data_path),
                str(self.folder / "run.db"),
                sandbox.base_url,
                sandbox.corp_id,
                sandbox.agent_id,
                scopes,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(sandbox.secret + "\n")
        process.stdin.close()
        assert process.stdout.readline() == "ready\n"
        return process

    def sync(self, scopes: str = "") -> dict[str, Any]:
        """A sync that may end by itself; its result."""
        return finish(self.start_sync(scopes))


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for a sync and read what it printed; a process that died without a word is an error."""
    assert process.stdout is not None
    line = process.stdout.readline()
    code = process.wait(600)
    process.stdout.close()
    assert line, f"the sync ended with {code} and said nothing; its stderr says why"
    result: dict[str, Any] = json.loads(line)
    return result


def kill_after(process: subprocess.Popen[str], seconds: float) -> bool:
    """SIGKILL after `seconds`; False when the process had ended by then."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        time.sleep(0.002)
    alive = process.poll() is None
    if alive:
        process.send_signal(signal.SIGKILL)
    process.wait(20)
    if process.stdout is not None:
        process.stdout.close()
    return alive

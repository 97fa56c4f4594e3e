"""A copy of data.db at the host that stands by, as new as what was fetched: a takeover moves it
into place, where putting back the whole would take as long as the database is large.

Litestream puts the database back once and applies each file that comes from then on
(`restore -f`). That works on a file of its own here, which nobody opens.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from storeops.hub import copying, server
from storeops.hub import settings as hub_settings
from storeops.private_file import open_own, write_bytes

STUCK_S = 15.0  # without a step before the whole is put back instead
AGAIN_S = 60.0  # before it is begun again after it failed
LOOK_S = 0.05
_log = logging.getLogger(__name__)


class WarmCopy:
    """The copy of one profile's data.db, while its host stands by.

    Args:
        profile: of head office.
    """

    def __init__(self, profile: str) -> None:
        self._profile = profile
        self._hub = hub_settings.folder(profile)
        self._file = self._hub / "data.warm"
        self._epoch = 0
        self._again_at = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    def keep(self, epoch: int) -> None:
        """Keep it from now on, from the fetched files of this epoch; may be said again."""
        if self._epoch == epoch and (self._lives() or time.monotonic() < self._again_at):
            return
        self.end()
        self._epoch, self._again_at = epoch, time.monotonic() + AGAIN_S
        copy = copying.folder(self._profile, epoch) / copying.FILES[0]
        try:
            if copy.exists():
                self._start(copy)
        except OSError as error:  # a full disk: a takeover puts back the whole
            _log.warning("the copy is not kept warm: %s", error)

    def _start(self, copy: Path) -> None:
        with os.fdopen(open_own(self._hub / "warm.log", os.O_WRONLY | os.O_TRUNC), "wb") as log:
            self._process = subprocess.Popen(
                [server.binary("litestream"), "restore", "-no-expand-env", "-f",
                 "-follow-interval", "250ms", "-o", str(self._file), f"file://{copy}"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
            )  # fmt: skip
        write_bytes(self._hub / copying.WARM_PID, f"{self._process.pid}\n".encode())

    def copy_to(self, path: Path) -> bool:
        """Make a file of what was fetched; False when it cannot be had. Nothing is fetched
        meanwhile."""
        if not self._has_all():
            self.end()  # what it would go on from was merged away while no line was there
            return False
        try:
            shutil.copyfile(self._file, path)
        except OSError:
            path.unlink(missing_ok=True)
            return False
        return True

    def move_to(self, path: Path) -> bool:
        """The same at the end of standing by: it is kept no longer."""
        whole = self._has_all() and self._stop() == 0
        if whole:
            self._file.replace(path)
        self.end()
        return whole

    def end(self) -> None:
        """Keep it no longer."""
        self._stop()
        self._process = None
        for each in self._hub.glob(f"{self._file.name}*"):
            each.unlink(missing_ok=True)
        (self._hub / copying.WARM_PID).unlink(missing_ok=True)

    def _lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _stop(self) -> int:
        """End the process; how it ended, 0 well."""
        if self._process is None:
            return -1
        self._process.terminate()
        try:
            return self._process.wait(copying.STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return -1

    def _has_all(self) -> bool:
        """Wait until everything that was fetched is in it; False when that does not come."""
        wanted = copying.newest(self._profile, self._epoch)
        had, since = -1, time.monotonic()
        while self._lives():
            has = self._transaction()
            if has >= wanted:
                return True
            if has != had:
                had, since = has, time.monotonic()
            limit = STUCK_S if had else copying.RESTORE_S  # at first the whole is put back
            if time.monotonic() - since > limit:
                return False
            time.sleep(LOOK_S)
        return False

    def _transaction(self) -> int:
        """The last transaction that is in it; 0 for none yet."""
        with suppress(OSError, ValueError):
            return int(self._file.with_name(f"{self._file.name}-txid").read_text(), 16)
        return 0

"""The worker of this process: carries out applied plans while people go on looking.

It begins when somebody applies, resumes or retries here, never by itself, and ends with the last
job or with the application; what is left goes on with the next worker, here or elsewhere.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from storeops.i18n import ngettext, sentences

if TYPE_CHECKING:
    from storeops.changes.jobs.report import Report
    from tui.host import Host

TELL_EVERY = 0.2  # seconds between two looks of the screens while it works


class Working:
    """The worker of this process.

    Attributes:
        running: whether it works.
        jobs: calls that got their answer in this run.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._stop = threading.Event()
        self._again = False
        self._told = 0.0
        self.running = False
        self.jobs = 0

    def start(self) -> None:
        """Work until the queue is empty; one that runs takes new jobs along."""
        if self.running:
            self._again = True
            return
        self.running, self._again, self.jobs = True, False, 0
        self._stop = threading.Event()
        self._host.background("jobs").submit(
            self._run, self._done, self._failed, stop=self._stop.set
        )
        self._host.jobs_moved()

    def stop(self) -> None:
        """End after the calls in flight."""
        self._again = False
        self._stop.set()

    def _run(self) -> Report:  # in the background
        return self._host.core.worker(stop=self._stop, on_progress=self._moved).run()

    def _moved(self, report: Report) -> None:  # in the background
        self.jobs = report.jobs
        now = time.monotonic()
        if now - self._told >= TELL_EVERY:
            self._told = now
            self._host.call_later(self._host.jobs_moved)

    def _done(self, report: Report) -> None:
        self.running = False
        self._host.jobs_moved()
        self._host.look()
        for error in report.pauses.values():
            self._host.failed(error)
        if self._again and not report.pauses:
            self.start()
            return
        if not report.jobs or report.pauses:
            return
        bad = sum(count for code, count in report.errcodes.items() if code)
        text = ngettext("{count} call was answered.", "{count} calls were answered.", report.jobs)
        text = text.format(count=f"{report.jobs:,}")
        if bad:
            text = sentences(
                text,
                ngettext(
                    "{count} answer was an error; Jobs shows which.",
                    "{count} answers were errors; Jobs shows which.",
                    bad,
                ).format(count=f"{bad:,}"),
            )
        self._host.notify(text, severity="warning" if bad else "information")

    def _failed(self, error: Exception) -> None:
        self.running = False
        self._host.jobs_moved()
        self._host.failed(error)

    def line(self) -> str:
        """What it does in a few words, "" when it rests."""
        if not self.running:
            return ""
        return ngettext(
            "sending: {count} call answered",
            "sending: {count} calls answered",
            self.jobs,
        ).format(count=f"{self.jobs:,}")

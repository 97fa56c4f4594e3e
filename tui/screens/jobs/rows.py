"""Jobs as a list shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storeops.i18n import _
from storeops.times import minute
from tui import plan_words
from tui.cells import shown
from tui.widgets.rows import Line, ListColumn

if TYPE_CHECKING:
    from storeops.changes.jobs.listing import JobRow


def columns() -> list[ListColumn]:
    """The columns of the jobs."""
    return [
        ListColumn("job", _("Job"), 6, right=True, keep=9),
        ListColumn("plan", _("Plan"), 15, keep=8),
        ListColumn("status", _("Status"), 12, keep=9),
        ListColumn("rows", _("Rows"), 5, right=True, keep=6),
        ListColumn("tries", _("Tries"), 5, right=True, keep=5),
        ListColumn("code", _("Code"), 6, right=True, keep=7, fit=True),
        ListColumn("meaning", _("Meaning"), 16, 4, keep=6),
        ListColumn("due", _("Not before"), 16, keep=2, fit=True),
        ListColumn("ended", _("Ended"), 16, keep=3),
    ]


def line(job: JobRow) -> Line:
    """A job as a row."""
    meaning = ""
    if job.errcode:
        from storeops.wecom.errcodes import lookup

        meaning = lookup(job.errcode).meaning
    waits = job.status in ("queued", "unknown")
    return Line(
        job.job_id,
        (
            str(job.job_id),
            job.plan_id,
            plan_words.job_status(job.status, job.held),
            f"{job.rows:,}",
            str(job.attempts),
            str(job.errcode or ""),
            shown(meaning or job.error),
            minute(job.run_at) if waits and job.attempts else "",
            minute(job.finished_at),
        ),
        plan_words.tone("paused" if job.held and waits else job.status),
        job,
    )

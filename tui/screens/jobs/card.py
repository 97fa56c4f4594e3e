"""A job and the whole queue in words: tallies, what holds them back, what happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from storeops.changes.action import kind_title
from storeops.i18n import _, ngettext
from storeops.times import second
from tui import plan_words
from tui.cells import shown
from tui.fields import fields, title

if TYPE_CHECKING:
    from storeops.changes.jobs.listing import JobEvent, JobRow
    from storeops.changes.jobs.progress import JobProgress


def summary(progress: JobProgress, sending: str) -> Content:
    """What is left, how long it takes, what holds it back, what went wrong.

    Args:
        progress: calls and rows, of one plan or of all.
        sending: what this process sends now, "" when it rests.
    """
    if not progress.jobs:
        return Content(_("No job of the last day, and none is left to send."))
    parts = [
        ngettext("{count} call is left", "{count} calls are left", progress.left).format(
            count=f"{progress.left:,}"
        ),
        plan_words.forecast(progress.seconds, progress.held_by),
        sending or (_("nobody sends here; s begins") if progress.left else _("nothing to send")),
    ]
    content = [
        Content.styled(" · ".join(part for part in parts if part) + "\n", "bold"),
        Content(_("Jobs: {tally}").format(tally=_jobs(progress.jobs)) + "\n"),
        Content(_("Rows: {tally}").format(tally=plan_words.counts_text(progress.rows)) + "\n"),
    ]
    for name, why in progress.paused.items():
        text = _("{plan} is paused: {why}").format(plan=name, why=shown(why) or _("by hand"))
        content.append(Content.styled(f"‖ {text}\n", "$text-warning"))
    for each in progress.troubles[:6]:
        text = f"✗ {each.rows:,} × {each.errcode} {each.meaning} – {each.advice}\n"
        content.append(Content.styled(text, "$text-error"))
    return Content("").join(content)


def _jobs(jobs: dict[str, int]) -> str:
    return "  ".join(f"{plan_words.job_status(name)} {count:,}" for name, count in jobs.items())


def event(kind: str) -> str:
    """What happened to a job, in words."""
    return {
        "requeued": _("queued again"), "unknown": _("answer lost"), "read_back": _("asked back"),
        "failed": _("failed"), "cancelled": _("cancelled"), "retried": _("sent again"),
        "held": _("held"), "resumed": _("resumed"),
    }.get(kind, kind)  # fmt: skip


def details(job: JobRow, rows: Sequence[int], happened: Sequence[JobEvent]) -> Content:
    """A job with its rows and everything that happened to it."""
    from storeops.wecom.errcodes import lookup

    known = lookup(job.errcode) if job.errcode else None
    numbers = _(", ").join(map(str, rows[:200])) + (" …" if len(rows) > 200 else "")
    parts = [
        fields(
            "",
            [
                (_("Plan"), job.plan_id),
                (_("Kind"), kind_title(job.action)),
                (_("Status"), plan_words.job_status(job.status, job.held)),
                (_("Rows of the plan"), numbers),
                (_("Tries"), str(job.attempts)),
                (_("Asked back"), str(job.asks) if job.asks else ""),
                (_("Code"), str(job.errcode or "")),
                (_("Meaning"), known.meaning if known else job.error),
                (_("Next step"), known.advice if known else ""),
                (_("Made"), second(job.created_at)),
                (
                    _("Not before"),
                    second(job.run_at) if job.status in ("queued", "unknown") else "",
                ),
                (_("Ended"), second(job.finished_at) if job.finished_at else ""),
            ],
        ),
        title("\n" + _("What happened")),
    ]
    for each in happened:
        parts.append(Content(f"{second(each.at)}  {event(each.kind)}  {shown(each.detail)}\n"))
    if not happened:
        parts.append(Content(_("Nothing out of the plain way.")))
    return Content("").join(parts)

"""What the morning says of handovers: leavers' customers who wait, and answers to ask for."""

from __future__ import annotations

from collections.abc import Iterator

from storeops.database.database import Database
from storeops.domain import TodayLine
from storeops.domains.handover import report, rules, unassigned
from storeops.durations import span
from storeops.i18n import _, ngettext
from storeops.mirror import meta
from storeops.times import minute

SOON = 60 * 86_400  # seconds before the first year ends from which leavers are urgent


def lines(db: Database, now: float) -> Iterator[TodayLine]:
    """Most urgent first.

    Args:
        db: data.db.
        now: WeCom's time, Unix seconds.
    """
    yield from _of_leavers(unassigned.backlog(db), now)
    waiting, due = report.open_answers(db, now)
    begin = now
    if meta.is_fed(db.connection):
        due, begin = 0, 0.0  # head office asks
    if due:
        text = ngettext(
            "The answer of {count} handover is due; ask WeCom how it ended.",
            "The answers of {count} handovers are due; ask WeCom how they ended.",
            due,
        ).format(count=f"{due:,}")
        yield TodayLine(text, rules.WATCH, "warn", "handover")
    if waiting > due:
        text = ngettext(
            "{count} handover waits for its answer, due {time}.",
            "{count} handovers wait for their answers, the first due {time}.",
            waiting - due,
        ).format(count=f"{waiting - due:,}", time=minute(report.next_answer(db, begin)))
        yield TodayLine(text, "storeops handover status", "", "handover")


def _of_leavers(found: unassigned.Backlog, now: float) -> Iterator[TodayLine]:
    if not found.customers:
        return
    text = ngettext(
        "{customers} customer of {leavers} leavers waits for a new owner",
        "{customers} customers of {leavers} leavers wait for a new owner",
        found.customers,
    ).format(customers=f"{found.customers:,}", leavers=f"{found.leavers:,}")
    tone, more = "", ""
    if found.first_left_at:
        left = found.first_left_at + rules.YEAR_S - now
        if left < 0:
            tone, more = "bad", _("some past the year")
        else:
            tone = "warn" if left < SOON else ""
            more = _("first year ends in {span}").format(span=span(left))
    text = _("{text}; {more}.").format(text=text, more=more) if more else text
    yield TodayLine(text, "storeops leaver list", tone, "handover")

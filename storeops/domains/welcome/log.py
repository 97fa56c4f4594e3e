"""The log of greetings: each is written before it is sent, and how it ended."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from storeops.changes.erased_text import in_texts
from storeops.database.database import Database
from storeops.domain import TodayLine
from storeops.domains.welcome.rules import FOLDER, Newcomer, WelcomeRule
from storeops.i18n import N_, _, kept, ngettext, said

SENDING, SENT, OTHER, LATE, FAILED, UNCERTAIN, NO_RULE = STATUSES = (
    "sending", "sent", "other", "late", "failed", "uncertain", "no_rule",
)  # fmt: skip
WORDS = {
    SENDING: N_("on its way"),
    SENT: N_("sent"),
    OTHER: N_("not needed"),
    LATE: N_("too late"),
    FAILED: N_("failed"),
    UNCERTAIN: N_("uncertain"),
    NO_RULE: N_("no rule"),
}
RECENT_S = 86_400.0  # what happened longer ago is no news
GRACE_S = 60.0  # a greeting under way ends long before
_COLUMNS = (
    "id, userid, external_userid, state, store_id, rule, text, happened_at, received_at, status,"
    " tries, settled_at, errcode, note"
)


@dataclass(frozen=True, slots=True)
class Greeting:
    """One greeting as the log has it; times in Unix seconds."""

    id: int
    userid: str
    external_userid: str
    state: str
    store_id: int
    rule: str
    text: str
    happened_at: float
    received_at: float
    status: str
    tries: int
    settled_at: float | None
    errcode: int | None
    note: str

    @property
    def wait_s(self) -> float | None:
        """Seconds from the adding, which WeCom tells in whole ones, to WeCom's yes; or None."""
        if self.status != SENT or self.settled_at is None:
            return None
        return max(0.0, self.settled_at - self.happened_at)

    @property
    def latency_s(self) -> float | None:
        """Seconds from the receipt of the event to WeCom's yes; None when there was none."""
        if self.status != SENT or self.settled_at is None:
            return None
        return max(0.0, self.settled_at - self.received_at)

    def as_dict(self) -> dict[str, Any]:
        """The item of `welcome log --json`."""
        wait, latency = self.wait_s, self.latency_s
        return {
            "greeting_id": self.id, "userid": self.userid, "external_userid": self.external_userid,
            "state": self.state, "store_id": self.store_id, "rule": self.rule, "text": self.text,
            "happened_at": self.happened_at, "received_at": self.received_at,
            "status": self.status, "tries": self.tries, "settled_at": self.settled_at,
            "wait_s": None if wait is None else round(wait, 3),
            "latency_s": None if latency is None else round(latency, 3),
            "errcode": self.errcode, "note": self.note,
        }  # fmt: skip


# -- writing --------------------------------------------------------------------------------------


def begin(
    db: Database,
    code: str,
    who: Newcomer,
    external_userid: str,
    rule: WelcomeRule | None,
    moments: tuple[float, float, float],
    now: float,
) -> int | None:
    """Write a greeting down before it is sent; its number, None when it is there already.

    Args:
        db: data.db.
        code: the WelcomeCode.
        who: the customer's member and shop.
        external_userid: the customer.
        rule: what counts; None: nothing will be sent.
        moments: when it happened, when it was received, when the code ends; Unix seconds.
        now: WeCom's time.
    """
    with db.atomic() as connection:
        done = connection.execute(
            "INSERT OR IGNORE INTO welcome_greeting (code, userid, external_userid, state,"
            " store_id, rule, text, happened_at, received_at, ends_at, status, begun_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (code, who.userid, external_userid, who.state, who.store_id,
             rule.name if rule else "", rule.words(who) if rule else "", *moments,
             SENDING if rule else NO_RULE, now),
        )  # fmt: skip
    return done.lastrowid if done.rowcount else None


def take_over(db: Database, code: str, now: float, after_s: float) -> tuple[int | None, bool]:
    """Take a greeting that another process began long ago and never ended.

    Returns:
        (its number when it is ours now, whether it is still under way).
    """
    with db.atomic() as connection:
        row = connection.execute(
            "SELECT id, begun_at FROM welcome_greeting WHERE code = ? AND status = 'sending'",
            (code,),
        ).fetchone()
        if row is None or now < row[1] + after_s:
            return None, row is not None
        connection.execute("UPDATE welcome_greeting SET begun_at = ? WHERE id = ?", (now, row[0]))
    return int(row[0]), True


def let_go(db: Database, number: int) -> None:
    """Forget a greeting of which nothing was sent: whoever comes next may begin it anew."""
    with db.atomic() as connection:
        connection.execute(
            "DELETE FROM welcome_greeting WHERE id = ? AND status = 'sending'", (number,)
        )


def record_result(
    db: Database,
    number: int,
    status: str,
    now: float,
    *,
    tries: int,
    errcode: int | None = None,
    note: str = "",
) -> None:
    """Write down how a greeting ended; a yes is never taken back.

    Args:
        db: data.db.
        number: of the greeting.
        status: one of `STATUSES`.
        now: WeCom's time, Unix seconds.
        tries: calls that were made.
        errcode: of the last answer.
        note: why not, in the user's language.
    """
    with db.atomic() as connection:
        connection.execute(
            "UPDATE welcome_greeting SET status = ?, settled_at = ?, tries = ?, errcode = ?,"
            " note = ? WHERE id = ? AND status <> 'sent'",
            (status, now, tries, errcode, note, number),
        )


def record_lost(db: Database, now: float) -> None:
    """Greetings that a crash left on their way: nobody knows whether they were sent."""
    lost = "status = 'sending' AND ends_at < ?"
    found = db.execute(f"SELECT 1 FROM welcome_greeting WHERE {lost} LIMIT 1", (now - GRACE_S,))
    if found.fetchone() is None:
        return
    with db.atomic() as connection:
        connection.execute(
            f"UPDATE welcome_greeting SET status = 'uncertain', note = ? WHERE {lost}",
            (kept(N_("The process ended while it was being sent.")), now - GRACE_S),
        )


# -- reading --------------------------------------------------------------------------------------


def greetings(
    db: Database,
    *,
    statuses: Sequence[str] = (),
    state: str = "",
    customer: str = "",
    before: int | None = None,
    limit: int | None = None,
) -> list[Greeting]:
    """The log, newest first.

    Args:
        db: data.db.
        statuses: only these; () for all.
        state: only of this contact way.
        customer: only of this external_userid.
        before: only those with a smaller number.
        limit: at most so many.
    """
    marks = ", ".join("?" * len(statuses))
    where = [f"status IN ({marks})"] if statuses else []
    values: list[object] = [*statuses]
    for clause, value in (
        ("state = ?", state), ("external_userid = ?", customer), ("id < ?", before),
    ):  # fmt: skip
        if value:
            where.append(clause)
            values.append(value)
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM welcome_greeting"
        f"{' WHERE ' if where else ''}{' AND '.join(where)} ORDER BY id DESC LIMIT ?",
        (*values, -1 if limit is None else limit),
    )
    found = [Greeting(*row) for row in rows]
    return [replace(each, note=said(each.note)) for each in found]


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast greetings were; seconds from the adding to WeCom's yes."""

    sent: int
    p50_s: float | None
    p99_s: float | None
    slowest_s: float | None


def speed(db: Database, since: float) -> Speed:
    """Of those that were sent since a moment (Unix seconds)."""
    spans = sorted(
        max(0.0, span)
        for (span,) in db.execute(
            "SELECT settled_at - happened_at FROM welcome_greeting WHERE status = 'sent'"
            " AND received_at >= ?",
            (since,),
        )
    )

    def part(share: float) -> float | None:
        # the nearest rank: of 100 the 99th
        return spans[max(0, -(-int(share * 1000) * len(spans) // 1000) - 1)] if spans else None

    return Speed(len(spans), part(0.5), part(0.99), spans[-1] if spans else None)


def today(db: Database, now: float) -> list[TodayLine]:
    """Rules that are not understood; new customers of the last day whom nobody greeted."""
    missed, uncertain = db.execute(
        "SELECT coalesce(sum(status IN ('late', 'failed')), 0),"
        " coalesce(sum(status = 'uncertain'), 0) FROM welcome_greeting WHERE received_at >= ?",
        (now - RECENT_S,),
    ).fetchone()
    lines = []
    _rules, wrong = FOLDER.rules()
    if wrong is not None:
        text = _("Rules of greetings do not count: {why}").format(why=wrong.message)
        lines.append(TodayLine(text, "storeops welcome rule", "warn"))
    if missed:
        text = ngettext(
            "{count} new customer was not greeted.",
            "{count} new customers were not greeted.",
            missed,
        ).format(count=missed)
        lines.append(TodayLine(text, "storeops welcome log --status late --status failed", "warn"))
    if uncertain:
        text = ngettext(
            "Nobody knows whether {count} greeting arrived.",
            "Nobody knows whether {count} greetings arrived.",
            uncertain,
        ).format(count=uncertain)
        lines.append(TodayLine(text, "storeops welcome log --status uncertain", "warn"))
    return lines


def forget_customer(
    connection: sqlite3.Connection, external_userid: str, ids: Iterable[str] = ()
) -> int:
    """Take out the greetings of a customer, and their ids from others'. Returns the rows."""
    done = connection.execute(
        "DELETE FROM welcome_greeting WHERE external_userid = ?", (external_userid,)
    ).rowcount
    for word in sorted(in_texts({external_userid, *ids}), key=len, reverse=True):
        done += connection.execute(
            "UPDATE welcome_greeting SET state = replace(state, ?, '…'),"
            " text = replace(text, ?, '…') WHERE instr(state, ?) OR instr(text, ?)",
            (word,) * 4,
        ).rowcount
    return done

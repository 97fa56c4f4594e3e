"""The life of alarms in data.db: raised once, worse, acknowledged, cleared; and listed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from storeops.database.database import Database
from storeops.domain import TodayLine
from storeops.domains.alert.rules import AlarmRule, kinds
from storeops.errors import NotFoundError
from storeops.i18n import _, ngettext
from storeops.operations.alarms import Alarm

SHOWN = 4  # alarms with a line of their own on Today
KEPT_S = 400 * 86_400.0  # cleared alarms are forgotten after so long


@dataclass(frozen=True, slots=True)
class KeptAlarm:
    """An alarm as it is kept. Times in Unix seconds of WeCom's clock.

    Attributes:
        id: its number.
        kind, key: what it is about.
        tone: warn | bad.
        rank: the worst it has been.
        content: JSON of what its sentence is made of.
        raised_at, worse_at, seen_at: when it was first raised, last raised, last there.
        times: how often it was raised.
        acked_at, acked_by, note: who has taken note.
        cleared_at: when it was over; None while it stands.
    """

    id: int
    kind: str
    key: str
    tone: str
    rank: int
    content: str
    raised_at: float
    worse_at: float
    seen_at: float
    times: int
    acked_at: float | None
    acked_by: str
    note: str
    cleared_at: float | None

    def words(self) -> tuple[str, str]:
        """(sentence, next step) in the reader's language."""
        found = kinds().get(self.kind)
        if found is None:
            return _("{kind}: what brought this alarm is not installed.").format(kind=self.kind), ""
        try:
            return found[1].describe(json.loads(self.content))
        except (KeyError, TypeError, ValueError):  # of an earlier version
            return _(found[1].title), ""

    def as_dict(self) -> dict[str, Any]:
        """The item of `alert list --json`; times in Unix seconds."""
        text, step = self.words()
        return {
            "alert_id": self.id,
            "kind": self.kind,
            "key": self.key,
            "tone": self.tone,
            "text": text,
            "next_step": step,
            "raised_at": self.raised_at,
            "worse_at": self.worse_at,
            "seen_at": self.seen_at,
            "times": self.times,
            "acked_at": self.acked_at,
            "acked_by": self.acked_by,
            "note": self.note,
            "cleared_at": self.cleared_at,
        }


_COLUMNS = ", ".join(each.name for each in fields(KeptAlarm))


@dataclass(frozen=True, slots=True)
class AlarmChanges:
    """What one look changed: numbers of alarms."""

    raised: tuple[int, ...] = ()
    worse: tuple[int, ...] = ()
    cleared: tuple[int, ...] = ()


def apply(
    db: Database, found: Mapping[str, tuple[AlarmRule, Sequence[Alarm]]], now: float
) -> AlarmChanges:
    """Keep what was found, in one transaction: new ones are raised, those not found are over.

    Args:
        db: data.db.
        found: kind → (its rule, what is wrong now); a kind that is not named stays as it is.
        now: WeCom's time.
    """
    raised, worse, cleared = [], [], []
    with db.atomic() as connection:

        def notice(alert: int, what: str, targets: Iterable[str]) -> None:
            connection.executemany(
                "INSERT INTO alert_notice (alert_id, what, at, target) VALUES (?, ?, ?, ?)",
                [(alert, what, now, target) for target in targets],
            )

        for kind, (rule, alarms) in found.items():
            standing = {each.key: each for each in _open(db, kind)}
            heard = _heard(db, kind) if rule.to and standing else set()
            for alarm in alarms:
                before = standing.pop(alarm.key, None)
                if not alarm.sure:
                    continue
                content = json.dumps(dict(alarm.values), ensure_ascii=False)
                if before is None:
                    cursor = connection.execute(
                        "INSERT INTO alert (kind, key, tone, rank, content, raised_at, worse_at,"
                        " seen_at, times) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)",
                        (kind, alarm.key, alarm.tone, alarm.rank, content, now, now, now),
                    )
                    assert cursor.lastrowid is not None
                    raised.append(cursor.lastrowid)
                    notice(cursor.lastrowid, "raised", rule.to)
                elif alarm.rank > before.rank:
                    connection.execute(
                        "UPDATE alert SET tone = ?, rank = ?, content = ?, worse_at = ?,"
                        " seen_at = ?, times = times + 1, acked_at = NULL, acked_by = '',"
                        " note = '' WHERE id = ?",
                        (alarm.tone, alarm.rank, content, now, now, before.id),
                    )
                    worse.append(before.id)
                    notice(before.id, "worse", rule.to)
                else:
                    connection.execute(
                        "UPDATE alert SET tone = ?, content = ?, seen_at = ? WHERE id = ?",
                        (alarm.tone, content, now, before.id),
                    )
                    if before.acked_at is None:  # whom the rule names since it was raised
                        new = [to for to in rule.to if (before.id, to.casefold()) not in heard]
                        notice(before.id, "raised", new)
            for over in standing.values():
                connection.execute("UPDATE alert SET cleared_at = ? WHERE id = ?", (now, over.id))
                cleared.append(over.id)
                told = [each for each in rule.to if (over.id, each.casefold()) in heard]
                notice(over.id, "cleared", told)
            connection.execute("INSERT OR REPLACE INTO alert_look VALUES (?, ?)", (kind, now))
        connection.execute("DELETE FROM alert WHERE cleared_at < ?", (now - KEPT_S,))
        connection.execute("DELETE FROM alert_notice WHERE alert_id NOT IN (SELECT id FROM alert)")
    return AlarmChanges(tuple(raised), tuple(worse), tuple(cleared))


def looked_at(db: Database) -> dict[str, float]:
    """Kind → when it was last looked at, Unix seconds."""
    return dict(db.execute("SELECT kind, at FROM alert_look").fetchall())


def _open(db: Database, kind: str) -> list[KeptAlarm]:
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM alert WHERE kind = ? AND cleared_at IS NULL", (kind,)
    )
    return [KeptAlarm(*row) for row in rows]


def _heard(db: Database, kind: str) -> set[tuple[int, str]]:
    """(alarm's number, target in lower case) of what was raised, of alarms of a kind that stand."""
    rows = db.execute(
        "SELECT n.alert_id, n.target FROM alert AS a JOIN alert_notice AS n ON n.alert_id = a.id"
        " WHERE a.kind = ? AND a.cleared_at IS NULL AND n.what <> 'cleared'",
        (kind,),
    )
    return {(number, target.casefold()) for number, target in rows}


def alarms(
    db: Database, *, cleared: bool = False, kind: Iterable[str] = (), before: int | None = None,
    limit: int | None = None,
) -> list[KeptAlarm]:  # fmt: skip
    """Alarms, newest first.

    Args:
        db: data.db.
        cleared: also those that are over.
        kind: only of these; () for all.
        before: only numbers below.
        limit: rows at most; None for all.
    """
    where, values = ["id < ?"], [before if before is not None else 1 << 62]
    if not cleared:
        where.append("cleared_at IS NULL")
    if names := list(kind):
        where.append("kind IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(names))  # type: ignore[arg-type]
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM alert WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?",
        (*values, -1 if limit is None else limit),
    )
    return [KeptAlarm(*row) for row in rows]


def get(db: Database, number: int) -> KeptAlarm:
    """An alarm by its number.

    Raises:
        NotFoundError: there is none.
    """
    row = db.execute(f"SELECT {_COLUMNS} FROM alert WHERE id = ?", (number,)).fetchone()
    if row is None:
        raise NotFoundError(
            _("There is no alarm {number}.").format(number=number),
            hint=_("`storeops alert list` shows the alarms there are."),
            next_steps=["storeops alert list"],
        )
    return KeptAlarm(*row)


def acknowledge(
    db: Database, numbers: Sequence[int], now: float, *, who: str, note: str = ""
) -> list[KeptAlarm]:
    """Take note of alarms: they leave Today until they get worse.

    Raises:
        NotFoundError: there is no such alarm; nothing was changed.
    """
    with db.atomic() as connection:
        for number in numbers:
            get(db, number)
            connection.execute(
                "UPDATE alert SET acked_at = ?, acked_by = ?, note = ? WHERE id = ?",
                (now, who, note, number),
            )
    return [get(db, number) for number in numbers]


def unsent(db: Database) -> list[tuple[int, int, str, str]]:
    """(number, alarm's number, what, target) of notices that nobody has handed over yet."""
    return db.execute(
        "SELECT id, alert_id, what, target FROM alert_notice WHERE sent_at IS NULL ORDER BY id"
    ).fetchall()


def withdraw(db: Database, to: Mapping[str, Sequence[str]]) -> None:
    """Drop what waits for targets that the rule of its kind does not name any more.

    Args:
        db: data.db.
        to: kind → targets of its rule; what waits of other kinds stays.
    """
    with db.atomic() as connection:
        for kind, targets in to.items():
            connection.execute(
                "DELETE FROM alert_notice WHERE sent_at IS NULL"
                " AND alert_id IN (SELECT id FROM alert WHERE kind = ?)"
                " AND lower(target) NOT IN (SELECT lower(value) FROM json_each(?))",
                (kind, json.dumps(list(targets))),
            )


def note_sent(db: Database, notices: Sequence[int], now: float) -> None:
    """They were handed over."""
    with db.atomic() as connection:
        connection.executemany(
            "UPDATE alert_notice SET sent_at = ? WHERE id = ?", [(now, each) for each in notices]
        )


def today(db: Database, _now: float) -> list[TodayLine]:
    """Alarms that stand and nobody has taken note of, the worst first."""
    known = kinds()
    open_ = [
        each for each in alarms(db)
        if each.acked_at is None and (each.kind not in known or known[each.kind][1].on_today)
    ]  # fmt: skip
    open_.sort(key=lambda each: (each.tone != "bad", -each.id))
    shown = open_ if len(open_) <= SHOWN else open_[: SHOWN - 1]
    lines = []
    for each in shown:
        text, step = each.words()
        lines.append(TodayLine(text, step or f"storeops alert show {each.id}", each.tone))
    left = len(open_) - len(shown)
    if left:
        text = ngettext("{count} more alarm stands.", "{count} more alarms stand.", left).format(
            count=left
        )
        lines.append(TodayLine(text, "storeops alert list", open_[len(shown)].tone))
    return lines

"""What was turned away at head office, and told: forged, replayed, of another shop, revoked …

One line for each kind and shop with how often, so that nobody can fill a disk by trying; the
journal gets a line at the first, and another when an hour has passed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storeops.changes.journal import JournalLine
from storeops.changes.ledger import Ledger
from storeops.database.database import Database
from storeops.i18n import N_, _
from storeops.operations.alarms import Alarm, AlarmKind

if TYPE_CHECKING:
    from storeops.hub.wiring import OfficeWiring

AGAIN_S = 3600.0  # between two lines of the journal about the same
RECENT_S = 86_400.0
MOST = 1000  # kinds and shops that are kept
WORDS = {
    "forged": N_("a request that the shop's key did not sign"),
    "unreadable": N_("something that is no request"),
    "another_shop": N_("a request in the name of another shop"),
    "replayed": N_("a known request with another content"),
    "not_its_own": N_("a request about what is not the shop's"),
    "kind": N_("a request of a kind that is not allowed"),
    "revoked": N_("a request of a shop that is revoked"),
    "not_let_in": N_("somebody whom the server did not let in"),
    "no_right": N_("a connection that tried what it has no right to"),
}


@dataclass(frozen=True, slots=True)
class AttemptCount:
    """One kind of attempt of one shop.

    Attributes:
        what: key of WORDS.
        who: a shop's number, or what the server says of a connection.
        detail: more, in English or as the server has it.
        count: how often.
        first_at, last_at: WeCom's time, Unix seconds.
    """

    what: str
    who: str
    detail: str
    count: int
    first_at: float
    last_at: float

    @property
    def words(self) -> str:
        """What it was, in the user's language."""
        return _(WORDS[self.what]) if self.what in WORDS else self.what


def record(
    ledger: Ledger, connection: sqlite3.Connection, what: str, who: str, detail: str = ""
) -> None:
    """Note an attempt, in a write transaction.

    Args:
        ledger: of head office.
        connection: in a write transaction.
        what: key of WORDS.
        who: a shop's number, or what the server says of a connection.
        detail: more; nothing of a customer.
    """
    now = ledger.clock.now()
    who, detail = who[:120], detail[:300]
    known = connection.execute(
        "SELECT last_at FROM hub_attempt WHERE what = ? AND who = ?", (what, who)
    ).fetchone()
    if known is None:
        (kept,) = connection.execute("SELECT count(*) FROM hub_attempt").fetchone()
        who = who if kept < MOST else "…"
    connection.execute(
        "INSERT INTO hub_attempt (what, who, detail, count, first_at, last_at)"
        " VALUES (?, ?, ?, 1, ?, ?) ON CONFLICT (what, who) DO UPDATE SET"
        " count = count + 1, last_at = excluded.last_at, detail = excluded.detail",
        (what, who, detail, now, now),
    )
    if known is None or now - known[0] >= AGAIN_S:
        payload = {"what": what, "shop": who, "detail": detail}
        ledger.journal.append(connection, [JournalLine("plan.turned_away", payload=payload)], now)


def recent(db: Database, now: float, seconds: float = RECENT_S) -> list[AttemptCount]:
    """Attempts of the last `seconds`, the newest first."""
    return [
        AttemptCount(*row)
        for row in db.execute(
            "SELECT what, who, detail, count, first_at, last_at FROM hub_attempt"
            " WHERE last_at >= ? ORDER BY last_at DESC, what, who",
            (now - seconds,),
        )
    ]


def _find(app: OfficeWiring, _settings: Mapping[str, Any]) -> Iterator[Alarm]:
    for each in recent(app.data, app.clock.now()):
        yield Alarm(
            key=f"{each.what}:{each.who}", tone="bad",
            values={"what": each.what, "who": each.who, "count": each.count},
        )  # fmt: skip


def _describe(values: Mapping[str, Any]) -> tuple[str, str]:
    what = _(WORDS.get(values["what"], values["what"]))
    text = _("Head office turned away {what} ({who}).").format(what=what, who=values["who"])
    return text, "storeops hub status"


TURNED_AWAY = AlarmKind(
    title=N_("A back office was turned away"), find=_find, describe=_describe, on_today=False
)

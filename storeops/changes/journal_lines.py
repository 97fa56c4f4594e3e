"""The journal as people read it: lines, newest first, and as a file that proves itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from storeops.changes.journal import object_of
from storeops.database.database import Database
from storeops.errors import NotFoundError
from storeops.i18n import _
from storeops.mirror.called import CUSTOMER_CALLED

_COLUMNS = "seq, at, kind, who, machine, plan, row, subject, payload, digest, hash, salt"


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line of the journal; `at` in Unix seconds.

    Attributes:
        seq, at, kind, who, machine, plan, row: the open part.
        subject: external_userid, None when there is none or it was erased.
        payload: what was done; {} once erased.
        erased: whether subject and payload were erased.
        digest, hash: hex.
        salt: hex, None once erased: together with payload and subject it proves the digest.
    """

    seq: int
    at: float
    kind: str
    who: str
    machine: str
    plan: str
    row: int | None
    subject: str | None
    payload: dict[str, Any]
    erased: bool
    digest: str
    hash: str
    salt: str | None

    def as_dict(self, *, proof: bool = False) -> dict[str, Any]:
        """For `--json`; with `proof` also digest, hash and salt."""
        value: dict[str, Any] = {
            "seq": self.seq,
            "at": self.at,
            "kind": self.kind,
            "who": self.who,
            "machine": self.machine,
            "plan_id": self.plan,
            "row": self.row,
            "external_userid": self.subject,
            "payload": self.payload,
            "erased": self.erased,
        }
        if proof:
            value.update(digest=self.digest, hash=self.hash, salt=self.salt)
        return value


def lines(
    db: Database,
    *,
    plan: str = "",
    kind: str = "",
    who: str = "",
    external_userid: str = "",
    words: str = "",
    since: float | None = None,
    before: int | None = None,
    limit: int | None = 50,
    oldest_first: bool = False,
) -> Iterator[JournalEntry]:
    """Lines that fulfil all conditions, newest first, read as they are asked for.

    Args:
        db: data.db.
        plan: plan_id, whole.
        kind: `plan.applied`, `row.answer` … or their beginning (`plan`).
        who: who acted.
        external_userid: lines about one customer.
        words: a part of who acted, of the plan_id, or of the customer's name.
        since: Unix seconds.
        before: only lines older than this seq (paging).
        limit: lines, None for all.
        oldest_first: the order of the chain.
    """
    conditions, values = ["1"], []
    for condition, value in (
        ("plan = ?", plan),
        ("(kind = ? OR kind LIKE ? || '.%')", kind),
        ("who = ?", who),
        ("subject = ?", external_userid),
        (
            "(instr(lower(who), ?) OR instr(lower(plan), ?)"
            f" OR {CUSTOMER_CALLED.format(id='journal.subject')})",
            words.lower(),
        ),
        ("at >= ?", since),
        ("seq < ?", before),
    ):
        if value not in ("", None):
            conditions.append(condition)
            values += [value] * condition.count("?")
    order = "ASC" if oldest_first else "DESC"
    found = db.execute(
        f"SELECT {_COLUMNS} FROM journal WHERE {' AND '.join(conditions)}"
        f" ORDER BY seq {order} LIMIT ?",
        (*values, -1 if limit is None else limit),
    )
    return map(_entry, found)


def show(db: Database, seq: int) -> JournalEntry:
    """One line.

    Raises:
        NotFoundError: there is none of that number.
    """
    record = db.execute(f"SELECT {_COLUMNS} FROM journal WHERE seq = ?", (seq,)).fetchone()
    if record is None:
        raise NotFoundError(
            _("The journal has no line {seq}.").format(seq=seq),
            hint=_("See the newest lines: storeops audit list"),
        )
    return _entry(record)


def _entry(record: Any) -> JournalEntry:
    seq, at, kind, who, machine, plan, row, subject, payload, digest, line_hash, salt = record
    return JournalEntry(
        seq, at, kind, who, machine, plan, row, subject,
        object_of(payload), payload is None,
        _hex(digest), _hex(line_hash), _hex(salt) if salt else None,
    )  # fmt: skip


def _hex(value: Any) -> str:
    """A digest as text; what somebody put in its place as it is."""
    return value.hex() if isinstance(value, bytes) else str(value)

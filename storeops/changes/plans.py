"""Plans: made once, read many times, applied exactly as they were made."""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storeops.changes import rows as plan_rows
from storeops.changes.action import ROW_STATUSES, Row, Verdict
from storeops.changes.journal import JournalLine, dump
from storeops.changes.ledger import Ledger
from storeops.changes.problems import Problem, Problems
from storeops.database.database import Database
from storeops.errors import ConflictError, NotFoundError, NothingToDoError, UsageError
from storeops.i18n import _, ngettext, said
from storeops.mirror import meta

DRAFT, MADE, APPLIED, CANCELLED = "draft", "planned", "applied", "cancelled"
ASKED, APPROVED, REFUSED = "asked", "approved", "refused"  # of head office
STATUSES = (DRAFT, MADE, ASKED, APPROVED, REFUSED, APPLIED, CANCELLED)
EXPIRES_S = 24 * 3600
LAST = "last"  # stands for the newest plan wherever a plan is named
_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that are mistaken for another
_COLUMNS = (
    "id, name, kind, status, title, params, problems, profile, revision, rows, ready, calls, hash,"
    " undo_of, created_at, created_by, expires_at, applied_at, applied_by, reason, paused,"
    " paused_why"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan as stored; see `changes/schema.py` for the fields."""

    id: int
    name: str
    kind: str
    status: str
    title: str
    params: Mapping[str, Any]
    problems: tuple[Mapping[str, Any], ...]
    profile: str
    revision: int
    rows: int
    ready: int
    calls: int
    hash: str
    undo_of: int | None
    created_at: float
    created_by: str
    expires_at: float
    applied_at: float | None
    applied_by: str
    reason: str
    paused: bool
    paused_why: str

    @property
    def heading(self) -> str:
        """The title for whoever reads it now; `title` is as stored."""
        return said(self.title)

    @property
    def blocked(self) -> int:
        """Rows that a check stopped."""
        return self.rows - self.ready

    @property
    def left_out(self) -> int:
        """Rows of the input that are not in it."""
        return sum(each.get("count", 1) for each in self.problems if not each["warning"])

    def as_dict(self) -> dict[str, Any]:
        """The object every planner prints with `--json`; `expires_at` in Unix seconds."""
        return {
            "plan_id": self.name,
            "kind": self.kind,
            "rows": self.rows,
            "ready": self.ready,
            "blocked": self.blocked,
            "calls": self.calls,
            "expires_at": self.expires_at,
            "hash": self.hash,
            "problems": list(self.problems),
        }


def make(
    ledger: Ledger,
    kind: str,
    rows: Iterable[Row],
    verdicts: Sequence[Verdict] | None = None,
    *,
    params: Mapping[str, Any] | None = None,
    problems: Iterable[Problem] = (),
    strict: bool = False,
    title: str = "",
    reason: str = "",
    undo_of: int | None = None,
    expires_s: float = EXPIRES_S,
    name: str = "",
) -> Plan:
    """Store a plan; nothing is sent.

    Args:
        ledger: the profile's ledger.
        kind: name of the Action.
        rows: numbered from 1 without gaps, each with a subject of its own.
        verdicts: one per row; None asks the Action's `check`.
        params: what the planner was asked and what the Action needs (JSON types).
        problems: input that could not be planned, and warnings.
        strict: refuse everything when a row could not be planned or was held up by a check.
        title: one line for lists; `i18n.kept`, where it is in words.
        reason: why, for the journal.
        undo_of: the plan (plan.id) that this one puts back.
        expires_s: seconds until the plan can no longer be applied.
        name: its plan_id, which no other plan has; "" takes a new one.

    Raises:
        UsageError: no such kind; with `strict`, a wrong row.
        PolicyError: read-only.
        NothingToDoError: there is no row, and no input was left out.
    """
    ledger.policy.may_write()
    problems = Problems(problems) if not isinstance(problems, Problems) else problems
    action = ledger.action(kind)
    params = dict(params or {})
    rows = list(rows)
    if not rows and not problems.left_out:
        raise nothing_to_do(kind, problems)
    if verdicts is None:
        verdicts = action.check(ledger.view(params), rows)
    ready = [row for row, verdict in zip(rows, verdicts, strict=True) if verdict.ready]
    if strict:
        _refuse_wrong(problems, verdicts)
    calls = sum(1 for each in action.batch(ready, params) if each)
    now = ledger.clock.now()
    with ledger.db.atomic() as connection:
        plan_id, _name = insert_plan(
            ledger, connection, kind, MADE, now, params=params, problems=problems, title=title,
            reason=reason, undo_of=undo_of, expires_at=now + expires_s, name=name,
        )  # fmt: skip
        digests = plan_rows.insert(connection, plan_id, zip(rows, verdicts, strict=True), now)
        connection.execute(
            "UPDATE plan SET rows = ?, ready = ?, calls = ? WHERE id = ?",
            (len(rows), len(ready), calls, plan_id),
        )
        seal(ledger, connection, plan_id, digests, "plan.made")
    ledger.journal.seal(ledger.db, now)
    return by_id(ledger.db, plan_id)


def _refuse_wrong(problems: Problems, verdicts: Sequence[Verdict]) -> None:
    """Refuse a plan of which a row was left out or held up.

    Raises:
        UsageError: with how many, and the first.
    """
    held_up = [each for each in verdicts if not each.ready]
    wrong = problems.left_out + len(held_up)
    if not wrong:
        return
    listed = [each for each in problems if not each.warning]
    first = listed[0].message if listed else held_up[0].reason
    raise UsageError(
        ngettext(
            "{count} row is wrong; nothing was planned. {first}",
            "{count} rows are wrong; nothing was planned. {first}",
            wrong,
        ).format(count=wrong, first=first),
        hint=_("Leave --strict out to plan the others."),
        details={"problems": [each.as_dict() for each in listed]},
    )


def nothing_to_do(kind: str, problems: Iterable[Problem] = ()) -> NothingToDoError:
    """The end of a planner that found everything as it was wished: no plan is stored."""
    problems = list(problems)
    details = {
        "plan_id": None, "kind": kind, "rows": 0, "ready": 0, "blocked": 0, "calls": 0,
        "expires_at": None, "hash": "", "problems": [each.as_dict() for each in problems],
    }  # fmt: skip
    return NothingToDoError(
        _("Nothing to do; no plan was made."),
        hint=" ".join(each.message for each in problems[:3]),
        details=details,
    )


def insert_plan(
    ledger: Ledger,
    connection: sqlite3.Connection,
    kind: str,
    status: str,
    now: float,
    *,
    params: Mapping[str, Any],
    problems: Iterable[Problem] = (),
    title: str = "",
    reason: str = "",
    undo_of: int | None = None,
    expires_at: float = 0,
    name: str = "",
) -> tuple[int, str]:
    """Store a plan without rows, inside a transaction; returns (plan.id, plan_id)."""
    name = name or _new_name(connection, kind)
    cursor = connection.execute(
        "INSERT INTO plan (name, kind, status, title, params, problems, profile, revision, undo_of,"
        " created_at, created_by, expires_at, reason)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            name, kind, status, title, dump(params), dump([each.as_dict() for each in problems]),
            ledger.profile, meta.revision(connection), undo_of, now, ledger.who, expires_at, reason,
        ),
    )  # fmt: skip
    plan_id = cursor.lastrowid
    assert plan_id is not None
    return plan_id, name


def seal(
    ledger: Ledger,
    connection: sqlite3.Connection,
    plan_id: int,
    digests: Sequence[bytes],
    kind: str,
) -> str:
    """Compute, store and journal a plan's hash; inside the transaction that wrote its rows."""
    plan = _one(connection, "id", plan_id)
    assert plan is not None
    digest = hash_of(plan, digests)
    connection.execute("UPDATE plan SET hash = ? WHERE id = ?", (digest, plan_id))
    payload = {
        "hash": digest,
        "kind": plan.kind,
        "rows": plan.rows,
        "ready": plan.ready,
        "title": plan.title,
        "reason": plan.reason,
    }
    ledger.journal.append(
        connection, [JournalLine(kind, plan.name, payload=payload)], ledger.clock.now()
    )
    return digest


def hash_of(plan: Plan, digests: Iterable[bytes]) -> str:
    """sha256 (hex) over what a plan says and the digests of its rows."""
    head = dump(
        [plan.name, plan.kind, plan.params, plan.profile, plan.rows, plan.ready, plan.calls,
         plan.undo_of, plan.created_at, plan.created_by, plan.expires_at]
    )  # fmt: skip
    return hashlib.sha256(head.encode() + b"".join(digests)).hexdigest()


def verify(ledger: Ledger, plan: Plan) -> None:
    """Compare a plan with its hash, and the hash with the journal.

    Raises:
        ConflictError: the plan was altered after it was made; names the rows.
    """
    wrong, digests = plan_rows.altered(ledger.db, plan.id)
    hint = _("Make the plan again; nothing was sent.")
    if wrong:
        raise ConflictError(
            _("Plan {plan} was altered after it was made: row {rows}.").format(
                plan=plan.name, rows=_(", ").join(map(str, wrong[:10]))
            ),
            hint=hint,
            details={"plan_id": plan.name, "altered_rows": wrong[:1000]},
        )
    journaled = journaled_hash(ledger.db, plan.name)
    if hash_of(plan, digests) != plan.hash or journaled != plan.hash:
        raise ConflictError(
            _("Plan {plan} was altered after it was made: its hash does not fit.").format(
                plan=plan.name
            ),
            hint=hint,
            details={"plan_id": plan.name},
        )


def journaled_hash(db: Database, name: str) -> str:
    """The newest hash that the journal holds for a plan; "" when none."""
    row = db.execute(
        "SELECT payload FROM journal WHERE plan = ? AND kind IN ('plan.made', 'plan.trimmed')"
        " ORDER BY seq DESC LIMIT 1",
        (name,),
    ).fetchone()
    found: str = json.loads(row[0]).get("hash", "") if row and row[0] else ""
    return found


def get(db: Database, name: str, status: str = "") -> Plan:
    """A plan by its plan_id, in any case, by an unambiguous end of it, or the newest by `last`.

    Args:
        db: data.db.
        name: plan_id, its end, or `last`.
        status: `last` means the newest of this status, where there is one (of applied plans the
            one applied last); "" whichever is newest.

    Raises:
        NotFoundError: there is none.
        UsageError: several fit.
    """
    wanted = name.strip()
    if wanted.lower() == LAST:
        newest = db.execute(
            "SELECT name FROM plan ORDER BY status = ? DESC, CASE status WHEN ? THEN applied_at END"
            " DESC, id DESC LIMIT 1",
            (status, status),
        ).fetchone()
        wanted = newest[0] if newest else wanted
    plan = _one(db.connection, "name", wanted)
    if plan is not None:
        return plan
    like = wanted.upper().replace("\\", "").replace("%", "").replace("_", "\\_")
    names = [
        row[0]
        for row in db.execute(
            "SELECT name FROM plan WHERE upper(name) LIKE ? ESCAPE '\\' ORDER BY id DESC LIMIT 6",
            (f"%{like}",),
        )
    ]
    if len(names) == 1 and len(wanted) >= 3:
        plan = _one(db.connection, "name", names[0])
        assert plan is not None
        return plan
    if names and len(wanted) >= 3:
        raise UsageError(
            _("Several plans end in {plan}: {names}.").format(plan=name, names=_(", ").join(names)),
            hint=_("Write the whole plan id."),
        )
    raise NotFoundError(
        _("There is no plan {plan}.").format(plan=name),
        hint=_("See all plans: storeops plan list"),
        next_steps=["storeops plan list"],
    )


def count(db: Database, status: str) -> int:
    """How many plans have a status of `STATUSES`."""
    found: int = db.execute("SELECT count(*) FROM plan WHERE status = ?", (status,)).fetchone()[0]
    return found


def by_id(db: Database, plan_id: int) -> Plan:
    """A plan by its number inside the database.

    Raises:
        NotFoundError: there is none.
    """
    plan = _one(db.connection, "id", plan_id)
    if plan is None:
        raise NotFoundError(_("There is no plan {plan}.").format(plan=plan_id))
    return plan


def listing(
    db: Database,
    *,
    kinds: Sequence[str] = (),
    statuses: Sequence[str] = (),
    before: int | None = None,
    limit: int = 50,
    void: bool = True,
) -> list[Plan]:
    """Plans, newest first.

    Args:
        db: data.db.
        kinds: only these; nothing for all.
        statuses: only these of `STATUSES`; nothing for all.
        before: only plans older than this plan.id (paging).
        limit: rows.
        void: also those of which every input was left out: nothing can be done with them, they
            only hold the reasons.
    """
    some = "" if void else f" AND (rows > 0 OR status = '{DRAFT}')"
    found = db.execute(
        f"SELECT {_COLUMNS} FROM plan WHERE id < ?{_any('kind', kinds)}{_any('status', statuses)}"
        f"{some} ORDER BY id DESC LIMIT ?",
        (2**63 - 1 if before is None else before, *kinds, *statuses, limit),
    )
    return [_from_record(each) for each in found]


def _any(column: str, words: Sequence[str]) -> str:
    return f" AND {column} IN ({','.join('?' * len(words))})" if words else ""


def row_counts(db: Database, plan_id: int) -> dict[str, int]:
    """Rows per status, in the order of their life; statuses without rows are left out."""
    found = dict(
        db.execute(
            "SELECT status, count(*) FROM plan_row WHERE plan_id = ? GROUP BY status", (plan_id,)
        ).fetchall()
    )
    return {status: found[status] for status in ROW_STATUSES if status in found}


def _one(connection: sqlite3.Connection, column: str, value: str | int) -> Plan | None:
    record = connection.execute(
        f"SELECT {_COLUMNS} FROM plan WHERE {column} = ?", (value,)
    ).fetchone()
    return _from_record(record) if record else None


def _from_record(record: Sequence[Any]) -> Plan:
    fields = list(record)
    fields[5] = json.loads(fields[5])
    fields[6] = tuple(json.loads(fields[6]))
    fields[20] = bool(fields[20])
    return Plan(*fields)


def _new_name(connection: sqlite3.Connection, kind: str) -> str:
    prefix = kind.replace("_", "-")
    while True:
        name = f"{prefix}-{''.join(secrets.choice(_LETTERS) for _each in range(6))}"
        if connection.execute("SELECT 1 FROM plan WHERE name = ?", (name,)).fetchone() is None:
            return name

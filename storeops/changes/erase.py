"""Erase one person: from journal lines and from plans, without breaking chain or hashes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from storeops.changes import plans, seal
from storeops.changes import rows as plan_rows
from storeops.changes.erased_text import in_texts, spellings, without
from storeops.changes.journal import JournalLine, dump, fits, object_of
from storeops.changes.ledger import Ledger
from storeops.changes.verify_plans import is_altered
from storeops.database.database import Database
from storeops.errors import ConflictError, NotFoundError
from storeops.i18n import _

ERASED = "audit.erased"  # the kind of line that notes it
_SHORTEST = 2  # characters of a name that is looked for in titles and command lines
_QUOTE = "'\"'\"'"  # how a command line writes an apostrophe
Forget = Callable[[sqlite3.Connection], int]
# rows about a person, and rows about nobody whose content names them (a message to a group, a
# contact way that was called by a number)
_NAMING = (
    "(plan_row.external_userid = ? OR (plan_row.external_userid = ''"
    " AND EXISTS (SELECT 1 FROM json_each(?) WHERE instr(plan_row.before, value)"
    " OR instr(plan_row.after, value) OR instr(plan_row.extra, value)"
    " OR instr(plan_row.answer, value))))"
)


@dataclass(frozen=True, slots=True)
class ErasureWords:
    """By what a person can be found in free text.

    Attributes:
        ids: external_userid, unionid, phone numbers: looked for in every plan.
        names: names, remarks, descriptions: looked for only in plans about the person.
    """

    ids: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Erased:
    """How much was erased: journal lines, rows of plans, and rows of other rooms by name."""

    lines: int
    rows: int
    others: Mapping[str, int] = field(default_factory=dict)


def erase(
    ledger: Ledger,
    external_userid: str,
    *,
    reason: str = "",
    words: ErasureWords | None = None,
    others: Mapping[str, Forget] | None = None,
) -> Erased:
    """Erase what journal and plans hold of one customer.

    The chain covers salted digests, so it stays whole: `audit verify` then counts the lines as
    erased. Rows of plans lose their content and keep their digest. A plan whose title, command
    line or problems name the person is sealed anew without them.

    Args:
        ledger: the profile's ledger.
        external_userid: the person.
        reason: why, for the journal (without naming the person).
        words: names and numbers to look for in free text, beside those that the plans know.
        others: what else forgets the person in the same transaction, by name.

    Raises:
        NotFoundError: nobody knows the person.
        ConflictError: something about the person is still to be sent or answered.
        PolicyError: read-only.
    """
    ledger.policy.may_write()
    # what is missing is noted before anything is: a key that is made below would hide it
    ledger.journal.seal(ledger.db, ledger.clock.now())
    seal.pseudonym(ledger.journal.folder, external_userid, make=True)
    gone = erase_unsealed(ledger, external_userid, reason=reason, words=words, others=others)
    ledger.journal.seal(ledger.db, ledger.clock.now())
    return gone


def erase_unsealed(
    ledger: Ledger,
    external_userid: str,
    *,
    reason: str = "",
    words: ErasureWords | None = None,
    others: Mapping[str, Forget] | None = None,
) -> Erased:
    """The same in a copy that is about to take its place: sealed once it is there."""
    db, now = ledger.db, ledger.clock.now()
    with db.atomic() as connection:
        known = _words(connection, external_userid, words or ErasureWords())
        naming = (external_userid, json.dumps([dump(word)[1:-1] for word in known.ids]))
        _refuse_open_work(connection, naming, now)
        about = {
            row[0]
            for row in connection.execute(
                f"SELECT DISTINCT plan_id FROM plan_row WHERE {_NAMING}", naming
            )
        }
        counts = {name: forget(connection) for name, forget in (others or {}).items()}
        lines = _lines(connection, external_userid, known, about)
        altered = _altered_lines(connection, lines)
        altered_plans = {name for plan_id in about if (name := _altered_plan(db, plan_id))}
        rows = connection.execute(
            "UPDATE plan_row SET subject = 'erased/' || row, external_userid = '', before = NULL,"
            " after = NULL, extra = NULL, answer = NULL, meaning = '', next_step = ''"
            f" WHERE {_NAMING}",
            naming,
        ).rowcount
        connection.executemany(
            "UPDATE journal SET subject = NULL, payload = NULL, salt = NULL WHERE seq = ?",
            [(seq,) for seq in lines],
        )
        altered_plans |= _rewrite_heads(ledger, connection, known, about)
        if not lines and not rows and not any(counts.values()):
            raise NotFoundError(
                _("Neither journal nor plans know this customer."),
                hint=_(
                    "The id is written as in `storeops customer list --fields external_userid`."
                ),
            )
        payload: dict[str, Any] = {"lines": lines, "rows": rows, "reason": reason, **counts}
        payload["who"] = seal.pseudonym(ledger.journal.folder, external_userid)
        if altered or altered_plans:  # what proves it goes with the person; that it was, stays
            payload.update(altered=altered, altered_plans=sorted(altered_plans))
        ledger.journal.append(connection, [JournalLine(ERASED, payload=payload)], now)
    return Erased(len(lines), rows, counts)


def _refuse_open_work(connection: sqlite3.Connection, naming: tuple[str, str], now: float) -> None:
    open_row = connection.execute(
        "SELECT plan.name FROM plan_row JOIN plan ON plan.id = plan_row.plan_id"
        f" WHERE {_NAMING} AND (plan_row.status IN"
        "  ('queued', 'waiting', 'unknown') OR (plan_row.status = 'planned'"
        "  AND plan.status = 'planned' AND plan.expires_at > ?)) LIMIT 1",
        (*naming, now),
    ).fetchone()
    if open_row:
        raise ConflictError(
            _("Plan {plan} still has something to do with this customer.").format(plan=open_row[0]),
            hint=_("Finish or cancel it first: storeops plan cancel {plan}").format(
                plan=open_row[0]
            ),
            details={"plan": open_row[0]},
        )


def _words(
    connection: sqlite3.Connection, external_userid: str, known: ErasureWords
) -> ErasureWords:
    """What is known already, and what the rows of plans wrote or replaced."""
    ids, names = {external_userid, *known.ids}, set(known.names)
    for values in connection.execute(
        "SELECT before, after FROM plan_row WHERE external_userid = ?", (external_userid,)
    ):
        for value in values:
            found = object_of(value)
            ids.update(each for each in found.get("remark_mobiles") or () if isinstance(each, str))
            names.update(
                found[name]
                for name in ("remark", "description", "remark_company")
                if isinstance(found.get(name), str)
            )
    return ErasureWords(in_texts(ids), frozenset(each for each in names if len(each) >= _SHORTEST))


def _lines(
    connection: sqlite3.Connection, external_userid: str, known: ErasureWords, about: set[int]
) -> list[int]:
    """Lines about the person, and lines about nobody whose text names them."""
    found = {
        row[0]
        for row in connection.execute(
            "SELECT seq FROM journal WHERE subject = ?", (external_userid,)
        )
    }
    for word in known.ids:
        found.update(
            row[0]
            for row in connection.execute(
                "SELECT seq FROM journal WHERE subject IS NULL AND instr(payload, ?)",
                (dump(word)[1:-1],),
            )
        )
    for plan_id in about:
        for word in spellings(known.names):
            found.update(
                row[0]
                for row in connection.execute(
                    "SELECT seq FROM journal WHERE plan = (SELECT name FROM plan WHERE id = ?)"
                    " AND subject IS NULL AND instr(payload, ?)",
                    (plan_id, dump(word)[1:-1]),
                )
            )
    return sorted(found)


def _altered_lines(connection: sqlite3.Connection, lines: Iterable[int]) -> list[int]:
    """Those whose private part no longer fits its digest."""
    found = []
    for seq in lines:
        salt, subject, payload, digest = connection.execute(
            "SELECT salt, subject, payload, digest FROM journal WHERE seq = ?", (seq,)
        ).fetchone()
        if payload is not None and not fits(salt, subject, payload, digest):
            found.append(seq)
    return found


def _altered_plan(db: Database, plan_id: int) -> str:
    """The plan's name when it is not as it was made; "" when it is."""
    name, sealed = db.execute("SELECT name, hash FROM plan WHERE id = ?", (plan_id,)).fetchone()
    if not sealed:
        return ""  # a draft
    try:
        plan = plans.by_id(db, plan_id)
        wrong, digests = plan_rows.altered(db, plan_id)
        whole = not wrong and plans.hash_of(plan, digests) == plan.hash
        whole = whole and plans.journaled_hash(db, plan.name) in (plan.hash, "")
        whole = whole and not is_altered(db, plan)
    except (TypeError, ValueError, AttributeError, RecursionError):
        whole = False
    return "" if whole else str(name)


def _rewrite_heads(
    ledger: Ledger, connection: sqlite3.Connection, known: ErasureWords, about: set[int]
) -> set[str]:
    """Take the person out of titles, command lines and problems; seal those plans anew.

    Returns:
        Plans that were not as they were made before that.
    """
    altered = set()
    heads = connection.execute("SELECT id, name, title, params, problems, reason, hash FROM plan")
    for plan_id, name, title, params, problems, reason, sealed in heads.fetchall():
        words = sorted({*known.ids, *(known.names if plan_id in about else ())}, key=len)[::-1]
        try:
            asked, told = json.loads(params), json.loads(problems)
            before: tuple[str, ...] = (title, dump(asked), dump(told), reason)
            if isinstance(asked.get("command"), str):
                quoted = [each.replace("'", _QUOTE) for each in words]
                asked["command"] = without(asked["command"], [*quoted, *words])
            for each in told:
                each["message"] = without(each["message"], words)
        except (TypeError, ValueError, AttributeError, KeyError, RecursionError):
            altered.add(str(name))  # nothing in it can be looked for: nothing of it is kept
            asked, told, before = {}, [], ()
        fresh = (without(title, words), dump(asked), dump(told), without(reason, words))
        if fresh == before:
            continue
        if _altered_plan(ledger.db, plan_id):
            altered.add(str(name))
        connection.execute(
            "UPDATE plan SET title = ?, params = ?, problems = ?, reason = ? WHERE id = ?",
            (*fresh, plan_id),
        )
        if sealed:
            digests = [
                row[0]
                for row in connection.execute(
                    "SELECT digest FROM plan_row WHERE plan_id = ? ORDER BY row", (plan_id,)
                )
            ]
            plans.seal(ledger, connection, plan_id, digests, "plan.trimmed")
    return altered

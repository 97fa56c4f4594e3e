"""Erase one person: from journal lines and from plans, without breaking chain or hashes."""

from __future__ import annotations

from dataclasses import dataclass

from storeops.changes.journal import Line
from storeops.changes.ledger import Ledger
from storeops.errors import ConflictError, NotFoundError
from storeops.i18n import _


@dataclass(frozen=True, slots=True)
class Erased:
    """How much was erased."""

    lines: int
    rows: int


def erase(ledger: Ledger, external_userid: str, *, reason: str = "") -> Erased:
    """Erase what journal and plans hold of one customer.

    The chain covers salted digests, so it stays whole: `audit verify` then counts the lines as
    erased. Rows of plans lose their content and keep their digest.

    Args:
        ledger: the profile's ledger.
        external_userid: the person.
        reason: why, for the journal (without naming the person).

    Raises:
        NotFoundError: neither journal nor plans know the person.
        ConflictError: something about the person is still to be sent or answered.
        PolicyError: read-only.
    """
    ledger.policy.may_write()
    db, now = ledger.db, ledger.clock.now()
    with db.atomic() as connection:
        open_row = connection.execute(
            "SELECT plan.name FROM plan_row JOIN plan ON plan.id = plan_row.plan_id"
            " WHERE plan_row.external_userid = ? AND (plan_row.status IN"
            "  ('queued', 'waiting', 'unknown') OR (plan_row.status = 'planned'"
            "  AND plan.status = 'planned' AND plan.expires_at > ?)) LIMIT 1",
            (external_userid, now),
        ).fetchone()
        if open_row:
            raise ConflictError(
                _("Plan {plan} still has something to do with this customer.").format(
                    plan=open_row[0]
                ),
                hint=_("Finish or cancel it first: storeops plan cancel {plan}").format(
                    plan=open_row[0]
                ),
            )
        lines = [
            row[0]
            for row in connection.execute(
                "SELECT seq FROM journal WHERE subject = ? ORDER BY seq", (external_userid,)
            )
        ]
        connection.executemany(
            "UPDATE journal SET subject = NULL, payload = NULL, salt = NULL WHERE seq = ?",
            [(seq,) for seq in lines],
        )
        rows = connection.execute(
            "UPDATE plan_row SET subject = 'erased/' || row, external_userid = '', before = NULL,"
            " after = NULL, extra = NULL, answer = NULL, meaning = '', next_step = ''"
            " WHERE external_userid = ?",
            (external_userid,),
        ).rowcount
        if not lines and not rows:
            raise NotFoundError(
                _("Neither journal nor plans know this customer."),
                hint=_(
                    "The id is written as in `storeops customer list --fields external_userid`."
                ),
            )
        note = Line("audit.erased", payload={"lines": lines, "rows": rows, "reason": reason})
        ledger.journal.append(connection, [note], now)
    ledger.journal.seal(db, now)
    return Erased(len(lines), rows)

"""What is known of rows that are about to be sent, and was not when their plan was applied."""

from __future__ import annotations

from collections.abc import Sequence

from storeops.changes.action import Row, Verdict, View
from storeops.domains.handover import attempts, checks, group_checks, rules, to_owner_checks
from storeops.domains.handover.attempts import EarlierRefusal
from storeops.mirror import members
from storeops.wecom.errcodes import ErrorCondition


def vetoed(view: View, rows: Sequence[Row]) -> list[tuple[Row, Verdict]]:
    """Rows of one call that WeCom would refuse by what has become known meanwhile.

    Earlier calls of the plan may have shown that a taker is full or cannot take anybody; a sync or
    another plan may have shown that a customer or group is not the giver's any more.
    """
    fresh = _fresh_troubles(view, rows)
    to_owner = str(rows[0].extra["to"])
    member = members.by_userids(view.db, [to_owner]).get(to_owner.lower())
    verdict = to_owner_checks.verdict(member, to_owner, fresh.get(to_owner.lower(), {}))
    if not verdict.ready:
        return [(row, verdict) for row in rows]
    if rows[0].extra["what"] == rules.GROUP:
        verdicts = group_checks.check(view.db, rows, view.params, view.now, queued=False)
    else:
        facts = checks.gather(view.db, rows, {**view.params, "recheck": True}, view.now)
        facts.troubles = fresh
        facts.capacity = to_owner_checks.capacities(view.params, fresh, [to_owner])
        # what is queued waits for its turn behind this call; what was sent has a due moment
        facts.running = {
            subject: each for subject, each in facts.running.items() if each.due_at is not None
        }
        verdicts = checks.check(facts, rows)
    return [
        (row, verdict) for row, verdict in zip(rows, verdicts, strict=True) if not verdict.ready
    ]


def _fresh_troubles(
    view: View, rows: Sequence[Row]
) -> dict[str, dict[ErrorCondition, EarlierRefusal]]:
    """What answers complained about; with `recheck` only since the plan was made."""
    told = attempts.troubles(
        view.db,
        [
            str(rows[0].extra["to"]),
            rows[0].userid,
            *(checks.pair_key(row) for row in rows),
            *(row.external_userid for row in rows if row.external_userid),
        ],
        view.now,
    )
    if not view.params.get("recheck"):
        return told
    since = float(view.params.get("made_at", 0))
    return {
        who: {condition: each for condition, each in found.items() if each.at >= since}
        for who, found in told.items()
    }

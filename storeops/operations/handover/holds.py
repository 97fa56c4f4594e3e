"""What earlier calls of a running plan have taught about rows that are still to be sent."""

from __future__ import annotations

from collections.abc import Sequence

from storeops.jobs.action import Row, Verdict, View
from storeops.operations.handover import attempts, checks, members, rules, taker_checks


def held_back(view: View, rows: Sequence[Row]) -> list[tuple[Row, Verdict]]:
    """Rows of one call that WeCom would refuse by what it has answered since the plan was applied.

    Takers it complained about, takers who are full, customers whose handover is running.
    """
    db, first = view.db, rows[0]
    taker, since = str(first.extra["to"]), float(view.params.get("made_at", 0))
    people = members.by_userids(db, [taker, first.userid])
    told = attempts.troubles(db, [taker, first.userid, *(checks.pair_key(row) for row in rows)])
    fresh = {
        who: {code: each for code, each in found.items() if each.at >= since}
        for who, found in told.items()
    }
    if not view.params.get("recheck"):
        fresh = told
    verdict = taker_checks.taker(people.get(taker.lower()), taker, fresh.get(taker.lower(), {}))
    if not verdict.ready:
        return [(row, verdict) for row in rows]
    if first.extra["what"] == rules.GROUP:
        return []
    facts = checks.gather(db, rows, {**view.params, "recheck": True}, view.now)
    facts.troubles = fresh
    facts.capacity = taker_checks.capacities(view.params, fresh, [taker])
    facts.running = {
        subject: each for subject, each in facts.running.items() if each.due_at is not None
    }
    found = [
        (row, verdict)
        for row, verdict in zip(rows, checks.check(facts, rows), strict=True)
        if verdict.code in ("in_handover", "taker_full", "idle", "ninety_days")
    ]
    return found

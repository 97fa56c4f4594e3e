"""The drill of outages: every write API away for a time, in every way; sends are counted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storeops import retrying
from storeops.app import App
from storeops.changes import apply, plans
from storeops.changes.follow_requests import FollowRequest, SelectedFollows, select_follows
from storeops.changes.plans import Plan
from storeops.changes.verify import verify
from storeops.domains.handover.planner import plan_handover
from storeops.domains.handover.request import HandoverRequest
from storeops.domains.remarks.remark_plan import plan_remarks
from storeops.domains.tags.tag_library_plan import add_tags
from storeops.domains.tags.tag_plan import plan_tags
from storeops.errors import NothingToDoError
from storeops.reading.customers import Selection
from storeops.sandbox.local import SandboxHandle
from tests.chaos.changes import open_home

MOST = 6  # sends of a row that an outage may cost
WAYS: dict[str, dict[str, Any]] = {
    "status": {"status": 502},
    "cut": {},
    "invalid": {},
    "truncated_json": {},
    "lost": {},
}


@dataclass
class Outage:
    """What one outage cost.

    Attributes:
        path: the write API.
        way: how it was away.
        rows: rows of the plan.
        sends: calls of the API, over all rows.
        most: sends of the row that was sent most often.
        ends: rows per status when all was over.
        problems: what must not be.
    """

    path: str
    way: str
    rows: int
    sends: int = 0
    most: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def _some(app: App, count: int) -> SelectedFollows:
    selected = select_follows(
        app.data, FollowRequest(Selection(where="status:active"), follows="all"), app.clock.now()
    )
    del selected.relations[count:]
    return selected


def _tags(app: App, word: str) -> Plan:
    names = [row[0] for row in app.data.execute("SELECT tag_id FROM tag WHERE kind = 1")]
    for how in ("add", "remove"):
        for tag in names:
            with suppress(NothingToDoError):
                plan = plan_tags(app.ledger, _some(app, 20), **{how: [tag]})
                if plan.ready > 5:
                    return plan
    raise AssertionError("no tag is left to set or to take off")


def _handover(app: App, word: str) -> Plan:
    from_owner, to_owner = (
        row[0]
        for row in app.data.execute(
            "SELECT s.userid FROM staff AS s JOIN follow AS f ON f.staff_id = s.id"
            " WHERE s.is_follow_user = 1 AND s.status = 'active' AND f.status = 'active'"
            " GROUP BY s.id ORDER BY count(*) DESC LIMIT 2"
        )
    )
    ids = [
        f"id:{row[0]}"
        for row in app.data.execute(
            "SELECT c.external_userid FROM customer AS c JOIN follow AS f ON f.customer_id = c.id"
            " JOIN staff AS s ON s.id = f.staff_id AND s.userid = ? WHERE f.status = 'active'"
            " AND NOT EXISTS (SELECT 1 FROM plan_row AS r JOIN plan AS p ON p.id = r.plan_id"
            "  WHERE p.kind = 'handover' AND r.external_userid = c.external_userid) LIMIT 4",
            (from_owner,),
        )
    ]
    request = HandoverRequest(
        from_owners=[from_owner],
        to_owners=[to_owner],
        selection=Selection(where=" or ".join(ids)),
        groups=False,
        personal_tags=False,
    )
    return plan_handover(app.ledger, request).plan


WRITES: dict[str, Callable[[App, str], Plan]] = {
    "externalcontact/mark_tag": _tags,
    "externalcontact/remark": lambda app, word: plan_remarks(
        app.ledger, _some(app, 20), {"remark": word}
    ),
    "externalcontact/add_corp_tag": lambda app, word: add_tags(
        app.ledger, word, ["one"], new_group=True
    ),
    "externalcontact/transfer_customer": _handover,
}


def outage(app: App, sandbox: SandboxHandle, path: str, way: str, seconds: float) -> Outage:
    """One plan while its API is away for `seconds`; then until nothing is left to send."""
    word = f"{way[:6]}{int(time.time()) % 100_000}"
    plan = WRITES[path](app, word)
    found = Outage(path, way, plan.ready)
    apply.apply(app.ledger, plan.name)
    sandbox.control.reset_calls()
    sandbox.control.fault(way, path, **WAYS[way])
    try:
        app.worker().run(plan_id=plan.id, seconds=seconds)
    finally:
        sandbox.control.clear_faults()
    app.worker().run(plan_id=plan.id, seconds=120)
    found.sends = sandbox.control.calls()["paths"].get(path, {"calls": 0})["calls"]
    found.most = app.data.execute(
        "SELECT max(attempts) FROM job WHERE plan_id = ?", (plan.id,)
    ).fetchone()[0]
    found.ends.update(plans.row_counts(app.data, plan.id))
    if found.most > MOST or found.sends > MOST * plan.calls:
        found.problems.append(f"{found.most} sends of a row, {found.sends} in {plan.calls} calls")
    if odd := set(found.ends) - {"done", "failed", "waiting", "blocked", "vanished"}:
        found.problems.append(f"rows that never ended: {sorted(odd)}")
    found.problems += [each.message for each in verify(app.data, app.ledger.journal).findings]
    return found


def drill(sandbox: SandboxHandle, home: Path, seconds: float) -> list[Outage]:
    """Every write API, away in every way for `seconds` each."""
    assert retrying.JOB.tries == MOST
    app = open_home(sandbox, home)
    try:
        return [outage(app, sandbox, path, way, seconds) for path in WRITES for way in WAYS]
    finally:
        app.close()

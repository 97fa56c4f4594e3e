"""A person at a back office: plans a tag, or a handover, and asks head office; a process.

Prints `asked PLAN` once the request is on the disk, and `sent` or `waits` when sending was tried.
"""

from __future__ import annotations

import random
import sys

from storeops.app import App
from storeops.changes import plans, relations
from storeops.changes.apply import apply
from storeops.domains.handover.planner import plan_handover
from storeops.domains.handover.request import HandoverRequest
from storeops.domains.tags.tagging import tag_row
from storeops.errors import StoreOpsError
from storeops.hub import asking


def main(profile: str, seed: int, most: int) -> None:
    dice = random.Random(seed)
    app = App.open(profile)
    made = hand_over(app, dice) if dice.random() < 0.5 else tag_some(app, dice, most)
    if made:
        done = apply(app.ledger, made, skip_changed=True)
        print("asked", done.plan.name, flush=True)
        print("waits" if asking.send(app).waiting else "sent", flush=True)
    app.close()


def hand_over(app: App, dice: random.Random) -> str:
    """Some customers, and the groups, of one who left or is there, to a colleague."""
    people = app.data.execute(
        "SELECT s.userid, s.status, count(*) FROM staff AS s JOIN follow AS f ON f.staff_id = s.id"
        " AND f.status IN ('active', 'unassigned') GROUP BY s.id ORDER BY s.userid"
    ).fetchall()
    takers = app.data.execute(
        "SELECT userid FROM staff WHERE status = 'active' ORDER BY userid"
    ).fetchall()
    if not people or not takers:
        return ""
    giver = max(people, key=lambda each: (each[1] == "left", dice.random()))[0]
    taker = dice.choice(takers)[0]
    if taker == giver:
        return ""
    request = HandoverRequest((giver,), (taker,), cap=dice.randint(1, 4))
    try:
        plan = plan_handover(app.ledger, request).plan
    except StoreOpsError:  # nothing of theirs is left, or they may not take over
        return ""
    return plan.name if plan.ready else ""


def tag_some(app: App, dice: random.Random, most: int) -> str:
    """A tag for some follows."""
    tags = [row[0] for row in app.data.execute("SELECT tag_id FROM tag WHERE deleted_at IS NULL")]
    pairs = app.data.execute(
        "SELECT s.userid, c.external_userid FROM follow AS f JOIN staff AS s ON s.id = f.staff_id"
        " JOIN customer AS c ON c.id = f.customer_id WHERE f.status = 'active' ORDER BY f.id"
    ).fetchall()
    tag = dice.choice(tags)
    chosen = dice.sample(pairs, min(len(pairs), dice.randint(1, most)))
    found = [each for each in relations.by_pairs(app.data, chosen) if each is not None]
    present = relations.tags_of(app.data, [each.follow_id for each in found])
    rows = []
    for relation in found:
        row = tag_row(len(rows) + 1, relation, present[relation.follow_id], [tag], [])
        if row is not None:
            rows.append(row)
    return plans.make(app.ledger, "tag", rows, title="drill").name if rows else ""


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))

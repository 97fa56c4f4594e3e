"""A person at a back office: plans a tag for some follows, and asks head office; a process.

Prints `asked PLAN` once the request is on the disk, and `sent` or `waits` when sending was tried.
"""

from __future__ import annotations

import random
import sys

from storeops.app import App
from storeops.changes import plans, relations
from storeops.changes.apply import apply
from storeops.domains.tags.tagging import tag_row
from storeops.hub import asking


def main(profile: str, seed: int, most: int) -> None:
    dice = random.Random(seed)
    app = App.open(profile)
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
    if rows:
        plan = plans.make(app.ledger, "tag", rows, title="drill")
        done = apply(app.ledger, plan.name, skip_changed=True)
        print("asked", done.plan.name, flush=True)
        print("waits" if asking.send(app).waiting else "sent", flush=True)
    app.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))

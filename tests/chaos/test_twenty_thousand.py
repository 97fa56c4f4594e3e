"""20,000 follows: the mirror is WeCom's, row for row, before and after what people do there.

The figures of one run are printed (`make chaos ARGS='-k twenty -s'`).
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

from storeops.mirror import timeline
from tests.chaos.truth import compare, facts
from tests.chaos.world import World, make_world, scope

FOLLOWS = 20_000
RANDOM_ACTS = 1500


def test_twenty_thousand_follows(tmp_path: Path) -> None:
    here = make_world(
        tmp_path / "data.db", stores=60, staff=500, follows=FOLLOWS, seed=20, read_s=30.0
    )
    try:
        begun = time.monotonic()
        first = here.sync()
        first_s = time.monotonic() - begun
        assert first.outcome == "complete"
        assert scope(first, "follows").added == FOLLOWS
        equal(here)

        before = facts(here.data)
        begun = time.monotonic()
        second = here.sync()
        second_s = time.monotonic() - begun
        assert second.outcome == "complete"
        assert facts(here.data) == before
        written = here.data.execute("SELECT count(*) FROM timeline").fetchone()[0]

        scripted(here)

        for seed in range(3):
            here.sandbox.control.act("random", count=RANDOM_ACTS // 3, seed=seed)
        assert here.sync().outcome == "complete"
        assert here.sync().outcome == "complete"  # what is missing is lost by now
        equal(here)
        statuses = Counter(row[0] for row in here.data.execute("SELECT status FROM follow"))
        assert {"active", "lost", "unassigned"} <= set(statuses)
        lines = here.data.execute("SELECT count(*) FROM timeline").fetchone()[0] - written
        assert lines >= RANDOM_ACTS / 2
        print(
            f"\nfirst sync {first_s:.1f} s, {scope(first, 'follows').calls} calls for follows;"
            f" second {second_s:.1f} s, no fact written;"
            f" after {RANDOM_ACTS} random acts {dict(statuses)}, {lines} timeline lines, equal"
        )
    finally:
        here.close()


def equal(here: World) -> None:
    found = compare(here.data, here.sandbox.control)
    assert not found, str(found)


def follow(here: World, pair: dict[str, Any]) -> tuple[Any, ...]:
    row = here.data.execute(
        "SELECT f.status, f.remark, f.deleted_by_customer_at FROM follow AS f"
        " JOIN staff AS s ON s.id = f.staff_id JOIN customer AS c ON c.id = f.customer_id"
        " WHERE s.userid = ? AND c.external_userid = ?",
        (pair["userid"], pair["external_userid"]),
    ).fetchone()
    assert row is not None, pair
    return tuple(row)


def scripted(here: World) -> None:
    """An owner comes, one goes, a tag, a remark, a member leaves, a customer deletes."""
    control = here.sandbox.control
    rows = [row for row in control.export("follows") if row["listed"]]
    pairs = [{name: row[name] for name in ("userid", "external_userid")} for row in rows]
    leaver = pairs[0]["userid"]
    others = [pair for pair in pairs if pair["userid"] != leaver]
    gone, tagged, remarked, deleted, shared = others[:5]
    newcomer = next(
        pair["userid"]
        for pair in others
        if not any(
            each["userid"] == pair["userid"]
            and each["external_userid"] == shared["external_userid"]
            for each in pairs
        )
    )
    tag = next(row["tag_id"] for row in control.export("tags") if not row["strategy_id"])
    had = {pair["external_userid"] for pair in pairs if pair["userid"] == leaver}

    added = {"userid": newcomer, "external_userid": shared["external_userid"]}
    control.act("follow_add", **added, remark="新负责人")
    control.act("follow_delete", **gone)
    control.act("tag_mark", **tagged, add=[tag])
    control.act("remark_edit", **remarked, remark="改过的备注")
    control.act("deleted_by_customer", **deleted)
    control.act("staff_leave", userid=leaver)

    assert here.sync().outcome == "complete"
    assert follow(here, gone)[0] == "missing"
    assert here.sync().outcome == "complete"
    equal(here)
    assert follow(here, added)[:2] == ("active", "新负责人")
    assert follow(here, gone)[0] == "lost"
    assert follow(here, remarked)[:2] == ("active", "改过的备注")
    assert follow(here, deleted)[0] == "active"  # WeCom goes on listing it
    kept = here.data.execute(
        "SELECT f.status, count(*) FROM follow AS f JOIN staff AS s ON s.id = f.staff_id"
        " WHERE s.userid = ? GROUP BY 1",
        (leaver,),
    ).fetchall()
    assert [tuple(row) for row in kept] == [("unassigned", len(had))]
    told = timeline.of_customer(here.data, remarked["external_userid"], limit=20)
    assert any("改过的备注" in str(each) for each in told)

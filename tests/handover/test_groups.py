"""Group chats: the right endpoint, failures named, the async way followed to its end."""

from __future__ import annotations

import pytest

from storeops.errors import ConflictError

DAY = 86_400


def _owners(corp):
    staff = {m["userid"] for m in corp.staff()}
    found = {}
    for row in corp.control.export("groups"):
        if row["owner"] in staff:
            found.setdefault(row["owner"], []).append(row["chat_id"])
    return found


def _truth(corp):
    return {row["chat_id"]: row for row in corp.control.export("groups")}


def test_on_the_job_groups_move_at_once(corp):
    owner, chats = next(iter(_owners(corp).items()))
    to_owner = next(m["userid"] for m in corp.staff() if m["userid"] != owner)
    made = corp.hand_over(owner, to=to_owner, customers=False, groups=True)
    assert corp.row_counts(made) == {"done": len(chats)}
    assert {_truth(corp)[chat]["owner"] for chat in chats} == {to_owner}
    mirror = dict(corp.app.data.execute("SELECT chat_id, owner_userid FROM group_chat").fetchall())
    assert {mirror[chat] for chat in chats} == {to_owner}
    assert corp.results(made)[0]["chat_id"] in chats
    assert corp.summary()["refused"] == 0


def test_failures_are_read_from_the_list_of_failures(corp):
    owner, chats = max(_owners(corp).items(), key=lambda item: len(item[1]))
    to_owner = next(m["userid"] for m in corp.staff() if m["userid"] != owner)
    made = corp.plan(owner, to=to_owner, customers=False, groups=True)
    corp.control.act("group_dissolve", chat_id=chats[0])
    corp.apply(made)
    counts = corp.row_counts(made)
    assert counts["failed"] == 1
    assert counts.get("done", 0) == len(chats) - 1
    row = next(r for r in corp.results(made) if r["status"] == "failed")
    assert row["errcode"] == 49008
    assert row["chat_id"] == chats[0]


def test_customers_and_groups_of_a_leaver_in_one_plan(corp):
    owner = next(iter(_owners(corp)))
    to_owner = next(m["userid"] for m in corp.staff() if m["userid"] != owner)
    corp.control.act("staff_leave", userid=owner)
    corp.sync()
    made = corp.hand_over(owner, to=to_owner)
    assert set(corp.row_counts(made)) == {"waiting"}
    assert {each.customers > 0 and each.groups > 0 for each in made.shares} == {True}
    assert corp.plan(owner, to=to_owner).plan.ready == 0, "everything is under way"
    corp.advance(DAY)
    corp.watch()
    corp.watch()
    assert set(corp.row_counts(made)) == {"done"}
    assert owner not in {row["owner"] for row in _truth(corp).values()}
    assert corp.summary()["refused"] == 0


def test_full_groups_and_the_daily_limit_are_named_before(corp):
    owner, chats = max(_owners(corp).items(), key=lambda item: len(item[1]))
    to_owner = next(m["userid"] for m in corp.staff() if m["userid"] != owner)
    made = corp.plan(owner, to=to_owner, customers=False, groups=True)
    assert made.plan.ready == len(chats)
    key = corp.app.data.execute(
        "SELECT id FROM group_chat WHERE chat_id = ?", (chats[0],)
    ).fetchone()[0]
    with corp.app.data.atomic() as connection:
        connection.executemany(
            "INSERT OR IGNORE INTO group_member (group_id, member, type) VALUES (?, ?, 2)",
            [(key, f"wmMember{number:04d}") for number in range(99)],
        )
    made = corp.plan(owner, to=to_owner, customers=False, groups=True)
    assert corp.blocked(made) == {"group_full": 1}


def test_a_group_that_another_plan_is_about_to_move_is_left_alone(corp):
    from storeops.changes import apply as changes

    owner, chats = next(iter(_owners(corp).items()))
    first, second = [m["userid"] for m in corp.staff() if m["userid"] != owner][:2]
    made = corp.plan(owner, to=first, customers=False, groups=True)
    rival = corp.plan(owner, to=second, customers=False, groups=True)
    changes.apply(corp.app.ledger, made.plan.name)
    again = corp.plan(owner, to=second, customers=False, groups=True)
    assert corp.blocked(again) == {"group_running": len(chats)}
    corp.app.worker().run()
    assert corp.row_counts(made) == {"done": len(chats)}
    with pytest.raises(ConflictError, match="changed since"):
        corp.apply(rival)
    assert corp.summary()["refused"] == 0


def test_what_an_answer_said_of_a_group_is_remembered(corp):
    owner, chats = max(_owners(corp).items(), key=lambda item: len(item[1]))
    to_owner = next(m["userid"] for m in corp.staff() if m["userid"] != owner)
    corp.member(owner, last_login=1)
    made = corp.hand_over(owner, to=to_owner, customers=False, groups=True)
    assert {r["errcode"] for r in corp.results(made)} == {90510}
    again = corp.plan(owner, to=to_owner, customers=False, groups=True)
    assert corp.blocked(again) == {"idle": len(chats)}
    corp.member(owner, last_login=int(corp.control.now()))
    corp.control.settings(group_full_members=1)
    made = corp.hand_over(owner, to=to_owner, customers=False, groups=True, recheck=True)
    full = sum(r["errcode"] == 90503 for r in corp.results(made))
    assert full
    corp.control.settings(group_full_members=100)
    again = corp.plan(owner, to=to_owner, customers=False, groups=True)
    assert corp.blocked(again) == {"group_refused": full}
    assert corp.hand_over(owner, to=to_owner, customers=False, groups=True, recheck=True).plan.ready
    assert {row["owner"] for chat, row in _truth(corp).items() if chat in chats} == {to_owner}

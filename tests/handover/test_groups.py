"""Group chats: the right endpoint, failures named, the async way followed to its end."""

from __future__ import annotations

import pytest

from storeops.errors import ConflictError

DAY = 86_400


def _owners(desk):
    staff = {m["userid"] for m in desk.staff()}
    found = {}
    for row in desk.control.export("groups"):
        if row["owner"] in staff:
            found.setdefault(row["owner"], []).append(row["chat_id"])
    return found


def _truth(desk):
    return {row["chat_id"]: row for row in desk.control.export("groups")}


def test_on_the_job_groups_move_at_once(desk):
    owner, chats = next(iter(_owners(desk).items()))
    to_owner = next(m["userid"] for m in desk.staff() if m["userid"] != owner)
    made = desk.hand_over(owner, to=to_owner, customers=False, groups=True)
    assert desk.tally(made) == {"done": len(chats)}
    assert {_truth(desk)[chat]["owner"] for chat in chats} == {to_owner}
    mirror = dict(desk.app.data.execute("SELECT chat_id, owner_userid FROM group_chat").fetchall())
    assert {mirror[chat] for chat in chats} == {to_owner}
    assert desk.results(made)[0]["chat_id"] in chats
    assert desk.summary()["refused"] == 0


def test_failures_are_read_from_the_list_of_failures(desk):
    owner, chats = max(_owners(desk).items(), key=lambda item: len(item[1]))
    to_owner = next(m["userid"] for m in desk.staff() if m["userid"] != owner)
    made = desk.plan(owner, to=to_owner, customers=False, groups=True)
    desk.control.act("group_dissolve", chat_id=chats[0])
    desk.apply(made)
    tally = desk.tally(made)
    assert tally["failed"] == 1
    assert tally.get("done", 0) == len(chats) - 1
    row = next(r for r in desk.results(made) if r["status"] == "failed")
    assert row["errcode"] == 49008
    assert row["chat_id"] == chats[0]


def test_customers_and_groups_of_a_leaver_in_one_plan(desk):
    owner = next(iter(_owners(desk)))
    to_owner = next(m["userid"] for m in desk.staff() if m["userid"] != owner)
    desk.control.act("staff_leave", userid=owner)
    desk.sync()
    made = desk.hand_over(owner, to=to_owner)
    assert set(desk.tally(made)) == {"waiting"}
    assert {each.customers > 0 and each.groups > 0 for each in made.shares} == {True}
    assert desk.plan(owner, to=to_owner).plan.ready == 0, "everything is under way"
    desk.advance(DAY)
    desk.watch()
    desk.watch()
    assert set(desk.tally(made)) == {"done"}
    assert owner not in {row["owner"] for row in _truth(desk).values()}
    assert desk.summary()["refused"] == 0


def test_full_groups_and_the_daily_limit_are_named_before(desk):
    owner, chats = max(_owners(desk).items(), key=lambda item: len(item[1]))
    to_owner = next(m["userid"] for m in desk.staff() if m["userid"] != owner)
    made = desk.plan(owner, to=to_owner, customers=False, groups=True)
    assert made.plan.ready == len(chats)
    key = desk.app.data.execute(
        "SELECT id FROM group_chat WHERE chat_id = ?", (chats[0],)
    ).fetchone()[0]
    with desk.app.data.atomic() as connection:
        connection.executemany(
            "INSERT OR IGNORE INTO group_member (group_id, member, type) VALUES (?, ?, 2)",
            [(key, f"wmMember{number:04d}") for number in range(99)],
        )
    made = desk.plan(owner, to=to_owner, customers=False, groups=True)
    assert desk.blocked(made) == {"group_full": 1}


def test_a_group_that_another_plan_is_about_to_move_is_left_alone(desk):
    from storeops.changes import apply as changes

    owner, chats = next(iter(_owners(desk).items()))
    first, second = [m["userid"] for m in desk.staff() if m["userid"] != owner][:2]
    made = desk.plan(owner, to=first, customers=False, groups=True)
    rival = desk.plan(owner, to=second, customers=False, groups=True)
    changes.apply(desk.app.ledger, made.plan.name)
    again = desk.plan(owner, to=second, customers=False, groups=True)
    assert desk.blocked(again) == {"group_running": len(chats)}
    desk.app.worker().run()
    assert desk.tally(made) == {"done": len(chats)}
    with pytest.raises(ConflictError, match="changed since"):
        desk.apply(rival)
    assert desk.summary()["refused"] == 0


def test_what_an_answer_said_of_a_group_is_remembered(desk):
    owner, chats = max(_owners(desk).items(), key=lambda item: len(item[1]))
    to_owner = next(m["userid"] for m in desk.staff() if m["userid"] != owner)
    desk.member(owner, last_login=1)
    made = desk.hand_over(owner, to=to_owner, customers=False, groups=True)
    assert {r["errcode"] for r in desk.results(made)} == {90510}
    again = desk.plan(owner, to=to_owner, customers=False, groups=True)
    assert desk.blocked(again) == {"idle": len(chats)}
    desk.member(owner, last_login=int(desk.control.now()))
    desk.control.settings(group_full_members=1)
    made = desk.hand_over(owner, to=to_owner, customers=False, groups=True, recheck=True)
    full = sum(r["errcode"] == 90503 for r in desk.results(made))
    assert full
    desk.control.settings(group_full_members=100)
    again = desk.plan(owner, to=to_owner, customers=False, groups=True)
    assert desk.blocked(again) == {"group_refused": full}
    assert desk.hand_over(owner, to=to_owner, customers=False, groups=True, recheck=True).plan.ready
    assert {row["owner"] for chat, row in _truth(desk).items() if chat in chats} == {to_owner}

"""Rows that WeCom would refuse are named before anything is sent."""

from __future__ import annotations

import pytest

from storeops.changes.sheets import Source
from storeops.changes.verify import verify

DAY = 86_400


def _pair(corp):
    from_owner, to_owner = (m["userid"] for m in corp.staff()[:2])
    return from_owner, to_owner


@pytest.mark.parametrize(
    ("condition", "code", "errcode"),
    [
        ({"status": "not_activated"}, "taker_not_activated", 41054),
        ({"status": "disabled"}, "taker_disabled", 40143),
        ({"customer_contact": False}, "taker_no_contact", 84083),
    ],
)
def test_takers_who_cannot_take(corp, condition, code, errcode):
    from_owner, to_owner = _pair(corp)
    corp.member(to_owner, **condition)
    corp.sync()
    made = corp.plan(from_owner, to=to_owner, groups=False)
    assert corp.blocked(made) == {code: made.plan.rows}
    assert corp.results(made)[0]["errcode"] == errcode
    assert corp.results(made)[0]["next_step"]


def test_what_a_taker_answered_once_is_remembered(corp):
    from_owner, to_owner = _pair(corp)
    other = corp.staff()[2]["userid"]
    corp.member(to_owner, real_name=False)
    made = corp.hand_over(from_owner, to=to_owner, groups=False)
    assert corp.row_counts(made) == {"failed": made.plan.rows}
    assert corp.results(made)[0]["errcode"] == 40098
    again = corp.plan(from_owner, to=to_owner, groups=False)
    assert corp.blocked(again) == {"taker_refused": again.plan.rows}
    assert corp.plan(from_owner, to=other, groups=False).plan.blocked == 0
    corp.member(to_owner, real_name=True)
    fresh = corp.hand_over(from_owner, to=to_owner, groups=False, recheck=True)
    assert corp.row_counts(fresh) == {"waiting": fresh.plan.ready}
    assert corp.summary()["foreseeable"] == 0


@pytest.mark.parametrize("where", ["call", "customer"])
def test_one_refused_call_stops_the_next_ones(make_corp, where):
    corp = make_corp(
        stores=1, staff=4, follows=900, handover_taker_errors=where, handover_refuse_rate=0
    )
    from_owner, to_owner = _pair(corp)
    corp.member(to_owner, real_name=False)
    corp.control.reset_calls()
    made = corp.hand_over(from_owner, to=to_owner, groups=False)
    assert made.plan.calls >= 3
    assert corp.calls("transfer_customer") == 1
    counts = corp.row_counts(made)
    assert counts["failed"] == 100
    assert counts["blocked"] == made.plan.ready - 100
    proof = verify(corp.app.data, corp.app.ledger.journal)
    assert not proof.findings, "what was held back is as the journal tells"
    assert corp.summary()["foreseeable"] == 0


def test_a_pair_of_whom_one_is_idle(corp):
    from_owner, to_owner = _pair(corp)
    other = corp.staff()[2]["userid"]
    corp.member(to_owner, last_login=1)
    made = corp.hand_over(from_owner, to=to_owner, groups=False)
    assert {r["errcode"] for r in corp.results(made)} == {40205}
    assert corp.blocked(corp.plan(from_owner, to=to_owner, groups=False)) == {
        "idle": made.plan.rows
    }
    assert corp.plan(from_owner, to=other, groups=False).plan.blocked == 0


def test_under_way_and_twice_in_ninety_days(corp):
    from_owner, to_owner = _pair(corp)
    third = corp.staff()[2]["userid"]
    who = corp.customers(from_owner, without=to_owner)
    first = corp.hand_over(from_owner, to=to_owner, groups=False)
    made = corp.plan(from_owner, to=third, groups=False)
    assert corp.blocked(made) == {"in_handover": made.plan.rows}
    row = corp.app.data.execute(
        "SELECT retry_at, meaning FROM plan_row WHERE plan_id = ? LIMIT 1", (made.plan.id,)
    ).fetchone()
    assert abs(row[0] - corp.control.now() - DAY) < 30
    corp.advance(DAY)
    corp.watch()
    assert corp.row_counts(first) == {"done": first.plan.rows}
    assert corp.hand_over(to_owner, to=third, groups=False).plan.ready
    corp.advance(DAY)
    corp.watch()
    made = corp.plan(third, to=from_owner, groups=False)
    statuses = {
        r[0]: (r[1], r[2])
        for r in corp.app.data.execute(
            "SELECT external_userid, code, retry_at FROM plan_row WHERE plan_id = ?",
            (made.plan.id,),
        )
    }
    twice = [each for each in who if statuses.get(each, ("",))[0] == "ninety_days"]
    assert len(twice) > 5
    frees = statuses[twice[0]][1]
    assert 87 * DAY < frees - corp.control.now() < 90 * DAY
    corp.advance(frees - corp.control.now() + 1)
    for member in (from_owner, third):
        corp.member(member, last_login=corp.control.now())
    made = corp.hand_over(third, to=from_owner, groups=False)
    assert not corp.blocked(made).get("ninety_days")
    assert corp.summary()["refused"] == 0
    corp.compare()


def test_a_full_taker_blocks_and_the_rest_can_be_spread(corp):
    by_store = {}
    for member in corp.staff():
        by_store.setdefault(member["main_department"], []).append(member)
    from_owner, to_owner, *rest = max(by_store.values(), key=len)
    held = to_owner["customers"]
    made = corp.plan(
        from_owner["userid"], to=to_owner["userid"], groups=False,
        capacity_of={to_owner["userid"]: held + 5},
    )  # fmt: skip
    assert corp.blocked(made) == {"taker_full": made.plan.rows - 5 - made.friends}
    offer = next(p for p in made.plan.problems if p["code"] == "rebalance")
    assert any(each["userid"] in offer["message"] for each in rest)
    spread = corp.plan(
        from_owner["userid"], to=to_owner["userid"], groups=False, spread=True,
        capacity_of={to_owner["userid"]: held + 5},
    )  # fmt: skip
    assert spread.plan.blocked == 0
    assert {share.userid for share in spread.shares} > {to_owner["userid"]}
    corp.member(to_owner["userid"], capacity=held + 5)
    corp.apply(spread)
    corp.advance(DAY)
    corp.watch()
    assert corp.row_counts(spread) == {"done": spread.plan.rows}


def test_capacity_that_only_wecom_knew_is_learnt(corp):
    from_owner, to_owner = _pair(corp)
    corp.member(to_owner, capacity=1)
    made = corp.hand_over(from_owner, to=to_owner, groups=False)
    assert corp.row_counts(made)["taker_full"] > 0
    again = corp.plan(from_owner, to=to_owner, groups=False)
    assert corp.blocked(again)["taker_full"] > 0
    assert corp.summary()["foreseeable"] == 0


def test_customers_who_deleted_the_owner_or_went(corp):
    from_owner, to_owner = _pair(corp)
    gone, deleted = corp.customers(from_owner, without=to_owner)[:2]
    made = corp.plan(from_owner, to=to_owner, groups=False)
    corp.control.act("follow_delete", userid=from_owner, external_userid=gone)
    from storeops.mirror import facts

    facts.deleted_by_customer(
        corp.app.data, from_owner, deleted, at=int(corp.control.now()), source="event", ref="e",
        now=int(corp.control.now()),
    )  # fmt: skip
    corp.sync()
    fresh = corp.plan(from_owner, to=to_owner, groups=False)
    codes = dict(
        corp.app.data.execute(
            "SELECT external_userid, code FROM plan_row WHERE plan_id = ?", (fresh.plan.id,)
        ).fetchall()
    )
    assert gone not in codes
    assert codes[deleted] == "deleted_by_customer"
    from storeops.errors import ConflictError

    with pytest.raises(ConflictError, match="changed since"):
        corp.apply(made)
    corp.apply(made, skip_changed=True)
    assert corp.statuses(made)[gone] == "blocked"
    assert corp.summary()["refused"] == 0


def test_a_leaver_past_the_year(corp):
    leaver, to_owner = corp.leavers()[0], corp.staff()[0]["userid"]
    corp.advance(leaver["left_at"] + 366 * DAY - corp.control.now())
    made = corp.plan(leaver["userid"], to=to_owner)
    assert set(corp.blocked(made)) == {"leaver_too_long"}


def test_the_same_person_and_unknown_customers(corp, tmp_path):
    from_owner, to_owner = _pair(corp)
    made = corp.plan(from_owner, to=from_owner, groups=False)
    assert corp.blocked(made) == {"same_person": made.plan.rows}
    foreign = next(
        e for (u, e) in corp.follows() if u == to_owner and (from_owner, e) not in corp.follows()
    )
    file = tmp_path / "f.csv"
    file.write_text(f"external_userid,userid,takeover_userid\n{foreign},{from_owner},{to_owner}\n")
    from storeops.errors import PartialError

    with pytest.raises(PartialError, match="does not follow"):
        corp.plan(file=Source(str(file)))


def test_a_refused_leavers_customer_waits_for_the_list(make_corp):
    """Whether the customer stays in the pool is not promised: only the list knows."""
    corp = make_corp(
        handover_at_once_rate=0, handover_early_rate=0, handover_refuse_rate=0,
        handover_delete_rate=0, resigned_refusal_drops=False,
    )  # fmt: skip
    leaver, to_owner, other = (
        corp.leavers()[0]["userid"], *(m["userid"] for m in corp.staff()[:2])
    )  # fmt: skip
    who = corp.customers(leaver, without=to_owner)[0]
    corp.decide(who, "refuse", 60)
    made = corp.hand_over(leaver, to=to_owner, groups=False)
    corp.advance(DAY)
    corp.watch()
    assert corp.statuses(made)[who] == "refused"
    again = corp.plan(again=made.plan.name, to=other)
    assert corp.blocked(again) == {"refused_before": 1}
    corp.advance(60)
    corp.sync()
    assert corp.plan(again=made.plan.name, to=other).plan.ready == 1


def test_what_a_sync_shows_between_applying_and_sending_is_not_sent(corp):
    from storeops.changes import apply as changes

    from_owner, to_owner = _pair(corp)
    gone = corp.customers(from_owner, without=to_owner)[0]
    made = corp.plan(from_owner, to=to_owner, groups=False)
    changes.apply(corp.app.ledger, made.plan.name)
    corp.control.act("follow_delete", userid=from_owner, external_userid=gone)
    corp.sync()
    corp.sync()
    corp.app.worker().run()
    assert corp.statuses(made)[gone] == "blocked"
    assert corp.summary()["refused"] == 0
    left = corp.plan(to_owner, to=from_owner, groups=False)
    changes.apply(corp.app.ledger, left.plan.name)
    corp.control.act("staff_leave", userid=to_owner)
    corp.sync()
    corp.app.worker().run()
    assert corp.row_counts(left) == {"blocked": left.plan.rows}
    assert corp.summary()["refused"] == 0


def test_forty_thousand_one_hundred_and_twenty_eight_known_and_unknown(make_corp):
    """Our own journal foresees 40128; what another tool moved is answered, and remembered."""
    corp = make_corp(
        handover_at_once_rate=1, handover_early_rate=0, handover_refuse_rate=0,
        handover_delete_rate=0, handover_tags_travel=True,
    )  # fmt: skip
    from_owner, to_owner, third = (m["userid"] for m in corp.staff()[:3])
    ours, theirs = corp.customers(from_owner, without=to_owner)[:2]
    for owner, heir in ((from_owner, to_owner), (to_owner, from_owner)):
        body = {"handover_userid": owner, "takeover_userid": heir, "external_userid": [theirs]}
        corp.control.call("POST", "handover/console", body)
        corp.advance(1)
        corp.sync()
    for owner, heir in ((from_owner, to_owner), (to_owner, from_owner)):
        where = f"id:{ours}"
        assert corp.hand_over(owner, to=heir, where=where).plan.ready == 1
        corp.advance(DAY)
        corp.watch()
    made = corp.hand_over(from_owner, to=third, groups=False)
    by_customer = {r["external_userid"]: r for r in corp.results(made)}
    assert (by_customer[ours]["status"], by_customer[ours]["errcode"]) == ("blocked", 40128)
    assert (by_customer[theirs]["status"], by_customer[theirs]["errcode"]) == ("failed", 40128)
    assert corp.summary()["foreseeable"] == 0
    again = corp.plan(again=made.plan.name, to=third)
    assert corp.blocked(again) == {"ninety_days": 2}

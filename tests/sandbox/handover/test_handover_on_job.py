"""transfer_customer and transfer_result against the rules of doc 92125, 94088, over a socket."""

import pytest

DAY = 86_400


def test_accepted_is_not_done_and_24_hours_make_it_done(api):
    from_owner, to_owner = (m["userid"] for m in api.staff()[:2])
    ids = api.customers(from_owner, other=to_owner)[:3]
    before = api.follow(from_owner, ids[0])
    answer = api.transfer(from_owner, to_owner, ids, transfer_success_msg="再见")
    assert [r["external_userid"] for r in answer["customer"]] == ids
    assert set(api.codes(answer).values()) == {0}
    now = api.control.now()
    waiting = api.results(from_owner, to_owner)
    assert {r["status"] for r in waiting} == {2}
    assert all(abs(r["takeover_time"] - now - DAY) <= 2 for r in waiting)
    assert api.follow(from_owner, ids[0])
    assert api.follow(to_owner, ids[0]) is None
    api.control.advance(DAY + 1)
    done = api.results(from_owner, to_owner)
    assert {r["status"] for r in done} == {1}
    assert {r["takeover_time"] for r in done} == {r["takeover_time"] for r in waiting}
    assert api.follow(from_owner, ids[0]) is None
    after = api.follow(to_owner, ids[0])
    assert after["add_way"] == 202
    assert (after["tag_id"], after["remark"]) == (before["tag_id"], before["remark"])
    seen = api.get("externalcontact/get", external_userid=ids[0])
    assert to_owner in {f["userid"] for f in seen["follow_user"]}
    assert from_owner not in {f["userid"] for f in seen["follow_user"]}


@pytest.mark.parametrize("travels", [True, False])
def test_tags_and_remark_travel_only_when_the_switch_says_so(api, travels):
    api.control.settings(handover_tags_travel=travels, handover_remark_travels=travels)
    from_owner, to_owner = (m["userid"] for m in api.staff()[:2])
    who = next(
        c
        for c in api.customers(from_owner, other=to_owner)
        if (row := api.follow(from_owner, c))["tag_id"] and row["remark"]
    )
    before = api.follow(from_owner, who)
    api.transfer(from_owner, to_owner, [who])
    api.control.advance(DAY)
    after = api.follow(to_owner, who)
    assert (after["tag_id"] == before["tag_id"]) is travels
    assert (after["remark"] == before["remark"]) is travels


def test_each_customer_decides_for_themselves(api):
    from_owner, to_owner = (m["userid"] for m in api.staff()[:2])
    now_, early, late, refuses, deletes = api.customers(from_owner, other=to_owner)[:5]
    api.decide(now_, "accept")
    api.decide(early, "accept", 3 * 3600)
    api.decide(refuses, "refuse", 3600)
    api.decide(deletes, "delete", 7200)
    api.transfer(from_owner, to_owner, [now_, early, late, refuses, deletes])
    asked = api.control.now()

    def status():
        return {r["external_userid"]: r["status"] for r in api.results(from_owner, to_owner)}

    assert status() == {now_: 1, early: 2, late: 2, refuses: 2, deletes: 2}
    api.control.advance(4 * 3600)
    assert status() == {now_: 1, early: 1, late: 2, refuses: 3, deletes: 3}
    rows = {r["external_userid"]: r for r in api.results(from_owner, to_owner)}
    assert abs(rows[early]["takeover_time"] - asked - 3 * 3600) <= 2
    assert rows[refuses]["takeover_time"] == 0
    assert api.follow(from_owner, refuses), "who refuses on the job stays with the former owner"
    assert api.follow(from_owner, deletes)["deleted_by_customer_at"]
    api.control.advance(DAY)
    assert status() == {now_: 1, early: 1, late: 1, refuses: 3, deletes: 3}


def test_events_tell_what_happened(api):
    from_owner, to_owner = (m["userid"] for m in api.staff()[:2])
    agrees, refuses = api.customers(from_owner, other=to_owner)[:2]
    api.decide(refuses, "refuse", 3600)
    before = len(api.control.events())
    api.transfer(from_owner, to_owner, [agrees, refuses])
    assert len(api.control.events()) == before, "our own writes fire nothing"
    asked = api.control.now()
    api.control.advance(2 * DAY)
    events = api.control.events()[before:]
    fails = [e for e in events if e["change_type"] == "transfer_fail"]
    assert [(e["FailReason"], e["UserID"], e["ExternalUserID"]) for e in fails] == [
        ("customer_refused", to_owner, refuses)
    ]
    assert abs(fails[0]["create_time"] - asked - 3600) <= 2
    assert [
        (e["UserID"], e["Source"]) for e in events if e["change_type"] == "del_external_contact"
    ] == [(from_owner, "DELETE_BY_TRANSFER")]
    assert [
        (e["UserID"], e["ExternalUserID"])
        for e in events
        if e["change_type"] == "add_external_contact"
    ] == [(to_owner, agrees)]


def test_no_add_event_when_the_successor_is_a_friend_or_a_former_owner(api):
    rows = api.export("follows")
    holders = {}
    staff = {m["userid"] for m in api.staff()}
    for row in rows:
        if row["userid"] in staff and not row["deleted_by_customer_at"]:
            holders.setdefault(row["external_userid"], []).append(row["userid"])
    friend, (from_owner, to_owner) = next((c, h[:2]) for c, h in holders.items() if len(h) > 1)
    before = len(api.control.events())
    kept = api.follow(to_owner, friend)
    api.transfer(from_owner, to_owner, [friend])
    api.control.advance(DAY)
    assert api.results(from_owner, to_owner)[0]["status"] == 1
    assert api.follow(from_owner, friend) is None
    assert api.follow(to_owner, friend) == kept, "an old friendship keeps its own remark and tags"
    back = api.customers(to_owner, other=from_owner)[0]
    api.transfer(to_owner, from_owner, [back])
    api.control.advance(DAY)
    api.transfer(from_owner, to_owner, [back])
    api.control.advance(DAY)
    adds = [
        (e["UserID"], e["ExternalUserID"])
        for e in api.control.events()[before:]
        if e["change_type"] == "add_external_contact"
    ]
    assert adds == [(from_owner, back)]


def test_a_running_handover_cannot_be_started_again(api):
    from_owner, to_owner, other = (m["userid"] for m in api.staff()[:3])
    who = api.customers(from_owner, other=to_owner)[0]
    assert api.codes(api.transfer(from_owner, to_owner, [who, who])) == {who: 40100}
    assert api.codes(api.transfer(from_owner, other, [who])) == {who: 40100}
    api.control.settings(handover_running_errcode=40129)
    assert api.codes(api.transfer(from_owner, other, [who])) == {who: 40129}
    api.control.advance(DAY)
    assert api.codes(api.transfer(from_owner, other, [who])) == {who: 84061}
    assert api.codes(api.transfer(to_owner, other, [who])) == {who: 0}


def test_twice_in_ninety_natural_days(api):
    a, b, c = (m["userid"] for m in api.staff()[:3])
    who = next(x for x in api.customers(a, other=b) if api.follow(c, x) is None)
    assert api.codes(api.transfer(a, b, [who])) == {who: 0}
    first = api.control.now()
    api.control.advance(DAY)
    assert api.codes(api.transfer(b, c, [who])) == {who: 0}
    api.control.advance(DAY)
    assert api.codes(api.transfer(c, a, [who])) == {who: 40128}
    midnight = (first + 8 * 3600) // DAY * DAY - 8 * 3600
    api.control.advance(midnight + 90 * DAY - api.control.now() - 30)
    assert api.codes(api.transfer(c, a, [who])) == {who: 40128}, "the last second of day 90"
    api.control.advance(60)
    assert api.codes(api.transfer(c, a, [who])) == {who: 0}


def test_only_done_ones_count_when_the_switch_says_so(api):
    a, b = (m["userid"] for m in api.staff()[:2])
    who = api.customers(a, other=b)[0]
    api.control.settings(handover_repeat_counts="done")
    api.decide(who, "refuse")
    for _ in range(3):
        assert api.codes(api.transfer(a, b, [who])) == {who: 0}
    api.control.settings(handover_repeat_counts="accepted")
    assert api.codes(api.transfer(a, b, [who])) == {who: 40128}


def test_a_full_successor_shows_at_the_request_and_later(api):
    from_owner, to_owner = (m["userid"] for m in api.staff()[:2])
    ids = api.customers(from_owner, other=to_owner)[:4]
    held = next(m["customers"] for m in api.staff() if m["userid"] == to_owner)
    api.member(to_owner, capacity=held + 1)
    assert set(api.codes(api.transfer(from_owner, to_owner, ids[:3])).values()) == {0}
    api.control.advance(DAY)
    status = sorted(r["status"] for r in api.results(from_owner, to_owner))
    assert status == [1, 4, 4]
    fails = [e["FailReason"] for e in api.control.events() if e["change_type"] == "transfer_fail"]
    assert fails == ["customer_limit_exceed"] * 2
    assert api.codes(api.transfer(from_owner, to_owner, ids[3:])) == {ids[3]: 40099}


@pytest.mark.parametrize(
    ("condition", "errcode"),
    [
        ({"status": "not_activated"}, 41054),
        ({"status": "disabled"}, 40143),
        ({"customer_contact": False}, 84083),
        ({"real_name": False}, 40098),
        ({"last_login": 1}, 40205),
    ],
)
@pytest.mark.parametrize("where", ["call", "customer"])
def test_who_may_take_over(api, condition, errcode, where):
    api.control.settings(handover_taker_errors=where)
    from_owner, to_owner = (m["userid"] for m in api.staff()[:2])
    who = api.customers(from_owner, other=to_owner)[0]
    api.member(to_owner, **condition)
    answer = api.transfer(from_owner, to_owner, [who])
    if where == "call":
        assert answer["errcode"] == errcode
        assert "customer" not in answer
    else:
        assert api.codes(answer) == {who: errcode}


def test_whole_call_refusals(api):
    from_owner, to_owner = (m["userid"] for m in api.staff()[:2])
    gone = api.leavers()[0]["userid"]
    who = api.customers(from_owner, other=to_owner)[:1]
    assert api.transfer(from_owner, to_owner, [])["errcode"] == 41035
    assert api.transfer(from_owner, to_owner, who * 101)["errcode"] == 40058
    assert api.transfer(from_owner, "", who)["errcode"] == 41009
    assert api.transfer(from_owner, from_owner, who)["errcode"] == 40130
    assert api.transfer(from_owner, "nobody", who)["errcode"] == 60111
    assert api.transfer(gone, to_owner, who)["errcode"] == 60111
    long = api.transfer(from_owner, to_owner, who, transfer_success_msg="长" * 201)
    assert long["errcode"] == 40058
    assert api.transfer(from_owner, to_owner, who, transfer_success_msg="长" * 200)["errcode"] == 0


def test_codes_of_single_customers(api):
    from_owner, to_owner = (m["userid"] for m in api.staff()[:2])
    mine = api.customers(from_owner, other=to_owner)[0]
    foreign = next(c for c in api.customers(to_owner) if api.follow(from_owner, c) is None)
    codes = api.codes(api.transfer(from_owner, to_owner, [mine, foreign, "wm-no-such-customer"]))
    assert codes == {mine: 0, foreign: 40131, "wm-no-such-customer": 40096}


def test_result_of_a_pair_that_never_was(api):
    from_owner, to_owner = (m["userid"] for m in api.staff()[:2])
    assert api.results(from_owner, to_owner) == []
    api.control.settings(handover_unknown_pair_errcode=40058)
    answer = api.post("transfer_result", handover_userid=from_owner, takeover_userid=to_owner)
    assert answer["errcode"] == 40058


def test_a_row_for_each_attempt_or_only_the_newest(api):
    from_owner, to_owner = (m["userid"] for m in api.staff()[:2])
    who = api.customers(from_owner, other=to_owner)[0]
    api.decide(who, "refuse")
    api.transfer(from_owner, to_owner, [who])
    api.decide(who, "wait")
    api.transfer(from_owner, to_owner, [who])
    assert [r["status"] for r in api.results(from_owner, to_owner)] == [2, 3]
    api.control.settings(handover_result_order="oldest")
    assert [r["status"] for r in api.results(from_owner, to_owner)] == [3, 2]
    api.control.settings(handover_result_rows="newest")
    assert [r["status"] for r in api.results(from_owner, to_owner)] == [2]


def test_results_lag_behind(api):
    api.control.settings(handover_result_lag_s=30, handover_settle_lag_s=600)
    from_owner, to_owner = (m["userid"] for m in api.staff()[:2])
    who = api.customers(from_owner, other=to_owner)[0]
    api.transfer(from_owner, to_owner, [who])
    assert api.results(from_owner, to_owner) == []
    api.control.advance(31)
    assert api.results(from_owner, to_owner)[0]["status"] == 2
    api.control.advance(DAY)
    assert api.results(from_owner, to_owner)[0]["status"] == 2
    api.control.advance(600)
    assert api.results(from_owner, to_owner)[0]["status"] == 1


@pytest.mark.parametrize(("told", "rows"), [(5, [5]), (3, [3]), (0, [])])
def test_a_relation_that_goes_meanwhile(api, told, rows):
    api.control.settings(handover_broken_status=told)
    from_owner, to_owner = (m["userid"] for m in api.staff()[:2])
    who = api.customers(from_owner, other=to_owner)[0]
    api.transfer(from_owner, to_owner, [who])
    api.control.act("follow_delete", userid=from_owner, external_userid=who)
    api.control.advance(DAY)
    assert [r["status"] for r in api.results(from_owner, to_owner)] == rows
    assert api.export("handovers")[0]["outcome"] == "broken"


def test_the_old_calls_still_answer(api):
    from_owner, to_owner = (m["userid"] for m in api.staff()[:2])
    who = api.customers(from_owner, other=to_owner)[0]
    one = {"handover_userid": from_owner, "takeover_userid": to_owner, "external_userid": who}
    assert api.post("get_transfer_result", **one)["status"] == 5
    assert api.post("transfer", **one)["errcode"] == 0
    assert api.post("transfer", **one)["errcode"] == 40100
    assert api.post("get_transfer_result", **one)["status"] == 2
    api.control.advance(DAY)
    assert api.post("get_transfer_result", **one)["status"] == 1


def test_wills_are_the_same_for_the_same_seed(start):
    outcomes = []
    for _ in range(2):
        api = start(handover_refuse_rate=0.2, handover_delete_rate=0.1, start_at=1_790_000_000)
        from_owner, to_owner = (m["userid"] for m in api.staff()[:2])
        api.transfer(from_owner, to_owner, api.customers(from_owner, other=to_owner)[:60])
        api.control.advance(DAY + 5)
        outcomes.append(
            [(r["external_userid"], r["outcome"], r["reason"]) for r in api.export("handovers")]
        )
    assert outcomes[0] == outcomes[1]
    assert len({outcome for _, outcome, _ in outcomes[0]}) > 1


def test_a_saved_state_keeps_what_is_under_way(api):
    from_owner, to_owner, other = (m["userid"] for m in api.staff()[:3])
    first, second = api.customers(from_owner, other=to_owner)[:2]
    api.decide(second, "refuse", 3600)
    api.transfer(from_owner, to_owner, [first, second])
    state = api.control.saved()
    api.control.reset(seed=12)
    api.control.load(state)
    api.token = api._fetch()
    assert api.codes(api.transfer(from_owner, other, [first])) == {first: 40100}
    api.control.advance(DAY + 5)
    status = {r["external_userid"]: r["status"] for r in api.results(from_owner, to_owner)}
    assert status == {first: 1, second: 3}

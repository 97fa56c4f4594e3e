"""resigned/transfer_customer and its result against doc 94081, 94082, over a socket."""

DAY = 86_400


def _pair(api, index=0):
    return api.leavers()[index]["userid"], api.staff()[0]["userid"]


def test_a_leavers_customers_move_and_leave_the_pool(api):
    leaver, to_owner = _pair(api)
    ids = api.customers(leaver, other=to_owner)[:3]
    assert set(api.codes(api.transfer(leaver, to_owner, ids, resigned=True)).values()) == {0}
    assert {r["status"] for r in api.results(leaver, to_owner, resigned=True)} == {2}
    assert api.results(leaver, to_owner) == [], "the on-the-job result knows nothing of it"
    api.control.advance(DAY)
    assert {r["status"] for r in api.results(leaver, to_owner, resigned=True)} == {1}
    pool = {
        (r["handover_userid"], r["external_userid"])
        for r in api.post("get_unassigned_list", page_size=1000)["info"]
    }
    assert not pool & {(leaver, c) for c in ids}
    assert all(api.follow(to_owner, c)["add_way"] == 202 for c in ids)


def test_the_wrong_endpoint_is_refused(api):
    from_owner, to_owner = (m["userid"] for m in api.staff()[:2])
    answer = api.transfer(from_owner, to_owner, api.customers(from_owner)[:1], resigned=True)
    assert answer["errcode"] == 40097


def test_a_year_after_leaving_it_is_over(api):
    to_owner, leaver = api.staff()[0]["userid"], api.leavers()[0]
    first, second = api.customers(leaver["userid"], other=to_owner)[:2]
    api.control.advance(leaver["left_at"] + 365 * DAY - api.control.now() - 30)
    api.member(to_owner, last_login=api.control.now())
    assert api.transfer(leaver["userid"], to_owner, [first], resigned=True)["errcode"] == 0
    api.control.advance(60)
    assert api.transfer(leaver["userid"], to_owner, [second], resigned=True)["errcode"] == 40205


def test_ninety_days_do_not_bind_leavers(api):
    leaver, to_owner = _pair(api)
    who = api.customers(leaver, other=to_owner)[0]
    api.control.settings(resigned_refusal_drops=False)
    api.decide(who, "refuse")
    for _ in range(3):
        assert api.codes(api.transfer(leaver, to_owner, [who], resigned=True)) == {who: 0}


def test_refusing_a_leaver_can_be_impossible_or_final(api):
    leaver, to_owner = _pair(api)
    first, second = api.customers(leaver, other=to_owner)[:2]
    api.decide(first, "refuse", 60)
    api.decide(second, "refuse", 60)
    api.transfer(leaver, to_owner, [first], resigned=True)
    api.control.advance(120)
    assert api.results(leaver, to_owner, resigned=True)[0]["status"] == 3
    assert api.follow(leaver, first) is None, "dropped from the pool"
    api.control.settings(resigned_can_refuse=False)
    api.transfer(leaver, to_owner, [second], resigned=True)
    api.control.advance(DAY)
    status = {
        r["external_userid"]: r["status"] for r in api.results(leaver, to_owner, resigned=True)
    }
    assert status == {first: 3, second: 1}


def test_there_is_no_status_5_after_leaving(api):
    leaver, to_owner = _pair(api)
    who = api.customers(leaver, other=to_owner)[0]
    api.transfer(leaver, to_owner, [who], resigned=True)
    api.control.act("staff_leave", userid=to_owner)
    api.control.advance(DAY)
    assert [r["status"] for r in api.results(leaver, to_owner, resigned=True)] == [3]


def test_a_farewell_message_is_ignored_or_refused(api):
    leaver, to_owner = _pair(api)
    ids = api.customers(leaver, other=to_owner)[:2]
    words = {"transfer_success_msg": "再见"}
    assert api.transfer(leaver, to_owner, ids[:1], resigned=True, **words)["errcode"] == 0
    api.control.settings(resigned_message_errcode=40058)
    assert api.transfer(leaver, to_owner, ids[1:], resigned=True, **words)["errcode"] == 40058


def test_results_come_in_pages_of_1000(start):
    api = start(follows=4000, staff=4, stores=2, handover_at_once_rate=0, handover_early_rate=0)
    from_owner, to_owner = (m["userid"] for m in api.staff()[:2])
    ids = api.customers(from_owner, other=to_owner)
    assert len(ids) > 1050
    for at in range(0, 1050, 100):
        assert api.transfer(from_owner, to_owner, ids[at : at + 100])["errcode"] == 0
    rows = api.results(from_owner, to_owner)
    assert api.pages == 2
    assert len({r["external_userid"] for r in rows}) == len(rows) == 1100

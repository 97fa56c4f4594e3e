"""The sandbox knows which refusals a caller could have foreseen."""

DAY = 86_400


def test_what_the_api_shows_is_foreseeable(api):
    giver, taker = (m["userid"] for m in api.staff()[:2])
    foreign = next(c for c in api.customers(taker) if api.follow(giver, c) is None)
    api.transfer(giver, taker, [foreign, "wm-no-such-customer"])
    api.transfer(giver, giver, [foreign])
    told = api.summary()
    assert told["refused"] == told["foreseeable"] == 3
    assert told["foreseeable_by_errcode"] == {"40096": 1, "40130": 1, "40131": 1}


def test_what_nobody_can_read_is_foreseeable_only_the_second_time(api):
    giver, taker = (m["userid"] for m in api.staff()[:2])
    ids = api.customers(giver, other=taker)[:2]
    api.member(taker, real_name=False)
    api.transfer(giver, taker, ids[:1])
    assert api.summary()["foreseeable"] == 0
    api.transfer(giver, taker, ids[1:])
    assert api.summary()["foreseeable_by_errcode"] == {"40098": 1}


def test_a_small_capacity_is_foreseeable_once_told(api):
    giver, taker = (m["userid"] for m in api.staff()[:2])
    ids = api.customers(giver, other=taker)[:3]
    api.member(taker, capacity=1)
    api.transfer(giver, taker, ids[:2])
    assert api.summary()["refused_by_errcode"] == {"40099": 2}
    assert api.summary()["foreseeable"] == 0, "all in one call: nobody could know"
    api.transfer(giver, taker, ids[2:])
    assert api.summary()["foreseeable_by_errcode"] == {"40099": 1}


def test_handovers_made_in_the_console_surprise_everybody(api):
    giver, taker, other = (m["userid"] for m in api.staff()[:3])
    first, second = api.customers(giver, other=taker)[:2]
    api.control.call(
        "POST",
        "handover/console",
        {"handover_userid": giver, "takeover_userid": taker, "external_userid": [first]},
    )
    api.transfer(giver, other, [first])
    assert api.summary()["foreseeable"] == 0
    api.transfer(giver, taker, [second])
    api.transfer(giver, other, [second])
    assert api.summary()["foreseeable_by_errcode"] == {"40100": 1}
    assert [r["by"] for r in api.export("handovers")] == ["console", "api"]


def test_counting_starts_anew_on_reset(api):
    giver = api.staff()[0]["userid"]
    api.transfer(giver, giver, api.customers(giver)[:1])
    assert api.control.call("POST", "handover/reset")["refused"] == 0

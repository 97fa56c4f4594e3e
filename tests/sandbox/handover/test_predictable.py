"""The sandbox knows which refusals a caller could have foreseen."""

DAY = 86_400


def test_what_the_api_shows_is_foreseeable(api):
    from_owner, to_owner = (m["userid"] for m in api.staff()[:2])
    foreign = next(c for c in api.customers(to_owner) if api.follow(from_owner, c) is None)
    api.transfer(from_owner, to_owner, [foreign, "wm-no-such-customer"])
    api.transfer(from_owner, from_owner, [foreign])
    told = api.summary()
    assert told["refused"] == told["foreseeable"] == 3
    assert told["foreseeable_by_errcode"] == {"40096": 1, "40130": 1, "40131": 1}


def test_what_nobody_can_read_is_foreseeable_only_the_second_time(api):
    from_owner, to_owner = (m["userid"] for m in api.staff()[:2])
    ids = api.customers(from_owner, other=to_owner)[:2]
    api.member(to_owner, real_name=False)
    api.transfer(from_owner, to_owner, ids[:1])
    assert api.summary()["foreseeable"] == 0
    api.transfer(from_owner, to_owner, ids[1:])
    assert api.summary()["foreseeable_by_errcode"] == {"40098": 1}


def test_a_small_capacity_is_foreseeable_once_told(api):
    from_owner, to_owner = (m["userid"] for m in api.staff()[:2])
    ids = api.customers(from_owner, other=to_owner)[:3]
    api.member(to_owner, capacity=1)
    api.transfer(from_owner, to_owner, ids[:2])
    assert api.summary()["refused_by_errcode"] == {"40099": 2}
    assert api.summary()["foreseeable"] == 0, "all in one call: nobody could know"
    api.transfer(from_owner, to_owner, ids[2:])
    assert api.summary()["foreseeable_by_errcode"] == {"40099": 1}


def test_handovers_made_in_the_console_surprise_everybody(api):
    from_owner, to_owner, other = (m["userid"] for m in api.staff()[:3])
    first, second = api.customers(from_owner, other=to_owner)[:2]
    api.control.call(
        "POST",
        "handover/console",
        {"handover_userid": from_owner, "takeover_userid": to_owner, "external_userid": [first]},
    )
    api.transfer(from_owner, other, [first])
    assert api.summary()["foreseeable"] == 0
    api.transfer(from_owner, to_owner, [second])
    api.transfer(from_owner, other, [second])
    assert api.summary()["foreseeable_by_errcode"] == {"40100": 1}
    assert [r["by"] for r in api.export("handovers")] == ["console", "api"]


def test_counting_starts_anew_on_reset(api):
    from_owner = api.staff()[0]["userid"]
    api.transfer(from_owner, from_owner, api.customers(from_owner)[:1])
    assert api.control.call("POST", "handover/reset")["refused"] == 0

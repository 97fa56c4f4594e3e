"""Userids that change, people who come back, customers assigned in the console."""

import pytest

from storeops.sandbox.local import ControlError


def _leaver(api, owner="g00003"):
    """A member with customers, who has left: (userid, external_userids)."""
    mine = [r["external_userid"] for r in api.follows(userid=owner)]
    api.control.act("staff_leave", userid=owner)
    return owner, mine


def _unassigned(api, userid):
    rows = api.rows("externalcontact/get_unassigned_list", "info", {})
    return {r["external_userid"] for r in rows if r["handover_userid"] == userid}


@pytest.mark.parametrize("by", ["api", "admin"])
def test_a_userid_changes_once_and_everything_goes_with_it(api, sync, by):
    before = api.follows(userid="g00001")
    sync.post("tag/create", {"tagname": "t", "tagid": 9})
    sync.post("tag/addtagusers", {"tagid": 9, "userlist": ["g00001"]})
    range_ = {"strategy_name": "s", "admin_list": ["g00001"]}
    made = api.ext(
        "customer_strategy/create", {**range_, "range": [{"type": 1, "userid": "g00001"}]}
    )
    api.control.act("scope_hide", userid="g00001")

    if by == "api":
        body = {"userid": "g00001", "new_userid": "anna"}
        assert sync.post("user/update", body)["errmsg"] == "updated"
        assert api.control.events() == []
    else:
        done = api.control.act("userid_change", userid="g00001", new_userid="anna")
        assert done["new_userid"] == "anna"
        event = api.control.events()[-1]
        assert (event["change_type"], event["userid"], event["NewUserID"]) == (
            "update_user",
            "g00001",
            "anna",
        )
    assert api.get("user/get", userid="anna")["errcode"] == 60011  # still hidden
    api.control.act("scope_show", userid="anna")
    assert api.get("user/get", userid="anna")["errcode"] == 0
    assert api.get("user/get", userid="g00001")["errcode"] == 60111
    assert str(api.follows(userid="anna")).replace("anna", "g00001") == str(before)
    assert _unassigned(api, "g00001") == set()
    assert [u["userid"] for u in sync.get("tag/get", tagid=9)["userlist"]] == ["anna"]
    number = {"strategy_id": made["strategy_id"]}
    assert api.ext("customer_strategy/get_range", number)["range"] == [
        {"type": 1, "userid": "anna"}
    ]
    assert api.ext("customer_strategy/get", number)["strategy"]["admin_list"] == ["anna"]
    staff = api.export("staff")
    assert not any("g00001" in (row["userid"], *row["direct_leader"]) for row in staff)
    departments = api.get("department/list")["department"]
    assert not any("g00001" in d["department_leader"] for d in departments)

    assert sync.post("user/update", {"userid": "anna", "new_userid": "b"})["errcode"] == 40058
    with pytest.raises(ControlError, match="once"):
        api.control.act("userid_change", userid="anna", new_userid="b")
    api.control.settings(userid_changes=2)
    assert sync.post("user/update", {"userid": "anna", "new_userid": "b"})["errcode"] == 0


def test_a_change_of_case_alone_is_a_change(api, sync):
    body = {"userid": "g00001", "new_userid": "G00001"}
    assert sync.post("user/update", body)["errmsg"] == "updated"
    assert api.get("user/get", userid="g00001")["userid"] == "G00001"


def test_whose_userid_cannot_change(api):
    for new in ("g00002", "no spaces", ""):
        with pytest.raises(ControlError):
            api.control.act("userid_change", userid="g00001", new_userid=new)


def test_customers_assigned_in_the_console_leave_the_list(api):
    leaver, mine = _leaver(api)
    done = api.control.act("console_assign", userid=leaver, takeover_userid="g00001", count=2)
    assert len(done["external_userids"]) == 2
    assert _unassigned(api, leaver) == set(mine) - set(done["external_userids"])
    for who in done["external_userids"]:
        row = api.follows(userid="g00001", external_userid=who)[0]
        assert row["add_way"] == 202
    rest = api.control.act("console_assign", userid=leaver)
    assert rest["handover_userid"] == leaver
    assert _unassigned(api, leaver) == set()
    attempts = [r for r in api.export("handovers") if r["handover_userid"] == leaver]
    assert {r["by"] for r in attempts} == {"console"}
    with pytest.raises(ControlError, match="nobody"):
        api.control.act("console_assign", userid=leaver)


def test_who_deleted_the_leaver_is_lost_at_the_assignment(api):
    owner = api.follows()[0]
    api.control.act("deleted_by_customer", **{k: owner[k] for k in ("userid", "external_userid")})
    api.control.act("staff_leave", userid=owner["userid"])
    done = api.control.act("console_assign", userid=owner["userid"])
    assert owner["external_userid"] not in done["external_userids"]
    assert done["refused"] == [owner["external_userid"]]
    assert _unassigned(api, owner["userid"]) == set()


def test_somebody_comes_back_to_their_customers(api):
    owner = next(g["owner"] for g in api.export("groups") if g["status"] == 0)
    groups = [g for g in api.export("groups") if g["owner"] == owner]
    leaver, mine = _leaver(api, owner)
    done = api.control.act("staff_return", userid=leaver)
    assert done["customers"] == len(mine)
    assert _unassigned(api, leaver) == set()
    listed = api.get("externalcontact/list", userid=leaver)["external_userid"]
    assert sorted(listed) == sorted(mine)
    assert api.control.events()[-1]["change_type"] == "create_user"
    assert [g for g in api.export("groups") if g["owner"] == leaver] == groups


def test_somebody_comes_back_as_a_stranger(api):
    leaver, mine = _leaver(api)
    done = api.control.act("staff_return", userid=leaver, customers=False)
    assert done["customers"] == 0
    assert api.get("user/get", userid=leaver)["errcode"] == 0
    assert api.get("externalcontact/list", userid=leaver)["errcode"] == 84061
    assert _unassigned(api, leaver) == set(mine)
    done = api.control.act("console_assign", userid=leaver, takeover_userid=leaver)
    assert sorted(done["external_userids"]) == sorted(mine)
    assert _unassigned(api, leaver) == set()
    with pytest.raises(ControlError, match="not left"):
        api.control.act("staff_return", userid=leaver)


def test_who_hides_and_shows_keeps_everything(api):
    mine = api.follows(userid="g00001")
    api.control.act("scope_hide", userid="g00001")
    assert api.get("externalcontact/list", userid="g00001")["errcode"] in (60011, 60111)
    api.control.act("scope_show", userid="g00001")
    assert api.follows(userid="g00001") == mine
    assert len(api.get("externalcontact/list", userid="g00001")["external_userid"]) == len(mine)

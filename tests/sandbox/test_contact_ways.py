"""Contact ways (doc 92228): made, shown, listed, changed, deleted, and scanned by customers."""

import pytest

MULTI, QR = {"type": 2, "scene": 2}, {"scene": 2}
DAY = 86_400


def _add(api, **fields):
    return api.ext("add_contact_way", {**MULTI, "user": ["g00001"], **fields})


def _get(api, config_id):
    return api.ext("get_contact_way", {"config_id": config_id})["contact_way"]


def test_a_way_lives_and_dies(api):
    made = _add(
        api, user=["g00001", "G00002"], state="store_sz_012", remark="橱窗", skip_verify=False
    )
    assert made["errcode"] == 0
    assert made["qr_code"].startswith("https://")
    way = _get(api, made["config_id"])
    assert way == {
        "config_id": made["config_id"], "type": 2, "scene": 2, "remark": "橱窗",
        "skip_verify": False, "state": "store_sz_012", "qr_code": made["qr_code"],
        "user": ["g00001", "g00002"], "party": [], "is_exclusive": False, "is_temp": False,
    }  # fmt: skip
    change = {"config_id": made["config_id"], "user": ["g00003"], "remark": "", "type": 1}
    assert api.ext("update_contact_way", change)["errcode"] == 0
    changed = _get(api, made["config_id"])
    assert (changed["user"], changed["remark"], changed["type"]) == (["g00003"], "", 2)
    assert (changed["state"], changed["skip_verify"]) == ("store_sz_012", False)
    assert api.ext("del_contact_way", {"config_id": made["config_id"]})["errcode"] == 0
    for path in ("get_contact_way", "update_contact_way", "del_contact_way"):
        assert api.ext(path, {"config_id": made["config_id"]})["errcode"] == 41044
        assert api.ext(path)["errcode"] == 41043


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({**QR, "user": ["g00001"]}, 41037),
        ({**QR, "type": 3, "user": ["g00001"]}, 41039),
        ({"type": 2, "user": ["g00001"]}, 41038),
        ({"type": 2, "scene": 9, "user": ["g00001"]}, 41040),
        ({"type": 2, "scene": 1, "style": 7, "user": ["g00001"]}, 41042),
        ({**MULTI}, 40058),
        ({**QR, "type": 1, "user": ["g00001", "g00002"]}, 40058),
        ({**QR, "type": 1, "user": ["g00001"], "party": [2]}, 40058),
        ({**MULTI, "user": ["nobody"]}, 60111),
        ({**MULTI, "user": ["u_office"]}, 41054),  # no customer contact
        ({**MULTI, "party": [99_999]}, 60123),
        ({**MULTI, "user": ["g00001"], "state": "x" * 31}, 40058),
        ({**MULTI, "user": ["g00001"], "remark": "花" * 31}, 40058),
        ({**MULTI, "user": ["g00001"], "is_temp": True}, 48001),
    ],
)  # fmt: skip
def test_what_is_refused(api, body, errcode):
    before = api.export("contact_ways")
    assert api.ext("add_contact_way", body)["errcode"] == errcode
    assert api.export("contact_ways") == before


def test_limits_of_reach_and_number(api):
    api.control.reset(stores=1, staff=140, follows=0, seed=7)
    api.forget_token()
    shop = next(d["id"] for d in api.export("departments") if "店" in d["name"])
    assert api.ext("add_contact_way", {**MULTI, "party": [shop]})["errcode"] == 41041
    api.control.settings(contact_way_cap=len(api.export("contact_ways")))
    assert _add(api)["errcode"] == 41045


def test_the_list_shows_ids_of_a_span_page_by_page(api):
    first = [each["config_id"] for each in api.export("contact_ways")]
    made = [_add(api, state=f"s{n}")["config_id"] for n in range(5)]
    recent = api.rows("externalcontact/list_contact_way", "contact_way", {"limit": 2})
    assert [each["config_id"] for each in recent] == made  # the others are older than 90 days
    every = api.rows(
        "externalcontact/list_contact_way", "contact_way", {"limit": 3, "start_time": 1_625_846_400}
    )
    assert [each["config_id"] for each in every] == first + made
    assert api.ext("list_contact_way", {"limit": 1001})["errcode"] == 40058
    assert api.ext("list_contact_way", {"start_time": 9, "end_time": 8})["errcode"] == 600018


def test_a_customer_scans_and_the_state_comes_along(api):
    made = _add(api, user=["g00001", "g00002"], state="bag-card")["config_id"]
    who = api.control.act("scan", config_id=made)
    follow = next(r for r in api.follows(external_userid=who["external_userid"]))
    assert (follow["state"], follow["add_way"]) == ("bag-card", 1)
    assert follow["userid"] in ("g00001", "g00002")
    assert api.control.events()[-1]["state"] == "bag-card"
    api.control.act("staff_leave", userid=follow["userid"])
    again = {api.control.act("scan", config_id=made, seed=n)["userid"] for n in range(5)}
    assert again == {"g00001", "g00002"} - {follow["userid"]}
    assert follow["userid"] in _get(api, made)["user"]
    api.control.settings(contact_way_leavers="dropped")
    assert _get(api, made)["user"] == sorted(again)


def test_ways_are_part_of_a_saved_state_and_follow_a_userid(api):
    made = _add(api, state="kept")["config_id"]
    api.control.act("userid_change", userid="g00001", new_userid="lin.hong")
    state = api.control.saved()
    before = api.export("contact_ways")
    assert next(w for w in before if w["config_id"] == made)["user"] == ["lin.hong"]
    api.ext("del_contact_way", {"config_id": made})
    api.control.load(state)
    assert api.export("contact_ways") == before

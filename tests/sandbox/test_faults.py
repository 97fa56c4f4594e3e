"""Faults on demand."""

import http.client
import json
import threading
import time

import pytest

from storeops.sandbox.local import ControlError

PATH = "externalcontact/batch/get_by_user"
BROKEN = (http.client.HTTPException, ConnectionError)
NO_JSON = (json.JSONDecodeError, UnicodeDecodeError)


def _body(api, limit=20):
    owner = max(api.follows(), key=lambda r: len(r["userid"]))["userid"]
    return {"userid_list": [owner], "limit": limit}


def _ids(answer):
    return [r["external_contact"]["external_userid"] for r in answer["external_contact_list"]]


def test_errcode_for_the_first_n_calls(api):
    api.control.fault("errcode", PATH, errcode=45009, first=2)
    body = _body(api)
    codes = [api.post(PATH, body)["errcode"] for _ in range(4)]
    assert codes == [45009, 45009, 0, 0]
    assert api.get("department/list")["errcode"] == 0
    fault = api.control.call("GET", "faults")["faults"][0]
    assert (fault["hit"], fault["seen"]) == (2, 4)
    assert api.control.calls()["paths"][PATH]["errcodes"] == {"45009": 2, "0": 2}


def test_errcode_at_the_nth_call_by_glob(api):
    api.control.fault("errcode", "/cgi-bin/department/*", errcode=-1, nth=3)
    codes = [api.get("department/list")["errcode"] for _ in range(4)]
    assert codes == [0, 0, -1, 0]


def test_rates_are_seeded(api):
    def run(seed):
        fault = api.control.fault("errcode", "department/list", errcode=-1, rate=0.4, seed=seed)
        codes = [api.get("department/list")["errcode"] for _ in range(40)]
        api.control.clear_faults(fault)
        return codes

    first = run(1)
    assert first == run(1) != run(2)
    assert 5 <= first.count(-1) <= 28


def test_one_guide_can_fail(api):
    api.control.fault("errcode", PATH, errcode=60011, match='"g00003"')
    assert api.post(PATH, {"userid_list": ["g00001"]})["errcode"] == 0
    assert api.post(PATH, {"userid_list": ["g00001", "g00003"]})["errcode"] == 60011
    api.control.fault("errcode", "externalcontact/list", errcode=45009, match="userid=g00001")
    assert api.get("externalcontact/list", userid="g00001")["errcode"] == 45009
    assert api.get("externalcontact/list", userid="g00003")["errcode"] == 0


def test_http_status(api):
    api.control.fault("status", PATH, status=503, first=1)
    with pytest.raises(NO_JSON):
        api.post(PATH, _body(api))
    assert api.status == 503
    assert api.post(PATH, _body(api))["errcode"] == 0


@pytest.mark.parametrize("kind", ["cut", "truncate", "lost"])
def test_broken_connections(api, kind):
    api.control.fault(kind, PATH, first=1)
    with pytest.raises(BROKEN):
        api.post(PATH, _body(api))
    assert api.post(PATH, _body(api))["errcode"] == 0
    assert api.control.calls()["paths"][PATH]["errcodes"] == {kind: 1, "0": 1}


@pytest.mark.parametrize("kind", ["truncated_json", "invalid"])
def test_answers_that_are_no_json(api, kind):
    api.control.fault(kind, PATH, first=1)
    with pytest.raises(NO_JSON):
        api.post(PATH, _body(api))
    assert api.status == 200
    assert api.header("Error-Code") == "0"


def test_timeout_and_slow(api):
    api.control.fault("timeout", PATH, seconds=0.2, first=1)
    before = time.monotonic()
    with pytest.raises(BROKEN):
        api.post(PATH, _body(api))
    api.control.clear_faults()
    api.control.fault("slow", PATH, seconds=0.2, first=1)
    assert api.post(PATH, _body(api))["errcode"] == 0
    assert time.monotonic() - before >= 0.4


def test_a_caller_who_gives_up_frees_the_place(api):
    api.control.fault("timeout", PATH, seconds=60)
    api.token  # noqa: B018
    api._connection.timeout = 0.2
    api._connection.close()
    with pytest.raises(TimeoutError):
        api.post(PATH, _body(api))
    deadline = time.monotonic() + 5
    while api.control.calls()["paths"][PATH]["in_flight"] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert api.control.calls()["paths"][PATH]["in_flight"] == 0


def test_rows_twice_and_in_another_order(api):
    body = _body(api)
    true = _ids(api.post(PATH, body))
    assert len(true) > 5
    api.control.fault("duplicate", PATH, first=1)
    twice = _ids(api.post(PATH, body))
    assert len(twice) == len(true) + 1
    assert list(dict.fromkeys(twice)) == true
    api.control.fault("reorder", PATH, first=1)
    other = _ids(api.post(PATH, body))
    assert other != true
    assert sorted(other) == sorted(true)
    assert _ids(api.post(PATH, body)) == true


def test_a_short_page_keeps_the_rest_for_later(api):
    users = api.get("externalcontact/get_follow_user_list")["follow_user"]
    api.control.fault("short", PATH, rate=0.5)
    rows = api.rows(PATH, "external_contact_list", {"userid_list": users, "limit": 100})
    assert len(rows) == 240


@pytest.mark.parametrize(("kind", "code"), [("token", 40014), ("token_expired", 42001)])
def test_token_death(api, kind, code):
    api.control.fault(kind, PATH, first=1)
    assert api.post(PATH, _body(api))["errcode"] == code
    assert api.control.calls()["paths"][PATH]["errcodes"] == {str(code): 1}
    assert api.get("department/list")["errcode"] == code  # dead for every call
    api.forget_token()
    assert api.post(PATH, _body(api))["errcode"] == 0


def test_a_lost_answer_means_it_has_happened(api):
    row = api.follows()[0]
    pair = {"userid": row["userid"], "external_userid": row["external_userid"]}
    api.control.fault("lost", "externalcontact/remark", first=1)
    with pytest.raises(BROKEN):
        api.ext("remark", {**pair, "remark": "写了"})
    assert api.follows(**pair)[0]["remark"] == "写了"
    api.control.fault("cut", "externalcontact/remark", first=1)
    with pytest.raises(BROKEN):
        api.ext("remark", {**pair, "remark": "没写"})
    assert api.follows(**pair)[0]["remark"] == "写了"


def test_gettoken_can_fail_too(api):
    api.control.fault("errcode", "gettoken", errcode=-1, first=1)
    answer = api.send("gettoken", corpid=api.sandbox.corp_id, corpsecret=api.secret)
    assert (answer["errcode"], answer["errmsg"][:11]) == (-1, "system busy")


def test_list_and_clear(api):
    first = api.control.fault("cut", PATH)
    second = api.control.fault("slow", PATH, seconds=0.1)
    rows = api.control.call("GET", "faults")["faults"]
    assert [f["id"] for f in rows] == [first, second]
    assert all(f["meaning"] for f in rows)
    assert api.control.clear_faults(first) == 1
    assert api.control.clear_faults() == 1
    with pytest.raises(ControlError):
        api.control.clear_faults(first)


@pytest.mark.parametrize(
    "spec",
    [
        {"kind": "nonsense"},
        {},
        {"kind": "cut", "rate": 1.5},
        {"kind": "cut", "rate": 0.5, "first": 2},
        {"kind": "cut", "nth": 0},
        {"kind": "slow", "seconds": -1},
        {"kind": "slow", "seconds": "1"},
        {"kind": "cut", "first": True},
        {"kind": "status", "status": 7},
        {"kind": "cut", "unknown": 1},
    ],
)
def test_bad_specs_change_nothing(api, spec):
    with pytest.raises(ControlError) as error:
        api.control.call("POST", "faults", spec)
    assert error.value.code == "bad_request"
    assert api.control.call("GET", "faults")["faults"] == []


def test_a_hanging_call_does_not_stop_others(api):
    api.control.fault("timeout", PATH, seconds=0.5, first=1)
    body = _body(api)
    api.token  # noqa: B018
    done = []

    def hang():
        try:
            api.post(PATH, body)
        except BROKEN:
            done.append(time.monotonic())

    thread = threading.Thread(target=hang)
    thread.start()
    for _ in range(20):
        assert api.control.status()["corp_id"]
    assert not done
    thread.join()
    assert done

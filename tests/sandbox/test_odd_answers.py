"""Odd answers on demand: every kind as bytes on the wire."""

import http.client
import json
import time

import pytest

from storeops.sandbox import odd

BATCH = "externalcontact/batch/get_by_user"
REMARK = "externalcontact/remark"


@pytest.fixture
def pair(api):
    row = next(r for r in api.follows() if r["listed"])
    return {"userid": row["userid"], "external_userid": row["external_userid"]}


def _remark(api, pair):
    return api.follows(**pair)[0]["remark"]


def _batch(api, pair, **body):
    """The answer's raw bytes."""
    api._connection.request(
        "POST",
        f"/cgi-bin/{BATCH}?access_token={api.token}",
        json.dumps({"userid_list": [pair["userid"]], "limit": 100, **body}),
    )
    response = api._connection.getresponse()
    api.headers = response.getheaders()
    return response.read()


@pytest.mark.parametrize("kind", sorted(odd.INSTEAD))
@pytest.mark.parametrize("carried_out", [False, True])
def test_somebody_else_answers(api, pair, kind, carried_out):
    before = _remark(api, pair)
    api.control.fault(kind, REMARK, first=1, carried_out=carried_out)
    query = f"access_token={api.token}"
    api._connection.request(
        "POST", f"/cgi-bin/{REMARK}?{query}", json.dumps({**pair, "remark": "写了"})
    )
    response = api._connection.getresponse()
    assert (response.status, response.read()) == (200, odd.INSTEAD[kind][1])
    assert response.getheader("Error-Code") is None
    assert _remark(api, pair) == ("写了" if carried_out else before)
    assert api.control.calls()["paths"][REMARK]["errcodes"] == {kind: 1}
    assert api.ext("remark", {**pair, "remark": "gut"})["errcode"] == 0


def test_a_proxys_status_can_hide_a_call_that_was_carried_out(api, pair):
    api.control.fault("status", REMARK, status=502, carried_out=True, first=1)
    with pytest.raises(json.JSONDecodeError):
        api.ext("remark", {**pair, "remark": "hidden"})
    assert api.status == 502
    assert _remark(api, pair) == "hidden"


def test_answers_without_an_errcode_or_with_one_as_text(api, pair):
    api.control.fault("no_errcode", REMARK, nth=1)
    api.control.fault("errcode_as_text", REMARK, first=1)
    assert api.ext("remark", {**pair, "remark": "x"}) == {}
    assert "error-code" not in {name.lower() for name, _ in api.headers}
    assert api.ext("remark", {**pair, "remark": "x"}) == {"errcode": "0", "errmsg": "ok"}


def test_a_byte_order_mark(api, pair):
    api.control.fault("byte_order_mark", BATCH)
    raw = _batch(api, pair)
    assert raw.startswith(b"\xef\xbb\xbf{")
    assert json.loads(raw.decode("utf-8-sig"))["errcode"] == 0


def test_cursors_that_are_missing_or_stand_still(api):
    body = {"userid_list": [m["userid"] for m in api.export("staff") if not m["left_at"]]}
    first = api.post(BATCH, {**body, "limit": 5})["next_cursor"]
    assert first
    api.control.fault("same_cursor", BATCH, nth=1)
    assert api.post(BATCH, {**body, "limit": 5, "cursor": first})["next_cursor"] == first
    api.control.clear_faults()
    api.control.fault("no_cursor", "externalcontact/get_unassigned_list")
    userid = api.control.act("staff_leave")["userid"]
    assert userid
    page = api.ext("get_unassigned_list", {"page_size": 1})
    assert (page["is_last"], "next_cursor" in page) == (False, False)


@pytest.mark.parametrize(
    ("kind", "field", "odd_value"),
    [
        ("null_field", "add_way", None),
        ("null_field", "tag_id", None),
        ("number_as_text", "createtime", str),
        ("text_as_number", "remark", int),
        ("milliseconds", "createtime", int),
        ("missing_field", "remark", "absent"),
    ],
)
@pytest.mark.parametrize("every", [False, True])
def test_one_value_of_a_list_or_each(api, pair, kind, field, odd_value, every):
    true = json.loads(_batch(api, pair))["external_contact_list"]
    api.control.fault(kind, BATCH, field=field, every=every)
    rows = json.loads(_batch(api, pair))["external_contact_list"]
    changed = [
        (row["follow_info"].get(field, "absent"), was["follow_info"][field])
        for row, was in zip(rows, true, strict=True)
        if row != was
    ]
    assert len(changed) == (len(true) if every else 1)
    for value, was in changed:
        if isinstance(odd_value, type):
            assert type(value) is odd_value
        else:
            assert value == odd_value
        if kind == "milliseconds":
            assert value == was * 1000
        if kind == "number_as_text":
            assert value == str(was)


def test_values_of_a_list(api):
    api.control.fault("number_as_text", "department/simplelist", field="id", every=True)
    api.control.fault("number_as_text", "user/get", field="department[]")
    rows = api.get("department/simplelist")["department_id"]
    assert all(type(row["id"]) is str and type(row["parentid"]) is int for row in rows)
    assert api.get("user/get", userid="g00001")["department"][0].isdecimal()


def test_bytes_that_no_encoder_writes(api, pair):
    api.ext("remark", {**pair, "remark": "小红书"})
    body = json.dumps("小红书", ensure_ascii=False).encode()
    assert body in _batch(api, pair)
    fault = api.control.fault("cut_text", BATCH, field="remark", every=True)
    raw = _batch(api, pair)
    assert body[:-2] + b'"' in raw
    with pytest.raises(UnicodeDecodeError):
        raw.decode()
    api.control.clear_faults(fault)
    fault = api.control.fault("control_char", BATCH, field="remark")
    with pytest.raises(json.JSONDecodeError, match="control character"):
        json.loads(_batch(api, pair))
    api.control.clear_faults(fault)
    api.control.fault("half_surrogate", BATCH, field="name")
    names = [
        r["external_contact"]["name"]
        for r in json.loads(_batch(api, pair))["external_contact_list"]
    ]
    assert [n[-1] for n in names].count("\ud83d") == 1


def test_cut_text_cuts_ascii_too_and_spares_what_follows():
    import random

    for text in ("abc", "", "é!", "🙂", "a🙂b"):
        body = json.dumps({"errcode": 0, "name": text, "next": "ü"}, ensure_ascii=False).encode()
        raw = odd.spoil(
            "cut_text", body, field="name", every=False, cursor="", dice=random.Random(1)
        )
        with pytest.raises(UnicodeDecodeError):
            raw.decode()
        assert json.loads(raw.decode(errors="replace"))["next"] == "ü"


def test_without_a_field_one_value_of_the_rows_is_drawn_by_seed(api, pair):
    def answer(seed):
        fault = api.control.fault("null_field", BATCH, seed=seed)
        raw = _batch(api, pair)
        api.control.clear_faults(fault)
        return raw

    assert answer(1) == answer(1)
    assert len({answer(seed) for seed in range(8)}) > 3
    assert all(json.loads(answer(seed))["errcode"] == 0 for seed in range(8))


def test_an_answer_that_holds_nothing_to_spoil_stays_right(api, pair):
    api.control.fault("milliseconds", REMARK)
    assert api.ext("remark", {**pair, "remark": "x"}) == {"errcode": 0, "errmsg": "ok"}
    assert api.control.calls()["paths"][REMARK]["errcodes"] == {"0": 1}


def test_an_answer_that_trickles_in(api):
    api.token  # noqa: B018
    fault = api.control.fault("trickle", "department/simplelist", seconds=0.0005)
    assert api.get("department/simplelist")["errcode"] == 0
    api._connection.close()
    assert api.get("department/simplelist")["errcode"] == 0
    api.control.clear_faults(fault)
    api.control.fault("trickle", "department/simplelist", seconds=20)
    api._connection.close()
    api._connection.timeout = 0.2
    with pytest.raises((TimeoutError, http.client.HTTPException)):
        api.get("department/simplelist")
    api._connection.close()
    deadline = time.monotonic() + 5
    while api.control.calls()["paths"]["department/simplelist"]["in_flight"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("carried_out", [False, True])
def test_nobody_answers_and_the_call_may_be_carried_out(api, pair, carried_out):
    before = _remark(api, pair)
    api.control.fault("timeout", REMARK, seconds=0.05, carried_out=carried_out, first=1)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        api.ext("remark", {**pair, "remark": "kept"})
    assert _remark(api, pair) == ("kept" if carried_out else before)


@pytest.mark.parametrize(
    ("kind", "how"),
    [("cut", "carried_out"), ("lost", "carried_out"), ("null_field", "carried_out"),
     ("no_errcode", "every"), ("html", "every"), ("slow", "every")],
)  # fmt: skip
def test_what_does_not_go_with_a_kind_is_refused(api, kind, how):
    from storeops.sandbox.local import ControlError

    with pytest.raises(ControlError, match=r"go(es)? with"):
        api.control.fault(kind, BATCH, **{how: True})


@pytest.mark.parametrize("spec", [{"field": 1}, {"every": 1}, {"carried_out": "yes"}])
def test_what_a_fault_does_not_understand(api, spec):
    from storeops.sandbox.local import ControlError

    with pytest.raises(ControlError):
        api.control.fault("null_field", BATCH, **spec)
    assert api.control.call("GET", "faults")["faults"] == []

"""Whatever bytes come: they are read, refused with a reason, or called no JSON; nothing escapes."""

from __future__ import annotations

import json

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from storeops.wecom.customers import FollowPage
from storeops.wecom.envelope import open_envelope

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars, lambda each: st.lists(each) | st.dictionaries(st.text(), each), max_leaves=8
)
answers = st.dictionaries(
    st.sampled_from(["errcode", "errmsg", "external_contact_list", "next_cursor", "fail_info"]),
    values,
)

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def check(body):
    opened = open_envelope(body, FollowPage)
    if opened.no_response:
        assert opened.problem
        assert opened.errcode == 0
    elif opened.errcode == 0:
        assert bool(opened.problem) == (opened.value is None)
        assert opened.value is None or isinstance(opened.value, FollowPage)
    else:
        assert opened.value is None
    return opened


@patient
@given(st.binary())
def test_any_bytes(body):
    check(body)


@patient
@given(answers)
def test_any_object(answer):
    check(json.dumps(answer).encode())


@patient
@given(answers, st.integers(0, 200))
def test_any_cut(answer, length):
    check(json.dumps(answer).encode()[:length])


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"errcode":0,"x":' + b"[" * 100_000,
        b"",
        b"null",
        b'"ok"',
        b"7",
        b"{",
        b"\0",
    ],
)
def test_hostile_bodies(body):
    assert check(body).no_response == "answer"


def test_a_failure_with_broken_fields_is_still_a_failure():
    body = json.dumps({"external_contact_list": "gone", "errcode": 60011, "errmsg": "no"}).encode()
    assert check(body).errcode == 60011


def test_strange_errcodes():
    for odd in ('"many"', "[1]", "null", "true", "false", "0.0", "{}", '""'):
        assert (
            check(b'{"errcode":%s,"external_contact_list":[]}' % odd.encode()).no_response
            == "errcode"
        )
    assert check(b'{"errcode":"40001"}').errcode == 40001


def test_a_whole_page_survives_the_round_trip():
    row = {
        "external_contact": {"external_userid": "wm1", "name": "王\u202e女士\x00😀", "type": 1},
        "follow_info": {"userid": "u_lin", "tag_id": ["et1"], "wechat_channels": {"source": 2}},
    }
    page = check(
        json.dumps({"errcode": 0, "external_contact_list": [row], "next_cursor": "c"}).encode()
    ).value
    assert page.external_contact_list[0].external_contact.name == "王\u202e女士\x00😀"
    assert page.external_contact_list[0].follow_info.wechat_channels.source == 2
    assert msgspec.to_builtins(page)["next_cursor"] == "c"

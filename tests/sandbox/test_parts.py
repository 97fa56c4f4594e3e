"""Properties of the small parts: bodies, ids, cursors, the throttle, the clock."""

import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storeops.sandbox.body import Body
from storeops.sandbox.clock import DAY, Clock, day_start
from storeops.sandbox.cursors import Cursors
from storeops.sandbox.customers import Customers
from storeops.sandbox.faults import Faults
from storeops.sandbox.ids import CustomerIds
from storeops.sandbox.jsontext import dumps
from storeops.sandbox.refusals import Refusal
from storeops.sandbox.settings import Settings
from storeops.sandbox.throttle import Throttle

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.text(string.ascii_letters, min_size=1), VALUES, max_size=5)


@given(st.binary(max_size=200))
def test_any_bytes_make_a_body(raw):
    body = Body.read(raw)
    assert isinstance(body.fields, dict)


@given(OBJECTS)
def test_a_whole_object_is_read_without_warning(data):
    body = Body.read(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))
    assert not body.warned
    assert set(body.fields) == set(data)


@settings(max_examples=150)
@given(OBJECTS, st.integers(0, 200))
def test_a_cut_object_gives_some_of_its_fields_and_a_warning(data, at):
    raw = json.dumps(data).encode()
    cut = raw[: min(at, len(raw) - 1)]
    body = Body.read(cut)
    assert body.warned == bool(cut.strip())
    whole = {k: v for k, v in body.fields.items() if k in data}
    assert set(body.fields) <= set(data)
    last = list(data)[len(whole) - 1] if whole else None
    for key, value in whole.items():
        assert value == data[key] or key == last  # the last number may have lost digits


@given(st.integers(0, 2**31), st.integers(0, 2**32 - 1), st.sampled_from([1, 2]))
def test_customer_ids_go_there_and_back(seed, row, kind):
    keys = CustomerIds(seed)
    text = keys.make(row, kind)
    assert len(text) == 32
    assert text.isascii()
    assert keys.row_of(text) == row


@given(st.text(max_size=40))
def test_no_made_up_id_is_a_customer(text):
    people = Customers(CustomerIds(7))
    rows = [people.add("x", 1), people.add("", 0, 2)]
    if text not in [people.id(r) for r in rows]:
        assert people.find(text) == -1
    assert people.find_unionid(text) == -1
    assert [people.find(people.id(r)) for r in rows] == rows
    assert people.find_unionid(people.unionid_bytes(0).decode()) == 0


@given(st.text(max_size=60))
def test_names_survive_the_columns(name):
    people = Customers(CustomerIds(7))
    people.add(name, 1)
    assert people.name_text(0) == name
    assert json.loads(people.as_json(0, True))["name"] == name


def test_lone_surrogates_do_not_stop_an_answer():
    assert dumps("a\ud800b") == b'"a?b"'


@given(st.text(max_size=80))
def test_a_cursor_is_only_what_was_issued(text):
    cursors = Cursors(b"k" * 16)
    with pytest.raises(Refusal) as refusal:
        cursors.read("list", b"q", text, 100, 50)
    assert refusal.value.errcode == 50100


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1), st.binary(max_size=30))
def test_cursors_keep_their_place(first, second, query):
    cursors = Cursors(b"k" * 16)
    text = cursors.issue("list", query, 100, first, second)
    assert cursors.read("list", query, text, 150, 50) == (first, second)
    for kind, other, now in (
        ("get", query, 100),
        ("list", query + b"x", 100),
        ("list", query, 151),
    ):
        with pytest.raises(Refusal):
            cursors.read(kind, other, text, now, 50)
    with pytest.raises(Refusal):
        Cursors(b"z" * 16).read("list", query, text, 100, 50)


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 8))
def test_no_minute_lets_more_through_than_its_limit(gaps, limit):
    rules, throttle = Settings(minute_limit=limit), Throttle()
    now, passed = 1000, []
    for gap in gaps:
        now += gap
        try:
            throttle.frequency("p", "ip", now, rules, False)
        except Refusal as refusal:
            assert refusal.errcode == 45009  # noqa: PT017
        else:
            passed.append(now)
    windows = [sum(begin <= t < begin + 60 for t in passed) for begin in passed]
    assert max(windows, default=0) <= 2 * limit  # fixed windows: two may touch
    if sum(gaps) < 60:
        assert len(passed) == min(limit, len(gaps))


def test_what_left_frees_its_place():
    rules, throttle = Settings(in_flight_limit=1), Throttle()
    for _ in range(3):
        throttle.enter("p", "c", rules)
        for path, customer, code in (("p", "", 45033), ("q", "c", 45035)):
            with pytest.raises(Refusal) as refusal:
                throttle.enter(path, customer, rules)
            assert refusal.value.errcode == code
        throttle.leave("p", "c")
    throttle.enter("q", "c", rules)


@given(st.integers(0, 4_000_000_000))
def test_days_begin_at_midnight_in_china(moment):
    start = day_start(moment)
    assert start <= moment < start + DAY
    assert (start + 8 * 3600) % DAY == 0


def test_the_clock_starts_where_it_is_told_and_moves_on():
    clock = Clock(1_800_000_000)
    assert 0 <= clock.now() - 1_800_000_000 <= 2
    assert clock.advance(DAY) - 1_800_000_000 in range(DAY, DAY + 3)
    assert clock.http_date().endswith(b"GMT")
    with pytest.raises(ValueError, match="forward"):
        clock.advance(-1)


def test_the_first_fault_that_strikes_decides():
    faults = Faults()
    faults.add({"kind": "cut", "path": "a/*", "nth": 2})
    faults.add({"kind": "slow", "path": "*"})
    assert [faults.pick("a/b", b"").kind for _ in range(3)] == ["slow", "cut", "slow"]
    assert faults.pick("c", b"").kind == "slow"
    assert faults.clear() == 2
    assert faults.pick("a/b", b"") is None

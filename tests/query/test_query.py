"""Every filter answers as the slow reading does, in order, page by page, from any position."""

import sqlite3
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storeops.errors import UsageError
from storeops.mirror import column_store, meta
from storeops.reading import query as query_module
from storeops.reading import query_plan
from storeops.reading.filter import (
    And,
    FieldTerm,
    Not,
    Or,
    Word,
    conjunction,
    disjunction,
    negation,
    parse,
    unparse,
)
from storeops.reading.query import CustomerQuery

CONDITIONS = [
    "王",
    "李",
    "小明",
    "VIP",
    "wxm",
    "w",
    "lx",
    "zhang",
    "138",
    "1380",
    "手机",
    "50%",
    "a",
    "没有人",
    "wmDemo000100000007",
    "o'N",
    '"or"',
    "@guide.1",
    "@guide.2,guide.3",
    "#金卡",
    "#等级/金卡",
    "#et2",
    "#手机,银卡",
    '#"50%_\'; DROP TABLE customer;--"',
    "store:10",
    "store:华东",
    "store:沪0店,穗1店",
    "status:active",
    "status:unassigned",
    "status:lost,missing",
    "status:deleted",
    "status:deleted,lost",
    "state:store1",
    "state:store*",
    'state:"a\'b",expo',
    "way:scan",
    "way:card,202",
    "way:9",
    "since:2026-01",
    "since:90d",
    "until:2025-12",
    "until:7d",
    "type:wecom",
    "type:1",
    "gender:female",
    "has:phone",
    "has:remark",
    "has:tag",
    "has:unionid",
    "has:group",
    "has:state,description",
    "owners:>1",
    "owners:1",
    "owners:<1",
    "group:福利群",
    "mark:picked",
    "id:wmDemo000100000009",
]
LEAVES = st.sampled_from([parse(each) for each in CONDITIONS])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(negation),
        st.lists(inner, min_size=2, max_size=3).map(conjunction),
        st.lists(inner, min_size=2, max_size=3).map(disjunction),
    ),
    max_leaves=5,
)
# few rows are many, so that lists are walked; what is gathered is tested a few at a time; walks are
# given up at once; everything is counted by columns
WALK = {"FETCHED": 0.5, "SORTED": 0.05}
GATHER = {"AT_ONCE": 2}
GIVE_UP = {**WALK, "BUDGET_S": -1.0, "LOOK": 1}
COLUMNS = {**GIVE_UP, "FEW_COUNTED": -1, "SMALL": 0}


def assume(monkeypatch, thresholds):
    for name, value in thresholds.items():
        having = [each for each in (query_plan, query_module, column_store) if hasattr(each, name)]
        assert having
        for module in having:
            monkeypatch.setattr(module, name, value)


def ask(chain, node, **more):
    return CustomerQuery(chain.db, node, now=chain.now, **more)


@pytest.mark.parametrize("text", CONDITIONS)
@pytest.mark.parametrize("sort", ["newest", "name"])
def test_each_condition_answers_like_the_slow_reading(chain, slow_reader, text, sort):
    expected = slow_reader(chain).order(parse(text), sort)
    assert ask(chain, text, sort=sort).page(limit=1000).ids == expected
    negated = f"!{text}"
    expected = slow_reader(chain).order(parse(negated), sort)
    assert ask(chain, negated, sort=sort).page(limit=1000).ids == expected


@pytest.mark.parametrize("thresholds", [{}, WALK, GATHER, GIVE_UP, COLUMNS])
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(node=TREES, sort=st.sampled_from(query_module.SORTS), size=st.integers(1, 40))
def test_random_filters_answer_like_the_slow_reading(
    chain, slow_reader, monkeypatch, thresholds, node, sort, size
):
    assume(monkeypatch, thresholds)
    expected = slow_reader(chain).order(node, sort)
    query = ask(chain, node, sort=sort)
    whole = query.page(limit=1000)
    assert whole.ids == expected
    assert whole.next is None

    seen, after = [], None
    while True:
        page = query.page(after, size)
        seen += page.ids
        if page.next is None:
            break
        after = query.key(query.cursor(page.next))
    assert seen == expected

    back, before = [], None
    while True:
        page = query.page(before, size, backwards=True)
        back = page.ids + back
        if not page.keys or page.previous == before or len(page.keys) < size:
            break
        before = page.previous
    assert back == expected

    assert sorted(query.ids()) == sorted(expected)
    assert [key[1] for batch in query.keys(size) for key in batch] == expected
    assert query.count().rows == len(expected)
    capped = query.count(limit=5)
    assert (capped.rows, capped.capped) == (min(5, len(expected)), len(expected) > 5)

    if thresholds:
        return  # which follows are meant does not depend on how a list is read
    meant, slow = query.meant(expected), slow_reader(chain)
    for person in map(chain.people.get, expected):
        userids = {each: chain.members[each.staff][0] for each in person.follows}
        found = {userid for userid in userids.values() if (person.id, userid) in meant}
        holds = {userids[each] for each in person.follows if True in slow.ways(node, person, each)}
        # `!since:` holds of every follow: then all are meant
        assert found in (holds, set(userids.values()))
    assert {key for key, _userid in meant} <= set(expected)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(node=TREES, start=st.integers(0, 320), size=st.integers(1, 30))
def test_any_position_is_reached(chain, slow_reader, monkeypatch, node, start, size):
    monkeypatch.setattr(query_module, "ANCHOR", 7)
    expected = slow_reader(chain).order(node, "newest")
    query = ask(chain, node)
    assert query.window(start, size) == expected[start : start + size]
    assert query.nth(start) == (expected[start] if start < len(expected) else None)
    query.build_anchors()
    assert query.window(start, size) == expected[start : start + size]


@pytest.mark.parametrize("thresholds", [{}, COLUMNS])
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(node=TREES)
def test_facets_count_what_a_further_condition_leaves(
    chain, slow_reader, monkeypatch, thresholds, node
):
    assume(monkeypatch, thresholds)
    query, slow = ask(chain, node), slow_reader(chain)
    for facet in query.facet("owner", limit=5):
        narrowed = And((node, FieldTerm("owner", (chain.members[facet.value][0],))))
        assert facet.rows == len(slow.order(narrowed, "newest"))
    for facet in query.facet("tag", limit=3):
        narrowed = And((node, FieldTerm("tag", (chain.tags[facet.value][0],))))
        assert facet.rows == len(slow.order(narrowed, "newest"))
    for facet in query.facet("status", limit=9):
        narrowed = And((node, FieldTerm("status", (facet.value,))))
        assert facet.rows == len(slow.order(narrowed, "newest"))
    for facet in query.facet("month", limit=2):
        month = And((node, FieldTerm("since", (facet.value,)), FieldTerm("until", (facet.value,))))
        assert facet.rows == len(slow.order(month, "newest"))


EVIL = st.text(alphabet="'\";-%_\\()\x00\x1b王 ,:#@!|&=*/\n？？{}fcid$", min_size=1, max_size=12)


@settings(
    max_examples=75, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    raw=EVIL, key=st.sampled_from(["word", "state", "id", "owner", "tag", "store", "group", "mark"])
)
def test_no_text_reaches_sql_as_sql(chain, raw, key):
    node = Word(raw) if key == "word" else FieldTerm(key, (raw,))
    told = []
    chain.db.connection.set_trace_callback(None)
    try:
        query = ask(chain, node)
    except UsageError:
        return  # a name that nobody has
    for planner in query.planners:
        for statement in (
            planner.page(query_plan.Span(None, None, True), 50, 0),
            planner.everybody(),
            planner.positions([1]),
        ):
            told.append(statement[0])
    plain = ask(chain, Word("王") if key == "word" else parse(PLAIN[key]))
    assert query.page(limit=5).ids is not None
    assert {_shape(each) for each in told} <= _shapes(chain, key, plain)


PLAIN = {
    "state": "state:expo",
    "id": "id:wm",
    "owner": "@guide.1",
    "tag": "#et1",
    "store": "store:10",
    "group": "group:wr1",
    "mark": "mark:picked",
}


def _shape(sql):
    """SQL without the number of its parameters and the numbers of its aliases."""
    import re

    return re.sub(r"\?(,\?)*", "?", re.sub(r"\bt\d+\b", "t", sql)).replace("= ?", "IN (?)")


def _shapes(chain, key, plain):
    """All shapes that this kind of condition may take, whatever its text."""
    shapes = set()
    wild = {
        "state": ["state:exp*", "state:nobody", "state:nobod*"],
        "word": ["a", "i", "w", "鬱", "小", "13", "1380", "没有", "wmDemo000100000007"],
        "owner": ["@guide.1,guide.2"],
        "store": ["store:店"],
        "tag": ["#卡"],
        "group": ["group:群"],
    }
    queries = [plain, *(ask(chain, each) for each in wild.get(key, []))]
    for query in queries:
        for planner in query.planners:
            for statement in (
                planner.page(query_plan.Span(None, None, True), 50, 0),
                planner.everybody(),
                planner.positions([1]),
            ):
                shapes.add(_shape(statement[0]))
    return shapes


def test_a_cursor_of_another_list_is_refused(chain):
    newest, name = ask(chain, ""), ask(chain, "", sort="name")
    cursor = newest.cursor(newest.page(limit=2).next)
    assert newest.key("") is None
    for query, text in ((name, cursor), (newest, "garbage!"), (newest, "e30"), (newest, "é")):
        with pytest.raises(UsageError):
            query.key(text)


@pytest.mark.parametrize("name", query_module.FACETS)
def test_facets_of_everybody_are_those_of_the_general_way(chain, name):
    quick = ask(chain, "").facet(name, limit=1000)
    assert ask(chain, "").facet(name, limit=1000) == quick  # kept
    general = ask(chain, "since:1990 | until:1990").facet(name, limit=1000)
    assert quick == general
    assert ask(chain, "").facet(name, limit=2) == general[:2]


def test_a_kept_facet_is_counted_anew_after_a_change(chain_maker, tmp_path):
    made = chain_maker(tmp_path / "data.db", customers=50, seed=4)
    before = {each.value: each.rows for each in ask(made, "").facet("status")}
    key, status = made.db.execute(
        "SELECT id, status FROM follow WHERE status <> 'lost' ORDER BY id LIMIT 1"
    ).fetchone()
    with made.db.atomic() as connection:
        connection.execute("UPDATE follow SET status = 'lost' WHERE id = ?", (key,))
        meta.bump_revision(connection)
    after = {each.value: each.rows for each in ask(made, "").facet("status")}
    assert after["lost"] == before.get("lost", 0) + 1
    assert after.get(status, 0) <= before[status]
    made.db.execute("DELETE FROM mirror_meta WHERE key LIKE 'facet %'")
    writer = sqlite3.connect(made.db.path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")  # somebody else writes: counted at once, but not kept
    assert {each.value: each.rows for each in ask(made, "").facet("status")} == after
    writer.execute("ROLLBACK")
    assert not meta.read(made.db.connection, "facet status")
    assert {each.value: each.rows for each in ask(made, "").facet("status")} == after
    assert meta.read(made.db.connection, "facet status")
    writer.close()
    made.db.close()


def test_unknown_orders_and_facets_name_the_known_ones(chain):
    with pytest.raises(UsageError) as error:
        ask(chain, "", sort="size")
    assert "newest" in error.value.hint
    with pytest.raises(UsageError) as error:
        ask(chain, "").facet("shop")
    assert "store" in error.value.hint


def test_another_thread_can_stop_a_query(chain_maker, tmp_path):
    made = chain_maker(tmp_path / "data.db", customers=400, seed=3)
    connection = made.db.connection
    started = threading.Event()

    def endless(*_args):
        started.set()
        return 0

    query = CustomerQuery(made.db, "", now=made.now)
    connection.create_function("storeops_wait", 1, endless)
    stopper = threading.Thread(target=lambda: (started.wait(10), query.cancel()))
    stopper.start()
    with pytest.raises(query_module.Cancelled), query._reading() as reading:
        reading.execute(
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
            " SELECT x FROM n WHERE storeops_wait(x)"
        ).fetchall()
    stopper.join()
    assert query.page(limit=3).ids  # the connection is as good as before
    made.db.close()


def test_too_many_alternatives_are_refused(chain):
    text = " ".join(f"(王{at} or has:phone)" for at in range(7))
    with pytest.raises(UsageError, match="64"):
        ask(chain, text)


def test_reads_work_before_the_indexes_are_built(chain_maker, slow_reader, tmp_path):
    made = chain_maker(tmp_path / "data.db", customers=60, seed=5)
    for (name,) in made.db.execute(
        "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    ).fetchall():
        made.db.execute(f'DROP INDEX "{name}"')
    for text in ("", "#金卡", "@guide.1 has:phone", "status:unassigned or 王"):
        query = CustomerQuery(made.db, text, now=made.now)
        assert query.page(limit=100).ids == slow_reader(made).order(parse(text), "newest")
    made.db.close()


def test_explain_names_the_driver_and_its_rows(chain):
    found = ask(chain, "#金卡 @guide.1").explain()
    assert found.filter == unparse(parse("#金卡 @guide.1"))
    drives, sql, considered = found.alternatives[0]
    assert drives.startswith("gather ")
    assert {label for label, _rows in considered} == {"#金卡", "@guide.1"}
    assert "guide" not in sql
    assert isinstance(ask(chain, "!王 or #金卡").node, Or)
    assert isinstance(ask(chain, "!王").node, Not)

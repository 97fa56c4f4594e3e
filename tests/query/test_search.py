"""The search index proposes every customer a word means, through every kind of change."""

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storeops.mirror import search


def database():
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE customer (id INTEGER PRIMARY KEY, external_userid TEXT)")
    for each in search.MIGRATIONS:
        each.apply(connection)
    return connection


def found(connection, people, raw):
    """Ids of `people` (id → (name, remarks, mobiles)) that the index and the test agree on."""
    word = search.SearchWord(connection, raw)
    proposed = word.candidates(connection)
    hits = set()
    for each in proposed:
        if each in people:
            name, remarks, mobiles = people[each]
            phones = "[" + ",".join(f'"{m}"' for m in mobiles) + "]"
            if word.test_name(name) or any(word.test_follow(r, phones) for r in [*remarks, ""]):
                hits.add(each)
    return hits


PEOPLE = {
    1: ("王小明", ["老客户王姐"], ["13800138000"]),
    2: ("单雄信", [], []),
    3: ("Amy 王", ["VIP"], ["+86 139-1234-5678"]),
    4: ("ＡＢＣ①", [], []),
    5: ("\u202eevil\x00\x1b[31m", ['=cmd|"x"'], []),
    6: ("𠮷野家", ["吕布"], []),
    7: ("😀😀", [], []),
}


@pytest.mark.parametrize(
    ("word", "ids"),
    [
        ("王", {1, 3}),
        ("小明", {1}),
        ("老客", {1}),
        ("wxm", {1}),
        ("wangxm", {1}),
        ("wangxiaoming", {1}),
        ("xiaom", {1}),
        ("wj", {1}),
        ("shanxx", {2}),
        ("danxx", set()),
        ("amyw", {3}),
        ("amy w", {3}),
        ("vip", {3}),
        ("8000", {1}),
        ("1391234", {3}),
        ("139-1234", {3}),
        ("abc1", {4}),
        ("ABC", {4}),
        ("\x1b", {5}),
        ("[31m", {5}),
        ('"x"', {5}),
        ("𠮷", {6}),
        ("lvb", {6}),
        ("lb", {6}),
        ("😀", {7}),
        ("没有", set()),
        ("zzz", set()),
    ],
)
def test_finds_any_part_of_name_remark_pinyin_and_phone(word, ids):
    with closing(database()) as connection:
        texts = [(key, None, search.document(*value)) for key, value in PEOPLE.items()]
        search.index_customers(connection, texts)
        assert found(connection, PEOPLE, word) == ids


def test_an_id_is_found_by_its_beginning():
    with closing(database()) as connection:
        connection.execute("INSERT INTO customer VALUES (9, 'wmDemoAAAA0000001')")
        word = search.SearchWord(connection, "wmDemoAAAA")
        assert word.candidates(connection) == {9}
        assert word.test_id("wmDemoAAAA0000001")
        assert not search.SearchWord(connection, "wmDemo").test_id("wmDemoAAAA0000001")


NAMES = st.text(alphabet="王李小明单A a1😀\x1f\x00", max_size=5)
PERSON = st.tuples(
    NAMES,
    st.lists(NAMES, max_size=2),
    st.lists(st.text(alphabet="138", min_size=3, max_size=6), max_size=1),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), st.none() | PERSON), max_size=12), st.data())
def test_the_index_stays_true_through_every_change(steps, data):
    with closing(database()) as connection:
        people = {}
        for key, person in steps:
            before = search.document(*people[key]) if key in people else None
            after = search.document(*person) if person is not None else None
            search.index_customers(connection, [(key, before, after)])
            people.pop(key, None)
            if person is not None:
                people[key] = person
        for each in (
            "王",
            "小明",
            "w",
            "wx",
            "wa",
            "li",
            "sh",
            "138",
            "a",
            "1",
            "😀",
            "单",
            "shan",
        ):
            word = search.SearchWord(connection, each)
            truth = {
                key
                for key, (name, remarks, mobiles) in people.items()
                if word.test_name(name)
                or any(word.test_name(remark) for remark in remarks)
                or (word.digits and any(word.digits in mobile for mobile in mobiles))
            }
            assert found(connection, people, each) == truth
            if word.exact:
                assert word.candidates(connection) == truth
                assert word.frequency(connection, 1000) >= len(truth)
                assert bool(word.frequency(connection, 1)) == bool(truth)


def test_the_document_does_not_depend_on_the_order_of_follows():
    assert search.document("a", ["x", "y", "x", ""], ["1", "22"]) == search.document(
        "a", ["y", "x"], ["22", "1"]
    )

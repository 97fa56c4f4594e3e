"""The filter language: reading it, writing it back, and what its errors say."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storeops.reading import filter_dates
from storeops.reading.filter import (
    EVERYBODY,
    And,
    FieldTerm,
    FilterError,
    Not,
    Or,
    Word,
    conjunction,
    disjunction,
    negation,
    one_of,
    parse,
    unparse,
)
from storeops.reading.filter_words import CLOSED, KEYS

CHINA = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("", EVERYBODY),
        ("   \u3000 ", EVERYBODY),
        ("王", Word("王")),
        ("王 小明", And((Word("王"), Word("小明")))),
        ('"li na"', Word("li na")),
        ('"a\\"b\\\\c"', Word('a"b\\c')),
        ("“王 明”", Word("王 明")),
        ("「王 明」", Word("王 明")),
        ("@li.na", FieldTerm("owner", ("li.na",))),
        ("＠李娜", FieldTerm("owner", ("李娜",))),
        ("#VIP,金卡", FieldTerm("tag", ("VIP", "金卡"))),
        ("＃VIP，金卡", FieldTerm("tag", ("VIP", "金卡"))),
        ('#"等级/金 卡"', FieldTerm("tag", ("等级/金 卡",))),
        ("owner:li", FieldTerm("owner", ("li",))),
        ("标签：金卡", FieldTerm("tag", ("金卡",))),
        ("门店:12", FieldTerm("store", ("12",))),
        ("STATUS:Active", FieldTerm("status", ("active",))),
        ("状态:待分配,已流失", FieldTerm("status", ("unassigned", "lost"))),
        ("way:scan,3,视频号", FieldTerm("way", ("1", "3", "10"))),
        ("type:企业微信用户", FieldTerm("type", ("2",))),
        ("性别:女", FieldTerm("gender", ("2",))),
        ("has:phone", FieldTerm("has", ("phone",))),
        ("since:2026-5-1", FieldTerm("since", ("2026-05-01",))),
        ("until:本月", FieldTerm("until", ("month",))),
        ("owners:＞1", FieldTerm("owners", (">1",))),
        ("owners:=2", FieldTerm("owners", ("2",))),
        ("!#VIP", Not(FieldTerm("tag", ("VIP",)))),
        ("！＃VIP", Not(FieldTerm("tag", ("VIP",)))),
        ("!!#VIP", FieldTerm("tag", ("VIP",))),
        ("a or b", Or((Word("a"), Word("b")))),
        ("a 或 b | c", Or((Word("a"), Word("b"), Word("c")))),
        ("a b or c", Or((And((Word("a"), Word("b"))), Word("c")))),
        ("a (b or c)", And((Word("a"), Or((Word("b"), Word("c")))))),
        ("a （b｜c）", And((Word("a"), Or((Word("b"), Word("c")))))),
        ("!(a b)", Not(And((Word("a"), Word("b"))))),
        ("(a)", Word("a")),
        ('"or"', Word("or")),
        ("order", Word("order")),
        ("12:30", Word("12:30")),
        ("13800138000", Word("13800138000")),
        ("@a,a", FieldTerm("owner", ("a",))),
    ],
)
def test_reads(text, node):
    assert parse(text) == node
    assert parse(unparse(node)) == node


@pytest.mark.parametrize(
    ("text", "at", "says", "nearest"),
    [
        ("sotre:1", 0, "sotre", "store:"),
        ("王 stats:lost", 2, "stats", "status:"),
        ("status:lots", 7, "lots", "lost"),
        ("status:active,unasigned", 14, "unasigned", "unassigned"),
        ("way:扫描", 4, "扫描", "扫描二维码"),
        ("since:tomorow", 6, "tomorow", ""),
        ("since:2026-13", 6, "2026-13", "2026-05"),
        ("since:2026-02-30", 6, "2026-02-30", ""),
        ("since:1d,2d", 0, "one value", ""),
        ("owners:many", 7, "many", ">1"),
        ("has:beard", 4, "beard", ""),
        ("@", 0, "owner", ""),
        ("#VIP,", 0, "tag", ""),
        ("store:", 0, "store", ""),
        ("!", 0, "!", ""),
        ("! a", 0, "!", ""),
        ("(a", 0, "never closed", ""),
        ("a)", 1, "never opened", ""),
        ("()", 0, "empty", ""),
        ("a or", 4, "or", ""),
        ("or a", 0, "or", ""),
        ("a or or b", 5, "or", ""),
        ('"abc', 0, "never closed", ""),
        ('a ""', 2, "between the quotes", ""),
        ("(" * 60 + "a" + ")" * 60, None, "deeply", ""),
        ("a" * 5000, 0, "too long", ""),
    ],
)
def test_errors_say_where_what_and_the_nearest_words(text, at, says, nearest):
    with pytest.raises(FilterError) as error:
        parse(text)
    found = error.value
    if at is not None:
        assert found.at == at
    assert says in found.message
    assert str(found.at + 1) in found.message
    if nearest:
        assert nearest in found.nearest
        assert nearest in found.hint
    assert found.hint
    assert found.exit_code == 2


TEXTS = st.text(
    alphabet=st.one_of(
        st.sampled_from("王李ab1 \"\\'@#!:：（）()|,，“”「」*or或/-_.\n\t\u3000😀＞"),
        st.characters(exclude_categories=["Cs"]),
    ),
    min_size=1,
    max_size=8,
)


@st.composite
def fields(draw):
    key = draw(st.sampled_from(sorted(set(KEYS.values()))))
    if key in CLOSED:
        term = draw(st.sampled_from(CLOSED[key]))
        return FieldTerm(key, (term.value if key in ("type", "gender", "way") else term.slug,))
    if key in ("since", "until"):
        return FieldTerm(key, (draw(st.sampled_from(["2026-05-01", "2026", "7d", "last-month"])),))
    if key == "owners":
        return FieldTerm(key, (draw(st.sampled_from([">1", "<=3", "2"])),))
    return FieldTerm(key, tuple(dict.fromkeys(draw(st.lists(TEXTS, min_size=1, max_size=3)))))


TREES = st.recursive(
    st.one_of(TEXTS.map(Word), fields()),
    lambda inner: st.one_of(
        inner.map(negation),
        st.lists(inner, min_size=2, max_size=3).map(conjunction),
        st.lists(inner, min_size=2, max_size=3).map(disjunction),
    ),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None)
@given(TREES)
def test_every_tree_survives_writing_and_reading(node):
    assert parse(unparse(node)) == node


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet='王a @#!:()|,"“”or或＃：！（）\\ statu', max_size=25))
def test_any_text_is_read_or_refused_with_a_place(text):
    refused = None
    try:
        node = parse(text)
    except FilterError as error:
        refused = error
    if refused is None:
        assert parse(unparse(node)) == node
    else:
        assert 0 <= refused.at <= len(text)
        assert refused.message


@settings(max_examples=200, deadline=None)
@given(TREES)
def test_full_width_signs_mean_the_same(node):
    wide = unparse(node)
    if '"' in wide:  # inside quotes a full-width sign is another text
        return
    for narrow, full in zip("@#!:(),", "＠＃！：（），", strict=True):
        wide = wide.replace(narrow, full)
    assert parse(wide) == node


NOW = datetime(2026, 5, 20, 15, 30, tzinfo=CHINA).timestamp()  # a Wednesday


@pytest.mark.parametrize(
    ("word", "start", "end"),
    [
        ("2026-05-01", (2026, 5, 1), (2026, 5, 2)),
        ("2026-05", (2026, 5, 1), (2026, 6, 1)),
        ("2025-12", (2025, 12, 1), (2026, 1, 1)),
        ("2024-02", (2024, 2, 1), (2024, 3, 1)),
        ("2026", (2026, 1, 1), (2027, 1, 1)),
        ("today", (2026, 5, 20), (2026, 5, 21)),
        ("昨天", (2026, 5, 19), (2026, 5, 20)),
        ("week", (2026, 5, 18), (2026, 5, 25)),
        ("last-week", (2026, 5, 11), (2026, 5, 18)),
        ("month", (2026, 5, 1), (2026, 6, 1)),
        ("上月", (2026, 4, 1), (2026, 5, 1)),
        ("year", (2026, 1, 1), (2027, 1, 1)),
        ("去年", (2025, 1, 1), (2026, 1, 1)),
    ],
)
def test_dates_are_chinas_days(word, start, end):
    canonical = filter_dates.normal(word)
    assert filter_dates.span(canonical, NOW) == (
        int(datetime(*start, tzinfo=CHINA).timestamp()),
        int(datetime(*end, tzinfo=CHINA).timestamp()),
    )


def test_spans_count_back_from_now():
    for word, seconds in (("24h", 86_400), ("7d", 7 * 86_400), ("2周", 14 * 86_400)):
        start, end = filter_dates.span(filter_dates.normal(word), NOW)
        assert (start, end) == (int(NOW) - seconds, int(NOW) - seconds + 1)
    moment = filter_dates.span(filter_dates.normal("2026-05-01T9:05"), NOW)
    assert moment[0] == int(datetime(2026, 5, 1, 9, 5, tzinfo=CHINA).timestamp())


def test_shorthands_are_checked_like_text():
    assert one_of("status", ("待分配",)) == FieldTerm("status", ("unassigned",))
    with pytest.raises(FilterError):
        one_of("since", ("someday",))

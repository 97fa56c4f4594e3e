"""Guesses at words, and lengths of time: one way for commands and screens."""

from __future__ import annotations

import pytest

from storeops import i18n
from storeops.durations import ago, span
from storeops.errors import StoreOpsError
from storeops.spelling import did_you_mean, nearest

TAGS = ["VIP", "黑金", "白金", "老客户", "customer"]


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("custmer", ["customer"]),
        ("CUSTOMERS", ["customer"]),
        ("vip", ["VIP"]),
        ("黑今", ["黑金"]),
        ("老客", ["老客户"]),
        ("xyzzy", []),
        ("", []),
    ],
)
def test_what_may_have_been_meant(word: str, found: list[str]) -> None:
    assert nearest(word, TAGS) == found
    hint = did_you_mean(word, TAGS, "See the list.")
    assert hint == (f"Did you mean {found[0]}?" if found else "See the list.")


def test_a_strangers_name_is_one_safe_line() -> None:
    assert "\x1b" not in did_you_mean("ab", ["ab\x1b[31m"], "")
    assert "\n" not in did_you_mean("abc", ["abc\n"], "")


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (-3, "0 s", "0 秒"),
        (0, "0 s", "0 秒"),
        (59.6, "1 min", "1 分钟"),
        (90, "1 min 30 s", "1 分钟 30 秒"),
        (12_000, "3 h 20 min", "3 小时 20 分钟"),
        (3601, "1 h", "1 小时"),
        (7200, "2 h", "2 小时"),
        (86_398, "1 d", "1 天"),
        (86_400 * 2 - 100, "2 d", "2 天"),
        (86_400 * 3, "3 d", "3 天"),
        (86_400 * 45 + 3 * 3600, "45 d 3 h", "45 天 3 小时"),
    ],
)
def test_a_length_of_time(seconds: float, english: str, chinese: str) -> None:
    assert span(seconds) == english
    assert ago(1000.0, 1000.0 + seconds) == f"{english} ago"
    i18n.use("zh_CN")
    assert span(seconds) == chinese
    assert ago(None, 5.0) == "从未"


def test_an_error_can_be_stored_for_readers_of_any_language() -> None:
    """Whatever the wire says no with: its own cause and its next step, in both languages."""
    from storeops import i18n
    from storeops.wecom import errors, failures

    def made() -> list[StoreOpsError]:
        how = {"proxy": "", "local": False, "read_s": 2.5}
        found = [
            failures.no_answer("h", "p", reason, **{**how, "proxy": proxy})
            for reason in ("answer", "HTTP 502", "tls", "timeout", "connect", "proxy 407")
            for proxy in ("", "proxy:1")
        ]
        refused = ("not allow to access from your ip, from ip: 1.2.3.4", "no")
        found += [
            errors.refused("p", code, text) for code in (60020, 40058, 99) for text in refused
        ]
        return [
            *found, failures.uncertain("p", "cut", read_s=1), failures.stopped(),
            failures.unreadable("p", "$.list[0].owner", write=False),
            failures.token_refused("p", 40014), failures.redirected("h", "p", "https://x/{y}"),
            failures.unknown_path("h", "p"), failures.odd_status("h", "p", "HTTP 403"),
        ]  # fmt: skip

    before = i18n.language()
    try:
        i18n.use("zh_CN")
        chinese = made()
        i18n.use("en")
        english = made()
        for one, other in zip(chinese, english, strict=True):
            assert (one.message.isascii(), other.message.isascii()) == (False, True)
            assert tuple(map(i18n.said, one.to_keep)) == (other.message, other.hint)
            assert other.to_keep == one.to_keep
    finally:
        i18n.use(before)


def test_a_kept_text_is_worded_for_its_reader() -> None:
    from storeops import i18n

    row = i18n.kept("{names} ({why})", names=["a", "{b}"], why=i18n.kept("unknown tags"))
    text = i18n.kept("Not delivered to: {names}", names=[row, row])
    before = i18n.language()
    try:
        i18n.use("en")
        assert i18n.said(text) == ("Not delivered to: a, {b} (unknown tags); a, {b} (unknown tags)")
        i18n.use("zh_CN")
        assert "unknown" not in i18n.said(text)
        for odd in ("", "plain", '{"say": ', '{"say": "{x}", "values": {}}', '{"say": 1}'):
            assert i18n.said(odd) == odd
    finally:
        i18n.use(before)


@pytest.mark.parametrize(
    ("count", "english", "chinese"),
    [(1, "1 row waits", "1 行，等待"), (1_200, "1,200 rows wait", "1,200 行，等待")],
)
def test_a_kept_number_has_its_singular(count: int, english: str, chinese: str) -> None:
    text = i18n.kept_plural(
        "{count} row waits for approval; {limit} need none.",
        "{count} rows wait for approval; {limit} need none.",
        count, limit=20,
    )  # fmt: skip
    for lang, said in (("en", english), ("zh_CN", chinese)):
        i18n.use(lang)
        assert i18n.said(text).startswith(said)


@pytest.mark.parametrize("kind", ["contact_way", "tag_library", "remark", "tag"])
def test_why_no_answer_came_is_kept_for_readers_of_any_language(kind: str) -> None:
    from storeops.changes.action import Call, Row, actions
    from storeops.wecom import failures

    action = actions()[kind]
    call = Call((Row(1, "wm_a", "u", extra={"op": "update", "label": "x"}),), {}, ())
    before = i18n.language()
    try:
        i18n.use("zh_CN")
        error = failures.unreadable("externalcontact/get", "$.list[0].owner", write=False)
        (row,) = action.interpret(call, None, error)
        for lang in ("en", "zh_CN"):
            i18n.use(lang)
            assert "externalcontact/get" in i18n.said(row.meaning)
            assert i18n.said(row.meaning).isascii() == (lang == "en")
            assert i18n.said(row.next_step).isascii() == (lang == "en")
    finally:
        i18n.use(before)


def test_no_words_stay_none() -> None:
    """gettext's own answer to "" is the head of the catalogue."""
    before = i18n.language()
    try:
        for each in ("en", "zh_CN"):
            i18n.use(each)
            assert i18n._("") == ""
    finally:
        i18n.use(before)

"""The table of codes: whole, sensible, and spoken in two languages."""

from __future__ import annotations

import pytest

from storeops import i18n
from storeops.errors import AccessError, ConfigError, ExitCode, LimitError, NetworkError
from storeops.locale.build import compile_all
from storeops.wecom.errcode_table import ROWS
from storeops.wecom.errcodes import Kind, Reach, Retry, lookup, table
from storeops.wecom.errors import lasts, reach_of, refused

# the policy of the client, written down by hand a second time
POLICY = {
    Retry.TOKEN: {40014, 42001, 42007, 42009},
    Retry.BACK_OFF: {-1, 6000, 41063, 81026},
    Retry.NARROW: {45033, 45035},
    Retry.WAIT: {45009},
}
STATES = {84061, 40050, 49008, 60111, 40100, 40129, 90504, 90507, 90508, 610004}
# what must stop the corp and call for its operator
# whom a code concerns: the four lists that once stood in jobs, sync, events and doctor
EVERYTHING = {
    40001, 40013, 40014, 40056, 40091, 40141, 41001, 41002, 41004, 42001, 43009, 45009, 45031,
    48001, 48002, 48005, 48006, 48009, 50003, 50006, 60020, 60031, 81026, 301007, 2000002,
}  # fmt: skip
MEMBERS = {40003, 40098, 40099, 40143, 40205, 50002, 60011, 60021, 60030, 60111, 84074, 84083}
ROWS_ONLY = {-1, 6000, 40058, 40068, 40096, 45033, 45035, 81011, 84061, 90501, 301002}
ALARMS = {40001, 40013, 48002, 50003, 60020, 301007}
# codes of the Official-Account table, which WeCom does not have
FOREIGN = {47001, 43001, 43002, 43003, 44002}


@pytest.fixture(scope="module", autouse=True)
def _catalogue():
    compile_all()


def test_every_code_occurs_once():
    codes = [row.code for row in ROWS]
    assert len(codes) == len(set(codes))
    assert len(codes) > 180
    assert not FOREIGN & set(codes)


def test_retry_classes_are_those_of_the_contract():
    for retry, codes in POLICY.items():
        assert {row.code for row in ROWS if row.retry is retry} == codes
    assert {row.code for row in ROWS if row.retry is Retry.STATE} >= STATES


def test_every_code_says_whom_it_concerns():
    for reach, codes in (
        (Reach.EVERYTHING, EVERYTHING | ALARMS),
        (Reach.MEMBER, MEMBERS),
        (Reach.ROW, ROWS_ONLY),
    ):
        assert {code for code in codes if lookup(code).reach is not reach} == set()
    assert lookup(123456789).reach is Reach.ROW


def test_errors_without_a_code_have_a_reach_too():
    everything = [ConfigError("x"), AccessError("x"), LimitError("x")]
    assert {reach_of(each) for each in everything} == {Reach.EVERYTHING}
    assert reach_of(NetworkError("x")) is Reach.ROW
    assert lasts(ConfigError("x"))
    assert not lasts(LimitError("x")), "a limit ends by itself"
    assert lasts(refused("x", 48002, ""))
    assert not lasts(refused("x", 45009, ""))
    assert not lasts(refused("x", 60011, ""))


def test_alarms_end_with_exit_4_and_are_never_repeated():
    for code in ALARMS:
        assert lookup(code).kind is Kind.ACCESS
        assert lookup(code).retry is Retry.NEVER


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_code_has_words(language):
    i18n.use(language)
    for code, row in table().items():
        said = lookup(code)
        assert said.known
        assert said.meaning
        assert not said.meaning.endswith((".", "。"))  # it stands inside a sentence
        assert said.advice.endswith((".", "。"))
        chinese = any("\u4e00" <= each <= "\u9fff" for each in said.meaning)
        assert chinese == (language == "zh_CN")
        assert (said.advice != row.advice) == (language == "zh_CN")


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_an_unknown_code_is_told_as_such(language):
    i18n.use(language)
    said = lookup(123456789)
    assert not said.known
    assert said.retry is Retry.NEVER
    assert "123456789" in said.advice


def test_every_code_becomes_an_error_with_a_documented_exit_code():
    allowed = {
        ExitCode.USAGE,
        ExitCode.ACCESS,
        ExitCode.NOT_FOUND,
        ExitCode.LIMIT,
        ExitCode.NETWORK,
        ExitCode.CONFLICT,
    }
    for code in table():
        error = refused("externalcontact/get", code, "")
        assert error.exit_code in allowed
        assert error.category != "error"
        assert error.errcode == code
        assert error.as_dict()["errcode"] == code


def test_60020_in_chinese_names_the_ip():
    i18n.use("zh_CN")
    error = refused("user/get", 60020, "not allow, from ip: 2001:db8::7, more info at x")
    assert "2001:db8::7" in error.message
    assert "企业可信IP" in error.message

"""Texts and what is filled into them."""

from __future__ import annotations

import pytest

from storeops import i18n


def test_latin_values_do_not_touch_chinese_text(monkeypatch):
    """Whatever is filled in close to a character: Latin gets a blank, Chinese stands close."""
    monkeypatch.setattr(i18n, "_catalogue", None)
    i18n.use("zh_CN")
    try:
        title = i18n.kept(i18n.N_("Message to {name}"), name="left0001")
        assert i18n.said(title) == "发送给 left0001 的消息"
        assert i18n._("Message to {name}").format(name="刘丽妍") == "发送给刘丽妍的消息"
        assert i18n._("Message to {name}").format(name="A1王") == "发送给 A1王的消息"
        assert i18n.said(i18n.kept("{name} %", name="{0.x}")) == "{0.x} %"
    finally:
        i18n.use("en")


@pytest.mark.parametrize(
    "text",
    [
        '{"say": ' + "[" * 1_900,
        '{"say": "x", "values": {"a": ' + "[" * 900 + "]" * 900 + "}}",
        '{"say": "x{a}", "values": {"a": ' + "[" * 480 + "1" + "]" * 480 + "}}",
    ],
    ids=["open", "closed", "filled in"],
)
def test_a_kept_text_that_goes_on_for_ever_is_shown_as_it_is(text):
    """A title may come from a back office; the lists of head office have to end."""
    assert i18n.said(text) in (text, "x", "x1")
    assert i18n.reworded(text, str)

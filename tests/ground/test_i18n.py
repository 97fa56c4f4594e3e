"""Texts and what is filled into them."""

from __future__ import annotations

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

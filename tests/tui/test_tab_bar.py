"""Every spec is on the first line, however narrow it is and whatever the language."""

from __future__ import annotations

import pytest

from storeops import i18n
from storeops.i18n import _
from tui.cells import cell_width
from tui.screen_registry import screens as all_screens
from tui.widgets.tab_bar import CLOSE, ROOMY, TIGHT, Entry, TabBar, titles_for


def tabs(here: str) -> list[tuple[str, str, bool]]:
    return [(spec.key, _(spec.title), spec.name == here) for spec in all_screens()]


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("here", ["today", "handover", "sandbox"])
def test_all_doors_fit(language, here):
    """From 40 cells on every key stands there, at the same place on every screen."""
    i18n.use(language)
    for width in range(40, 170):
        bar = TabBar()
        entries = [Entry(key, title, shown, lambda: None) for key, title, shown in tabs(here)]
        bar.put(entries, width)
        assert cell_width(bar.text.rstrip()) <= width, (width, bar.text)
        words = bar.text.split()
        for key, _title, _shown in tabs(here):
            assert any(word.startswith(key) for word in words), (width, key, bar.text)


def test_eighty_cells():
    """What a terminal of 80 cells shows."""
    i18n.use("en")
    for here in ("customers", "today"):
        # no blanks behind digits, so that all have three letters; what is left completes words
        blanks, titles = titles_for(tabs(here)[:-1], 80)  # no sandbox
        assert blanks == TIGHT
        assert titles == ["Today", "Cus", "Sta", "Sto", "Tags", "Gro", "Sync", "Pla", "Jobs", "Eve",
                          "Han", "Aud", "Nig", "Rep"]  # fmt: skip
        blanks, titles = titles_for(tabs(here), 80)
        assert blanks == TIGHT
        assert [len(each) for each in titles] == [3] * 15
        blanks, titles = titles_for(tabs(here), 90)
        assert blanks == CLOSE
        assert [len(each) for each in titles] == [3] * 15
    i18n.use("zh_CN")
    blanks, titles = titles_for(tabs("customers"), 80)
    assert titles[:6] == ["今日", "客户", "成员", "门店", "标签", "客户群"]
    assert all(titles)
    whole = [title for _key, title, _here in tabs("")]
    assert titles_for(tabs("customers"), 94) == (CLOSE, whole)


def test_wide():
    """With room enough nothing is cut and tabs stand apart."""
    i18n.use("en")
    assert titles_for(tabs("today"), 160) == (ROOMY, [spec.title for spec in all_screens()])

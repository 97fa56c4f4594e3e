"""Every tab is on the first line or on the leaf before or after, whatever width and language."""

from __future__ import annotations

import pytest

from storeops import i18n
from storeops.i18n import _
from tui.cells import cell_width
from tui.screen_registry import screens as all_screens
from tui.widgets.tab_bar import CLOSE, ROOMY, Entry, TabBar, titles_for


def tabs(here: str) -> list[tuple[str, str, bool]]:
    return [(spec.key, _(spec.title), spec.name == here) for spec in all_screens()]


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("here", ["today", "handover", "sandbox"])
def test_the_tab_shown_is_seen(language, here):
    """From 40 cells on, with its whole title where there are leaves, and the others counted."""
    i18n.use(language)
    entries = [Entry(key, title, shown, lambda: None) for key, title, shown in tabs(here)]
    for width in range(40, 240):
        bar = TabBar()
        bar.put(entries, width, lambda: None)
        assert cell_width(bar.text.rstrip()) <= width, (width, bar.text)
        seen = titles_for(tabs(here), width)[1]
        (shown,) = [at for at, each in enumerate(entries) if each.here]
        assert shown in seen
        words = bar.text.split()
        for at in seen:
            assert any(word.startswith(entries[at].key) for word in words), (width, bar.text)
        assert bar.text.rstrip().endswith(f":+{len(entries) - len(seen)}") is (
            len(seen) < len(entries)
        )


def test_leaves_are_the_same_from_every_tab():
    """Nothing moves while one goes from tab to tab of a leaf; together they are all tabs."""
    i18n.use("en")
    leaves = {titles_for(tabs(spec.name), 60)[1] for spec in all_screens()}
    assert sorted(at for leaf in leaves for at in leaf) == list(range(len(all_screens())))
    assert len(leaves) > 1


def test_wide():
    """With room enough nothing is cut and tabs stand apart."""
    i18n.use("en")
    every = [spec.title for spec in all_screens()]
    assert titles_for(tabs("today"), 400) == (ROOMY, range(len(every)), every)
    assert titles_for(tabs("today"), sum(map(len, every)) + 3 * len(every))[0] == CLOSE

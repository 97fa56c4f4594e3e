"""Every door is on the first line, however narrow it is and whatever the language."""

from __future__ import annotations

import pytest

from storeops import i18n
from storeops.i18n import _
from tui.cells import cell_width
from tui.doors import DOORS
from tui.widgets.door_bar import DoorBar, Entry, titles_for


def doors(here: str) -> list[tuple[str, str, bool]]:
    return [(door.key, _(door.title), door.name == here) for door in DOORS]


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("here", ["today", "handover", "sandbox"])
def test_all_doors_fit(language, here):
    """From 40 cells on nothing is cut off; the screen shown keeps its whole title."""
    i18n.use(language)
    for width in range(40, 170):
        bar = DoorBar()
        entries = [Entry(key, title, shown, lambda: None) for key, title, shown in doors(here)]
        bar.put(entries, width)
        assert cell_width(bar.text.rstrip()) <= width, (width, bar.text)
        words = bar.text.split()
        for key, title, shown in doors(here):
            assert any(word.startswith(key) for word in words), (width, key, bar.text)
            assert not shown or title in bar.text


def test_eighty_cells():
    """What a terminal of 80 cells shows."""
    i18n.use("en")
    gap, titles = titles_for(doors("customers"), 80)
    assert gap == ""
    assert titles == ["Tod", "Customers", "Sta", "Sto", "Tags", "Gro", "Sync", "Pla", "Job", "Han",
                      "Aud", "San"]  # fmt: skip
    i18n.use("zh_CN")
    assert titles_for(doors("customers"), 80) == ("", [title for _key, title, _here in doors("")])


def test_wide():
    """With room enough nothing is cut and doors stand apart."""
    i18n.use("en")
    assert titles_for(doors("today"), 160) == (" ", [door.title for door in DOORS])

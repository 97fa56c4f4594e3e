"""What a stranger wrote, as cells: the quick way and the careful way say the same."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from storeops.plain import plain
from tui.cells import _HARMLESS, cell_width, shown


def test_harmless_characters_are_harmless():
    """Whatever takes the quick way is printable, safe and measured alike by everybody."""
    harmless = [chr(code) for code in range(0x10000) if _HARMLESS.fullmatch(chr(code))]
    assert len(harmless) > 21_000
    for each in harmless:
        assert plain(each) == each
        assert each.isprintable()
        assert cell_len(each) == cell_width(each)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("王\x1b[31m小", "王␛[31m小"),
        ("小\n王", "小␊王"),
        ("王\u202e小", "王<202E>小"),
        ("王👋🏽", "王👋"),
        ("🇨🇳王", "CN王"),
        ("王\x00", "王␀"),
    ],
)
def test_the_rest_is_made_safe(text, safe):
    """One such character among harmless ones is enough for the careful way."""
    assert shown(text) == safe

"""Ten thousand random keys on the screens: no crash, no write, Esc always leads back.

python -m pytest tests/chaos/test_screens.py -p no:cacheprovider
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "tui"))

from conftest import chain, core, fresh_chain, home, screens  # noqa: F401
from test_random_keys import drive

from tui.screen_registry import screens as all_screens

PRESSES = -(-10_000 // len(all_screens()))


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "seed", range(len(all_screens())), ids=[spec.name for spec in all_screens()]
)
async def test_ten_thousand_keys(fresh_chain, screens, seed, tmp_path, monkeypatch):  # noqa: F811
    """A share of the ten thousand from every screen, each with another seed."""
    monkeypatch.chdir(tmp_path)
    async with screens(start=all_screens()[seed].name) as driver:
        await drive(driver, fresh_chain, 10 + seed, PRESSES)

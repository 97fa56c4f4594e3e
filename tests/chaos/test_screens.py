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

from tui.doors import DOORS

PRESSES = -(-10_000 // len(DOORS))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(len(DOORS)), ids=[door.name for door in DOORS])
async def test_ten_thousand_keys(fresh_chain, screens, seed, tmp_path, monkeypatch):  # noqa: F811
    """A share of the ten thousand from every screen, each with another seed."""
    monkeypatch.chdir(tmp_path)
    async with screens(start=DOORS[seed].name) as driver:
        await drive(driver, fresh_chain, 10 + seed, PRESSES)

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


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(10, 20))
async def test_a_thousand_keys(fresh_chain, screens, seed, tmp_path, monkeypatch):  # noqa: F811
    """A thousand keys per seed, from every screen."""
    monkeypatch.chdir(tmp_path)
    start = ("today", "customers", "staff", "stores", "tags", "groups", "sync", "plans",
             "jobs", "audit")[seed - 10]  # fmt: skip
    async with screens(start=start) as driver:
        await drive(driver, fresh_chain, seed, 1000)

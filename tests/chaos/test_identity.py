"""Forty chains, each twelve random days: people leave, return, are renamed and hidden, customers
are assigned and deleted, lists fail. After three calm syncs every status is the sandbox's own.

    make chaos DRILLS=tests/chaos/test_identity.py
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.identity.conftest import make_chain as make_chain
from tests.identity.test_random_days import live


@pytest.mark.parametrize("seed", range(100, 140))
def test_random_days(make_chain: Any, seed: int) -> None:
    live(make_chain, seed, days=12)

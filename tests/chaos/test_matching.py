"""The long drill of whose orders are (`make chaos`): CHAOS_ORDERS orders (10,000) of five days.

Between the days customers change their numbers, take over others', share one and appear late.
Every order and every count is compared with what other code keeps of it.
"""

from __future__ import annotations

import os

import pytest

from tests.chaos.matching import Days
from tests.domains.conftest import chain  # noqa: F401  (a fixture)

ORDERS = int(os.environ.get("CHAOS_ORDERS", "10000"))
SEED = int(os.environ.get("CHAOS_SEED", "7"))


@pytest.mark.timeout(1800)
def test_no_order_goes_to_anybody_but_its_customer(chain) -> None:  # noqa: F811
    days = Days(chain, SEED, ORDERS * 2 // 5)
    for day in range(5):
        days.take(ORDERS // 5)
        wrong = days.differences()
        assert not wrong, "\n".join(wrong[:20])
        if day < 4:
            days.changes(ORDERS // 50)
            wrong = days.differences()
            assert not wrong, "\n".join(wrong[:20])
    from storeops.domains.orders import matching

    print(f"\nseed {SEED}: {dict(days.kinds)}")
    print({key: value for key, value in matching.report(chain.db).as_dict().items()
           if key != "why_not"}, days.truth.reasons_now())  # fmt: skip

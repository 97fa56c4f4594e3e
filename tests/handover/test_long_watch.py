"""A watch that lasts: the same threads in every round, one line a pair, the last answer counts."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from storeops.domains.handover import afterwards, customer_calls
from storeops.domains.handover.watch import ASKERS
from tests.conftest import Cli
from tests.handover.conftest import DAY, HandoverCorp


class Hurried(threading.Event):
    """Instead of waiting it moves the sandbox's clock."""

    def __init__(self, corp: HandoverCorp) -> None:
        super().__init__()
        self._corp = corp
        self.waits = 0

    def wait(self, timeout: float | None = None) -> bool:
        """So many seconds later, at once."""
        self.waits += 1
        assert self.waits < 60, "it never ends"
        self._corp.advance(timeout or 0)
        return self.is_set()


@pytest.fixture
def lagging(make_corp: Any) -> HandoverCorp:
    """WeCom shows answers long after they were due, so that every pair is asked many times."""
    corp: HandoverCorp = make_corp(
        handover_result_lag_s=300, handover_settle_lag_s=600, handover_refuse_rate=0,
        handover_delete_rate=0, handover_early_rate=0,
    )  # fmt: skip
    return corp


def _many_pairs(corp: HandoverCorp) -> list[str]:
    from_owner, *to_owners = (m["userid"] for m in corp.staff()[:4])
    corp.hand_over(from_owner, to=to_owners, rule="round-robin", groups=False, personal_tags=False)
    corp.advance(DAY)
    return to_owners


def test_every_round_asks_on_the_same_threads(
    lagging: HandoverCorp, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_owners = _many_pairs(lagging)
    asked_on: list[threading.Thread] = []
    pages_of = customer_calls.pages_of

    def noted(*arguments: Any) -> Any:
        asked_on.append(threading.current_thread())
        return pages_of(*arguments)

    monkeypatch.setattr(customer_calls, "pages_of", noted)
    found = lagging.watch(until_settled=True, stop=Hurried(lagging))
    assert found.waiting == 0
    assert len(asked_on) > 2 * len(to_owners), "too few rounds to show anything"
    assert len(set(asked_on)) <= ASKERS
    assert len(found.asked) == len(to_owners), "one entry a pair, however often it was asked"
    assert sum(each.calls for each in found.asked) == found.calls == len(asked_on)
    assert sum((each.settled for each in found.asked), start=type(found.settled)()) == found.settled


def test_what_could_be_asked_in_the_end_is_no_trouble(lagging: HandoverCorp) -> None:
    to_owners = _many_pairs(lagging)
    lagging.control.fault(
        "errcode", "externalcontact/transfer_result", match=to_owners[0], errcode=60111, first=1
    )
    found = lagging.watch(until_settled=True, stop=Hurried(lagging))
    assert found.waiting == 0
    assert found.errors == []
    assert not any(each.error for each in found.asked)
    assert afterwards.trouble(lagging.app.ledger, found) is None


def test_every_line_of_a_watch_is_about_something_else(corp: HandoverCorp, cli: Cli) -> None:
    owner = next(row["owner"] for row in corp.control.export("groups"))
    to_owner = next(m["userid"] for m in corp.staff() if m["userid"] != owner)
    corp.control.act("staff_leave", userid=owner)
    corp.sync()
    corp.hand_over(owner, to=to_owner)
    corp.advance(DAY)
    lines = [
        line.partition(": ")[0]
        for line in cli("handover", "watch").out.splitlines() if " → " in line
    ]  # fmt: skip
    assert len(lines) == 2
    assert len(set(lines)) == 2
    assert any("group chats" in line for line in lines)

"""Papers that end as alarms: each step once, gone when renewed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from storeops import config
from storeops.app import App
from storeops.domains.alert import checking, rules, state
from storeops.domains.suppliers import register
from storeops.domains.suppliers.register import Paper

DAY = 86_400
NOON = 1_779_076_800  # 2026-05-18 12:00 in Beijing
TODAY = date(2026, 5, 18)


@pytest.fixture
def app(home: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    config.save_profile(config.Profile("p", "ww1"))
    opened = App.open("p")
    with opened.data.atomic() as connection:
        connection.execute(
            "INSERT INTO suppliers_supplier VALUES ('V1', '东湖乳业', 'producer', '', '', '[]', 0)"
        )
    yield opened
    opened.close()


@pytest.fixture
def look(app: App, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[str]]:
    rule = next(each for each in rules.rules(()) if each.name == "papers")

    def after(days: int) -> list[str]:
        """Look so many days later; sentences of what was raised."""
        monkeypatch.setattr(type(app.clock), "now", lambda _self: NOON + days * DAY)
        changes = checking.check(app, [rule]).changes
        said = {*changes.raised, *changes.worse}
        return [each.words()[0] for each in state.alarms(app.data) if each.id in said]

    return after


def add(
    app: App, kind: str, number: str, days: int, begins: int | None = None, address: str = ""
) -> None:
    last = (TODAY + timedelta(days=days)).isoformat()
    first = "" if begins is None else (TODAY + timedelta(days=begins)).isoformat()
    paper = Paper("V1", kind, number, valid_from=first, valid_until=last, address=address)
    register.add_papers(app.data, [paper], NOON)


def test_each_step_is_said_once(app: App, look: Callable[[int], list[str]]) -> None:
    add(app, "raw_milk_transport", "T-1", 40)
    days = [day for day in range(45) if look(day)]
    assert days == [0, 10, 25, 33, 40, 41]  # 40 (60 and 90 have come), 30, 15, 7, 0, over


def test_the_window_of_renewal_is_a_step(app: App, look: Callable[[int], list[str]]) -> None:
    add(app, "production_licence", "SC10533050100012", 55)
    days = [day for day in range(30) if look(day)]
    assert days[0] == 0
    assert any(day not in (0, 25) for day in days), "30 working days before the end"


def test_a_renewed_paper_is_over(app: App, look: Callable[[int], list[str]]) -> None:
    add(app, "raw_milk_transport", "T-1", -3)
    (said,) = look(0)
    assert "expired" in said
    assert "东湖乳业" in said
    add(app, "raw_milk_transport", "T-2", 400, begins=-20)
    assert look(1) == []
    assert not state.alarms(app.data)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"days": 250, "begins": -115}, True),  # the permit of another truck, half a year later
        ({"days": 250}, True),  # nobody knows since when
        ({"days": 400, "begins": 1}, True),  # another plant's
        ({"days": 400, "begins": 25}, True),  # days without any lie between
        ({"days": 400, "begins": 21}, False),
        ({"days": 400, "begins": -60}, False),
    ],
)
def test_a_paper_that_runs_beside_it_is_no_renewal(
    app: App, look: Callable[[int], list[str]], other: dict[str, Any], said: bool
) -> None:
    elsewhere = "绍兴路9号" if other.get("begins") == 1 else ""
    add(app, "raw_milk_transport", "T-1", 20, begins=-345, address="东湖路1号" * bool(elsewhere))
    add(app, "raw_milk_transport", "T-2", **other, address=elsewhere)
    assert [" T-1 " in each for each in look(0)] == [True] * said
    assert ["expired" in each for each in look(21)] == [True] * said
    if other.get("begins") == 25:  # late, but there
        assert look(26) == []
        assert not state.alarms(app.data)


def test_a_misread_last_day_stops_nothing(app: App, look: Callable[[int], list[str]]) -> None:
    add(app, "raw_milk_transport", "T-1", -1)
    days = (date.max - TODAY).days
    add(app, "raw_milk_transport", "T-2", days)
    add(app, "raw_milk_transport", "T-3", days, begins=0)
    assert look(0) == []


def test_one_renewal_is_of_one_paper(app: App, look: Callable[[int], list[str]]) -> None:
    """Two trucks whose permits end together, and one new permit."""
    for number in ("T-1", "T-2"):
        add(app, "raw_milk_transport", number, 20, begins=-345)
    assert len(look(0)) == 2
    add(app, "raw_milk_transport", "T-3", 385, begins=21)
    look(1)
    (left,) = state.alarms(app.data)
    assert "T-2" in left.key
    add(app, "raw_milk_transport", "T-4", 385, begins=21)
    look(2)
    assert not state.alarms(app.data)


def test_the_step_takes_a_code_with_a_blank() -> None:
    from storeops.domains.suppliers.alarms import PAPERS

    values = {"kind": "raw_milk_transport", "number": "T", "name": "", "supplier": "A 1"}
    step = PAPERS.describe({**values, "until": "2026-01-01", "days": 3, "renew": False})[1]
    assert step == "storeops supplier check 'A 1'"

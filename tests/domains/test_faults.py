"""A fault of one domain costs that domain's part of a page, and the page says whose it was."""

from __future__ import annotations

import sqlite3
import sys
from types import ModuleType

import pytest

from storeops import domain, i18n
from storeops.changes import action
from storeops.domain import CardSection, Domain, Registry, TodayLine
from storeops.errors import ConfigError, DeclinedError, NetworkError
from storeops.operations import completion_values, doctor
from storeops.wecom.errors import StoppedError

FAULTS = {
    "storeops": ConfigError("Its table is damaged.", hint="Restore it."),
    "network": NetworkError("The till does not answer."),
    "sqlite": sqlite3.OperationalError("no such table: till"),
    "bug": KeyError("points"),
}


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of two domains, `till` that raises `till.error` and `good` that answers."""
    module = ModuleType("acme_till")

    def fails(*_arguments: object) -> None:
        raise module.error

    module.fails = fails  # type: ignore[attr-defined]
    module.lines = lambda *_a: [TodayLine("All well.")]  # type: ignore[attr-defined]
    module.card = lambda *_a: CardSection("Good", (("Points", "7"),))  # type: ignore[attr-defined]
    module.checks = lambda *_a: [doctor.Finding("good", "good", "ok", "")]  # type: ignore[attr-defined]
    for name, part in (("till", "acme_till:fails"), ("good", "")):
        setattr(
            module,
            name,
            Domain(
                name=name, title=name.title(), today=part or "acme_till:lines",
                card={name: part or "acme_till:card"}, checks=part or "acme_till:checks",
                completion={name: part or "acme_till:lines"},
            ),
        )  # fmt: skip
    monkeypatch.setitem(sys.modules, "acme_till", module)
    points = [(name, f"acme_till:{name}", "acme", "1") for name in ("till", "good")]
    registry = Registry(points)
    assert len(registry.domains) == 2
    for room in (domain, doctor, completion_values):
        monkeypatch.setattr(room, "registry", lambda: registry)
    return module


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_of_a_domain_costs_its_part_alone(kind: str, raising: ModuleType) -> None:
    raising.error = FAULTS[kind]  # type: ignore[attr-defined]
    (_, good), (whose, line) = domain.today(None, 0.0)
    assert good.text == "All well."
    assert whose == "till"
    assert "till" in line.text
    told = kind in ("storeops", "network")
    assert (str(FAULTS[kind]) in line.text) is told
    sections = dict(domain.card_sections(None, 1, 0.0))
    assert sections["good"].lines == (("Points", "7"),)
    assert sections["till"].title == "Till"
    assert (str(FAULTS[kind]) in sections["till"].lines[0][1]) is told
    good_check, till_check = doctor.check_domains(None)  # type: ignore[arg-type]
    assert good_check.status == "ok"
    assert till_check.status == "failed"
    assert till_check.exit_code == (8 if kind == "network" else 3)
    assert list(completion_values.values(None, "till", "")) == []  # type: ignore[arg-type]
    assert len(completion_values.values(None, "good", "")) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("wish", [StoppedError("Stopped."), DeclinedError("No.")])
def test_a_wish_to_stop_is_no_fault(wish: Exception, raising: ModuleType) -> None:
    raising.error = wish  # type: ignore[attr-defined]
    with pytest.raises(type(wish)):
        domain.today(None, 0.0)


@pytest.mark.parametrize("case", ["raises", "no_domain", "newer", "needs", "twice", "taken"])
def test_why_a_domain_is_left_out_is_said_in_chinese(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("acme_odd")
    odd = {
        "raises": None,
        "no_domain": 3,
        "newer": Domain(name="odd", title="Odd", api=99),
        "needs": Domain(name="odd", title="Odd", needs=("missing",)),
        "twice": Domain(name="odd", title="Odd"),
        "taken": Domain(name="odd", title="Odd", actions={"tag": "a:b"}),
    }[case]
    if case != "raises":
        module.odd = odd  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "acme_odd", module)
    points = [("odd", "acme_odd:odd", "acme", "1")] * (2 if case == "twice" else 1)
    i18n.use("zh_CN")
    try:
        found = Registry(points, {"actions": ["tag"]}).found[-1]
    finally:
        i18n.use("en")
    assert found.domain is None
    assert any("\u4e00" <= character <= "\u9fff" for character in found.reason), found.reason


def test_an_action_that_waits_to_be_asked_by_another_name_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An earlier contract said `hold`: such rows would be sent without being asked about."""
    module = ModuleType("acme_odd")
    old = type("Old", (), {"name": "odd_gift", "path": "x", "hold": lambda *_: {}})
    new = type("New", (), {"name": "odd_card", "path": "x", "veto": lambda *_: {}})
    both = type("Both", (new,), {"hold": lambda *_: {}})
    for name, kind in (("old", old), ("new", new), ("both", both)):
        setattr(module, name.title(), kind)
        made = Domain(name=name, title=name, actions={name: f"acme_odd:{name.title()}"})
        setattr(module, name, made)
    monkeypatch.setitem(sys.modules, "acme_odd", module)
    points = [(name, f"acme_odd:{name}", "acme", "1") for name in ("old", "new", "both")]
    found = Registry(points)
    monkeypatch.setattr(action, "registry", lambda: found)
    known = action.ActionRegistry()
    assert isinstance(known["new"], new)
    assert isinstance(known["both"], both)
    assert known.get("old") is None
    (left_out,) = (each for each in found.found if each.domain is None)
    assert left_out.name == "old"
    assert "its action old has a `hold`" in left_out.reason
    assert "`veto`" in left_out.reason

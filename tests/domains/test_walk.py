"""The walk "Add a domain" of docs/architecture.md, followed step by step with acme_loyalty."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import pytest

from storeops.domain import Domain, Registry, load
from storeops.domain import registry as installed

ROOT = Path(__file__).parents[2]
ACME = Path(__file__).parent / "acme_loyalty"
PAGE = (ROOT / "docs/architecture.md").read_text("utf-8")
WALK = PAGE.split("**Add a domain**")[1].split("\n### ")[0]
STEPS = [text for _number, text in re.findall(r"^(\d+)\. (.+)$", WALK, flags=re.MULTILINE)]
GIVEN = {"name", "title", "api", "needs"}  # before the first step
FIELDS = {each.name for each in fields(Domain)} - GIVEN


def brought_by(step: str) -> list[str]:
    """Fields of Domain that a step fills."""
    return [word for word in re.findall(r"`(\w+)`", step) if word in FIELDS]


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch) -> Iterator[Domain]:
    """The finished domain, imported from where it lies."""
    monkeypatch.syspath_prepend(str(ACME))
    yield load("acme_loyalty:DOMAIN")
    for name in [each for each in sys.modules if each.split(".")[0] == "acme_loyalty"]:
        del sys.modules[name]


def test_the_walk_has_ten_steps_and_leaves_no_field_out() -> None:
    assert len(STEPS) == 10
    named = [name for step in STEPS for name in brought_by(step)]
    assert sorted(named) == sorted(FIELDS), "each field of Domain belongs to one step"
    for step in STEPS:
        for file in re.findall(r"\(`([\w/]+\.py)`", step):
            assert (ROOT / "storeops" / file).exists(), file


def test_after_every_step_the_registry_has_what_the_steps_so_far_bring(
    acme: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storeops.i18n.add_catalogue", lambda folder, name: None)
    later = {name: _empty(name) for step in STEPS for name in brought_by(step)}
    for step in STEPS:
        for name in brought_by(step):
            del later[name]
        made = replace(acme, needs=(), **later)
        monkeypatch.setattr(sys.modules["acme_loyalty"], "DOMAIN", made)
        registry = Registry([("loyalty", "acme_loyalty:DOMAIN", "acme", "1.0")])
        assert [each.reason for each in registry.found] == [""], step
        (there,) = registry.domains
        for name in FIELDS:
            assert bool(getattr(there, name)) is (bool(getattr(acme, name)) and name not in later)


def test_what_the_finished_domain_names_is_what_the_engines_ask_for(acme: Domain) -> None:
    from storeops.reading.columns import CustomerColumn
    from storeops.reading.conditions import Condition
    from storeops.sync.scopes import SyncScope

    kinds: dict[str, Any] = {
        "conditions": Condition, "columns": CustomerColumn, "scopes": SyncScope, "actions": type,
    }  # fmt: skip
    filled = {name for name in FIELDS if getattr(acme, name)}
    builtin = {name for each in installed().domains for name in FIELDS if getattr(each, name)}
    assert filled | builtin == FIELDS, "a field that nobody fills is not shown to anybody"
    for name in filled - {"nouns", "screens", "catalogue", "tasks", "requests"}:
        value = getattr(acme, name)
        if isinstance(value, Mapping):
            for where in value.values():
                assert isinstance(load(where), kinds.get(name, object)), where
        else:
            assert load(value) is not None, value
    action = load(acme.actions["loyalty_gift"])()
    for method in ("check", "batch", "call", "send", "interpret", "read_back", "facts", "inverse"):
        assert callable(getattr(action, method))


def _empty(name: str) -> Any:
    field = next(each for each in fields(Domain) if each.name == name)
    return field.default if field.default is not MISSING else field.default_factory()  # type: ignore[misc]

"""The network is gone: said once, named everywhere, and forgotten when it is back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from storeops.errors import NetworkError
from storeops.wecom import contacts, customers, tags
from storeops.wecom.transport import NoReplyError, Transport
from tests.chaos.truth import compare, facts
from tests.chaos.world import World, scope

MakeWorld = Callable[..., World]
GET_BY_USER = "externalcontact/batch/get_by_user"


class Wire:
    """Stands before the transport: counts what is sent, and can be unplugged."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.plugged = True
        self.pages = 10**6  # of customers, before it is unplugged
        self.sent: list[tuple[str, bool]] = []
        self._lock = threading.Lock()
        real = Transport.send

        def send(transport: Transport, verb: str, path: str, *rest: Any, **how: Any) -> Any:
            with self._lock:
                self.sent.append((path, how.get("probing", False)))
                self.pages -= path == GET_BY_USER
                self.plugged = self.plugged and self.pages >= 0
            if not self.plugged:
                raise NoReplyError("connect", sent=False)
            return real(transport, verb, path, *rest, **how)

        monkeypatch.setattr(Transport, "send", send)


def test_a_dead_network_is_asked_one_and_a_bit(
    world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world()
    here.sync()
    before = facts(here.data)
    wire = Wire(monkeypatch)
    wire.plugged = False
    result = here.sync()
    # three tries for the first scope, one quick try for the second, none for the others
    asked = [each for each in wire.sent if each[0] != "getcallbackip"]  # for the time
    assert asked == [("department/list", False)] * 3 + [("department/simplelist", True)]
    assert len(wire.sent) == len(asked) + 1
    assert result.outcome == "failed"
    assert {each.outcome for each in result.scopes} == {"failed"}
    assert all(each.scope in {one.subject for one in each.failures} for each in result.scopes)
    listed = {
        row[0] for row in here.data.execute("SELECT userid FROM staff WHERE is_follow_user = 1")
    }
    assert listed <= {each.subject for each in scope(result, "follows").failures}
    assert sum(each.calls for each in result.scopes) == 2
    assert facts(here.data) == before


def test_a_network_that_dies_under_way_ends_the_run_soon(
    world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world(staff=250, follows=3000)
    wire = Wire(monkeypatch)
    wire.pages = 8
    result = here.sync()
    outcomes = {each.scope: each.outcome for each in result.scopes}
    assert result.outcome == "partial"
    assert (outcomes["tags"], outcomes["unassigned"], outcomes["groups"]) == (
        "complete", "failed", "failed",
    )  # fmt: skip
    assert scope(result, "unassigned").calls == 1
    assert scope(result, "groups").calls == 0
    wire.plugged, wire.pages = True, 10**6
    wire.sent.clear()
    # nobody is to blame, so that nobody is asked alone the next time
    assert here.sync().outcome == "complete"
    assert sum(path == GET_BY_USER for path, _probing in wire.sent) <= 33
    assert not compare(here.data, here.sandbox.control)


def test_a_network_that_dies_among_departments_names_them_all(
    world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world(stores=400, staff=450, follows=600)
    wire = Wire(monkeypatch)
    real = contacts.list_users

    def last_word(*asked: Any, **how: Any) -> Any:
        wire.plugged = False
        return real(*asked, **how)

    monkeypatch.setattr(contacts, "list_users", last_word)
    result = here.sync(scopes=["departments", "staff"])
    staff = scope(result, "staff")
    named = [each for each in staff.failures if each.subject.startswith("department ")]
    assert len(named) > 6
    assert sum(path == "user/list" for path, _probing in wire.sent) < 3 * len(named)
    assert staff.calls < len(named) + 6


def test_one_answer_ends_the_hurry(world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    here = world()
    wire = Wire(monkeypatch)
    wire.plugged = False
    client = here.client
    for tries in (3, 1, 1):
        wire.sent.clear()
        with pytest.raises(NetworkError):
            contacts.list_departments(client)
        assert len(wire.sent) == tries
        assert client.circuit_open
    wire.plugged = True
    assert contacts.list_departments(client)
    assert not client.circuit_open
    wire.plugged = False
    wire.sent.clear()
    with pytest.raises(NetworkError):
        tags.list_corp_tags(client)
    assert wire.sent == [("externalcontact/get_corp_tag_list", False)] * 3


def test_a_refusal_is_an_answer(world: MakeWorld) -> None:
    here = world()
    here.sandbox.control.fault("errcode", "department/list", errcode=60011)
    result = here.sync()
    assert scope(result, "departments").outcome == "failed"
    assert scope(result, "follows").outcome == "complete"
    here.sandbox.control.clear_faults()
    here.sandbox.control.fault("status", "externalcontact/get_corp_tag_list")
    result = here.sync()
    assert [each.scope for each in result.scopes if each.outcome != "complete"] == ["tags"]
    assert customers.list_follow_users(here.client)

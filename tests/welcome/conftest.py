"""A chain that calls back over a socket, a profile that greets, and the rules of one test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from storeops.domains.welcome import log
from storeops.domains.welcome.log import Greeting
from storeops.operations import at_once
from tests.events.calling_corp import CallingCorp
from tests.handover.conftest import HandoverCorp
from tests.synced import synced


class Door:
    """Customers come in at the sandbox; greetings are what its people see."""

    def __init__(self, called: CallingCorp, rules: Path) -> None:
        self.called, self.control, self.app = called, called.control, called.app
        self._rules = rules
        self.members = [each["userid"] for each in called.corp.staff()]
        self.trouble: list[str] = []

    def rule(self, text: str, name: str = "all") -> Path:
        """A file of rules."""
        self._rules.mkdir(parents=True, exist_ok=True)
        path = self._rules / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def arrive(self, **given: Any) -> dict[str, Any]:
        """A new customer adds a member, the first one unless said."""
        done: dict[str, Any] = self.control.act(
            "customer_new", **{"userid": self.members[0], **given}
        )
        return done

    def greet(self, **about: Any) -> list[Greeting]:
        """Greet whoever has come; the log, oldest first."""
        self.called.delivered()
        with at_once.beside(self.app, on_trouble=self.trouble.append):
            pass
        return log.greetings(self.app.data, **about)[::-1]

    def fault(self, kind: str, **how: Any) -> None:
        """The next greeting meets trouble."""
        self.control.fault(kind, "externalcontact/send_welcome_msg", first=1, **how)

    def seen(self, who: dict[str, Any]) -> list[tuple[str, str]]:
        """What a customer saw: (kind, text)."""
        rows = self.control.call("GET", "inbox")["items"]
        return [(r["kind"], r["body"]) for r in rows if r["to"] == who["external_userid"]]

    def sends(self) -> int:
        """Calls of send_welcome_msg that reached the sandbox."""
        return self.called.corp.calls("send_welcome_msg")

    def until(self, true: Callable[[], bool]) -> None:
        """Wait for something that another process or thread brings about."""
        for _each in range(400):
            if true():
                return
            time.sleep(0.05)
        raise AssertionError("it did not come")


@pytest.fixture
def door(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    monkeypatch.chdir(tmp_path)
    shape = {"stores": 2, "staff": 6, "follows": 24, "seed": 3}
    corp = synced(home, shape, HandoverCorp, HandoverCorp.sync)
    called = CallingCorp(corp)
    yield Door(called, tmp_path / "rules" / "welcome")
    called.close()
    corp.close()

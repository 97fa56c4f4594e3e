"""A sandbox whose people change names, ids and places, and a profile synced with it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

from storeops import config, secrets
from storeops.app import App
from storeops.sandbox import local
from storeops.sync.run import run_sync
from tests.synced import synced

SHAPE = {"stores": 2, "staff": 8, "follows": 80, "seed": 5}
Follows = dict[tuple[str, str], str]


class Chain:
    """One sandbox and one App over it."""

    def __init__(self, sandbox: local.SandboxHandle | None = None, **shape: Any) -> None:
        self.sandbox = sandbox or local.start(**{**SHAPE, **shape})
        self.control = self.sandbox.control
        config.save_profile(
            config.Profile(
                "t",
                self.sandbox.corp_id,
                agent_id=self.sandbox.agent_id,
                base_url=self.sandbox.base_url,
                sandbox=True,
            ),
            make_default=True,
        )
        secrets.save("t", self.sandbox.secret)
        self.app = App.open("t")

    def act(self, act: str, /, **about: Any) -> dict[str, Any]:
        """Somebody does something."""
        return self.control.act(act, **about)

    def sync(self, times: int = 1) -> list[str]:
        """Sync, and the outcome of each run."""
        return [run_sync(self.app).outcome or "" for _time in range(times)]

    def staff(self) -> list[str]:
        """userids of present members with customers, most customers first."""
        people = [
            each
            for each in self.control.export("staff")
            if not each["left_at"] and each["customer_contact"] and each["status"] == 1
            and each["visible"] and each["customers"]
        ]  # fmt: skip
        return [e["userid"] for e in sorted(people, key=lambda e: (-e["customers"], e["userid"]))]

    def mirror(self) -> Follows:
        """(userid, external_userid) → status."""
        return {
            (userid, external): status
            for userid, external, status in self.app.data.execute(
                "SELECT s.userid, c.external_userid, f.status FROM follow AS f"
                " JOIN staff AS s ON s.id = f.staff_id JOIN customer AS c ON c.id = f.customer_id"
            )
        }

    def held(self, userid: str) -> list[str]:
        """external_userid of a member's customers, in the sandbox's own record."""
        rows = self.control.export("follows")
        return sorted(each["external_userid"] for each in rows if each["userid"] == userid)

    def known_of(self, userids: Collection[str]) -> set[tuple[str, str]]:
        """Relations that these members have in the sandbox since the moment the mirror knows."""
        begun = {
            (userid, external): begun
            for userid, external, begun in self.app.data.execute(
                "SELECT s.userid, c.external_userid, f.createtime FROM follow AS f"
                " JOIN staff AS s ON s.id = f.staff_id JOIN customer AS c ON c.id = f.customer_id"
            )
        }
        found = set()
        for row in self.control.export("follows"):
            pair = (row["userid"], row["external_userid"])
            if pair[0] in userids and begun.get(pair) == row["createtime"]:
                found.add(pair)
        return found

    def close(self) -> None:
        """End both."""
        self.app.close()
        self.sandbox.stop()


@pytest.fixture
def make_chain(home: Path) -> Iterator[Callable[..., Chain]]:
    """Starts a chain of a given shape."""
    made: list[Chain] = []

    def make(**shape: Any) -> Chain:
        made.append(Chain(**shape))
        return made[-1]

    yield make
    for each in made:
        each.close()


def sync_once(chain: Chain) -> None:
    """The first sync of a chain."""
    assert chain.sync() == ["complete"]


@pytest.fixture
def chain(home: Path) -> Iterator[Chain]:
    """A small chain, synced."""
    found = synced(home, SHAPE, Chain, sync_once)
    yield found
    found.close()

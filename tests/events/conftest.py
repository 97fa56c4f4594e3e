"""A receiver over an inbox of its own, with the keys of the contract's test vectors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storeops.database.database import Database, open_database
from storeops.events import schema
from storeops.events.crypto import CallbackKeys
from storeops.events.inbox import Inbox
from storeops.events.receiver import Receiver
from tests.events.calling_corp import CallingCorp
from tests.events.sealing import CORP, KEY, TOKEN
from tests.handover.conftest import HandoverCorp, corp, make_corp

__all__ = ["corp", "make_corp"]

NOW = 1_767_225_600.0


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def learn(self, server_time: float) -> None:
        self.time = server_time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def inbox_db(tmp_path: Path) -> Iterator[Database]:
    db = open_database(tmp_path / "inbox.db", schema.MIGRATIONS, synchronous="FULL")
    yield db
    db.close()


@pytest.fixture
def keys() -> CallbackKeys:
    return CallbackKeys(TOKEN, KEY, CORP)


@pytest.fixture
def receiver(inbox_db: Database, keys: CallbackKeys, clock: Clock) -> Receiver:
    return Receiver(Inbox(inbox_db), keys, clock)


@pytest.fixture
def called(corp: HandoverCorp) -> Iterator[CallingCorp]:
    """A chain that calls back."""
    found = CallingCorp(corp)
    yield found
    found.close()

"""A small chain in a mirror of its own, made without a sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from storeops import config
from storeops.app import App
from storeops.mirror.facts import Batch, apply_facts
from storeops.wecom.contacts import Department, User
from storeops.wecom.customers import ExternalContact, FollowInfo, FollowRow

CHINA = timezone(timedelta(hours=8))


def _at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp())


@dataclass
class Chain:
    """A profile with two shops, three guides, and the customers that a test adds."""

    app: App
    folder: Path
    files: int = 0
    names: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def at(text: str) -> int:
        """Unix seconds of a moment in China: 2026-05-01 or 2026-05-01 14:30."""
        return _at(text)

    @property
    def db(self) -> Any:
        return self.app.data

    def person(
        self,
        name: str,
        *phones: str,
        owner: str = "anna",
        since: str = "2026-01-01",
        unionid: str = "",
        seen: str = "",
        source: str = "sync",
    ) -> str:
        """A customer with an owner; the same name is the same person. Returns the id."""
        external = f"wm{name:x<30}"
        row = FollowRow(
            ExternalContact(external, name, type=1, unionid=unionid),
            FollowInfo(owner, createtime=_at(since), remark_mobiles=tuple(phones)),
        )
        apply_facts(self.db, source, Batch(follows=[row]), _at(seen or since), "1")
        return external

    def file(self, text: str, name: str = "") -> str:
        """A file with this text; its path."""
        self.files += 1
        path = self.folder / (name or f"file{self.files}.csv")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return str(path)


@pytest.fixture
def chain(home: Path, tmp_path: Path) -> Iterator[Chain]:
    config.save_profile(config.Profile("chain", "wwexample", base_url="http://127.0.0.1:9"))
    app = App.open()
    try:
        shops = [Department(each, f"Shop {each}", "", (), 1, 0) for each in (10, 11)]
        members = [
            User(userid, userid.title(), department=(shop,), main_department=shop, status=1)
            for userid, shop in (("anna", 10), ("ben", 10), ("cleo", 11))
        ]
        apply_facts(
            app.data, "sync", Batch(departments=shops, staff=members), _at("2026-01-01"), "0"
        )
        yield Chain(app, tmp_path / "files")
    finally:
        app.close()

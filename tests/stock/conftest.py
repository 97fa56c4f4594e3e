"""A small chain whose members write to the app, and whose shops have numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.events.calling_corp import CallingCorp
from tests.handover.conftest import HandoverCorp, corp, make_corp

__all__ = ["corp", "make_corp"]


class PhotoCorp:
    """A chain that calls back.

    Attributes:
        guides: number of a shop → userid of a member of it.
        stranger: userid of a member whose shop has no number.
    """

    def __init__(self, corp: HandoverCorp) -> None:
        from storeops.notebook.stores import Shop, save_shops
        from storeops.sync.run import run_sync

        self.corp, self.app = corp, corp.app
        run_sync(corp.app)
        self.calling = CallingCorp(corp)
        self.guides: dict[str, str] = {}
        shops = []
        for each in corp.staff():
            if each["main_department"] not in {shop.department_id for shop in shops}:
                code = f"S{len(shops) + 1}"
                shops.append(Shop(each["main_department"], code, f"店{len(shops) + 1}"))
                self.guides[code] = each["userid"]
        save_shops(corp.app.data, shops[:2], corp.app.clock.now())
        self.stranger = self.guides.pop("S3")
        self.guides = {code: self.guides[code] for code in ("S1", "S2")}

    def send(self, userid: str, **values: Any) -> None:
        """A member sends a picture to the app; it is received and handled."""
        self.corp.control.act("photo_send", userid=userid, **values)
        self.calling.settle()


@pytest.fixture
def chain(corp: HandoverCorp) -> Iterator[PhotoCorp]:
    found = PhotoCorp(corp)
    yield found
    found.calling.close()

"""Contact ways (联系我): codes and buttons by which customers add members (doc 92228)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from storeops.sandbox.ids import digest, object_id
from storeops.sandbox.organisation import ACTIVE, Member, Organisation

if TYPE_CHECKING:
    from storeops.sandbox.corp import Corp

SINGLE, MULTI = 1, 2  # type
BUTTON, QR = 1, 2  # scene
LISTED_SINCE = 1_625_846_400  # 2021-07-10: older ones are never listed


@dataclasses.dataclass(slots=True)
class ContactWay:
    """One way; `qr_code` is an address for scene 2 only."""

    config_id: str
    type: int
    scene: int
    create_time: int
    style: int = 0
    remark: str = ""
    skip_verify: bool = True
    state: str = ""
    qr_code: str = ""
    user: list[str] = dataclasses.field(default_factory=list)
    party: list[int] = dataclasses.field(default_factory=list)
    is_exclusive: bool = False

    def as_json(self) -> dict[str, Any]:
        """The contact_way object of get_contact_way."""
        row = dataclasses.asdict(self)
        del row["create_time"]
        if self.scene != BUTTON:
            del row["style"]
        return row | {"is_temp": False}


class ContactWays:
    """Every way by its config_id, oldest first; deleted ones are gone."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.made = 0
        self.ways: dict[str, ContactWay] = {}

    def add(self, type_: int, scene: int, now: int, **fields: Any) -> ContactWay:
        """A new way."""
        config_id = object_id("", self._seed, "contact way", self.made)
        self.made += 1
        way = ContactWay(config_id, type_, scene, now, **fields)
        if scene == QR:
            picture = digest(self._seed, config_id, size=12).hex()
            way.qr_code = f"https://wework.qpic.example/wwpic3az/{picture}/0"
        self.ways[config_id] = way
        return way

    def dump(self) -> dict[str, Any]:
        """For a saved state."""
        return {"made": self.made, "ways": [dataclasses.asdict(w) for w in self.ways.values()]}


def fit(member: Member) -> bool:
    """Whether a member may be added by a way: active, real name verified, customer contact."""
    return member.status == ACTIVE and member.real_name and member.customer_contact


def members(organisation: Organisation, users: Iterable[str], parties: Iterable[int]) -> set[int]:
    """Numbers of the present members that a way reaches, fit or not."""
    found = {m.number for u in users if (m := organisation.present(u)) is not None}
    below = {node for party in parties for node in organisation.subtree(party)}
    found.update(member.number for node in below for member in organisation.people(node))
    return found


def records(corp: Corp) -> Iterator[dict[str, Any]]:
    """Every way as it truly is."""
    for way in corp.contact_ways.ways.values():
        yield dataclasses.asdict(way)

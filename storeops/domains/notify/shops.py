"""The shops of the chain as receivers: where a message about a shop goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from storeops.database.database import Database
from storeops.domains.notify import targets
from storeops.domains.notify.targets import APP

_GONE = ("left", "out_of_scope")  # the app reaches nobody of these


@dataclass(frozen=True, slots=True)
class ShopReceiver:
    """Where a message about one shop goes.

    Attributes:
        target: name of the target; "" where there is nobody to tell.
        staff: userids, where the app writes to the shop's members.
    """

    target: str = ""
    staff: tuple[str, ...] = ()


def staff(db: Database, stores: Iterable[str]) -> dict[str, list[str]]:
    """Userids of the present members of shops, by the shops' numbers."""
    wanted = set(stores)
    if not wanted:
        return {}
    from storeops.notebook.stores import list_shops
    from storeops.reading.directory import members

    shops = {each.department_id: each.code for each in list_shops(db) if each.code in wanted}
    found: dict[str, list[str]] = {}
    for each in members(db):
        if each.store_id in shops and each.status not in _GONE:
            found.setdefault(shops[each.store_id], []).append(each.userid)
    return found


def receivers(db: Database, people: Mapping[str, Sequence[str]]) -> dict[str, ShopReceiver]:
    """Where messages about shops go.

    A target that bears the shop's number goes before everything: its group's robot, its chat.
    Else the app writes to the shop's members, unless the name that stands for them is taken by a
    group's robot or a chat: nobody knows whose it is.

    Args:
        db: data.db.
        people: number of a shop → userids, as `staff` gives them.
    """
    known = {each.name.casefold(): each for each in targets.every(db)}
    found = {}
    for store, userids in people.items():
        own = known.get(store.casefold()) if store else None
        name = target_name(store)
        same = known.get(name.casefold())
        if own is not None:
            found[store] = ShopReceiver(own.name)
        elif userids and (same is None or same.sender == APP):
            found[store] = ShopReceiver(name, tuple(userids))
        else:
            found[store] = ShopReceiver()
    return found


def target_name(store: str) -> str:
    """The name that stands for the members of a shop; never that of another one."""
    return targets.own_name("shop", store)


def keep(db: Database, receiver: ShopReceiver, now: float) -> None:
    """The members of a shop under one name, as they are today; its quiet hours stay."""
    if not receiver.staff:
        return
    targets.keep_members(db, receiver.target, receiver.staff, now)

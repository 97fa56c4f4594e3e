"""Where the go-anywhere window can lead beyond screens and actions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from storeops import config
from storeops.changes import plans
from storeops.changes.action import kind_title
from storeops.i18n import _
from storeops.notebook.views import list_views
from tui.cells import shown
from tui.customer_repository import Look
from tui.names import NameLookup

if TYPE_CHECKING:
    from storeops.app import App
    from tui.app import StoreOpsApp
    from tui.customer_repository import CustomerRepository

PLANS = 200  # the newest ones are found
CUSTOMERS = 8  # found by a few letters


@dataclass(frozen=True, slots=True)
class Destination:
    """Somewhere to go.

    Attributes:
        kind: translated word for what it is.
        name: for people.
        note: shown behind it, and looked in too.
        go: goes there.
    """

    kind: str
    name: str
    note: str
    go: Callable[[StoreOpsApp], object]


def destinations(core: App) -> list[Destination]:
    """Views, shops, tags, members, plans and other profiles."""
    db, words = core.data, NameLookup(core.data)
    found = [
        Destination(_("view"), view.name, view.filter, _customers(view.filter))
        for view in list_views(db)
    ]
    for key in words.shops:
        found.append(Destination(_("shop"), words.shop(key), words.code(key),
                            _customers(words.shop_filter(key))))  # fmt: skip
    for tag_id in words.tags:
        found.append(Destination(_("tag"), words.tag_name(tag_id), words.tag_group(tag_id),
                            _customers(words.tag_filter(tag_id))))  # fmt: skip
    for userid in words.staff:
        found.append(Destination(_("member"), words.member(userid), userid,
                            _customers(words.member_filter(userid))))  # fmt: skip
    for plan in plans.listing(db, limit=PLANS):
        title = plan.heading or kind_title(plan.kind)
        found.append(Destination(_("plan"), plan.name, title, _screen("plans", plan.name)))
    for name in sorted(config.load().profiles):
        if name != core.profile.name:
            found.append(Destination(_("profile"), name, "", _profile(name)))
    return [replace(each, name=shown(each.name), note=shown(each.note)) for each in found]


def matching_customers(customers: CustomerRepository, words: str) -> list[Destination]:
    """The first few customers whom the words find, as in the filter."""
    from storeops.reading.filter import FilterError

    try:
        rows = customers.rows(Look(words, columns=("name", "owner", "store")))
        lines = rows.window(0, CUSTOMERS).lines
    except FilterError:
        return []
    return [
        Destination(_("customer"), line.cells[0], f"{line.cells[1]} {line.cells[2]}".strip(),
               _card(str(line.data), line.cells[0]))
        for line in lines
    ]  # fmt: skip


def _customers(where: str) -> Callable[[StoreOpsApp], object]:
    return _screen("customers", where)


def _screen(name: str, target: str) -> Callable[[StoreOpsApp], object]:
    return lambda app: app.go(name, target)


def _profile(name: str) -> Callable[[StoreOpsApp], object]:
    return lambda app: app.change_profile(name)


def _card(external_userid: str, name: str) -> Callable[[StoreOpsApp], object]:
    return lambda app: app.base_screen.show_customer(external_userid, name)

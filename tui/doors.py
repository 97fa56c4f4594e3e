"""The map of the house: every screen, its key, and where its code lies.

A screen's module is imported when it is first entered. A door whose room is not there (the
sandbox's, when the profile is none) is not on the map.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from storeops.i18n import N_

if TYPE_CHECKING:
    from tui.screens.base import HouseScreen


@dataclass(frozen=True, slots=True)
class Door:
    """A screen.

    Attributes:
        name: of the mode.
        key: Textual key name that opens it.
        title: English title, translated when shown.
        screen: "module:Class" below `tui.screens`.
        help: one sentence.
        sandbox: only there when the profile is a sandbox.
    """

    name: str
    key: str
    title: str
    screen: str
    help: str
    sandbox: bool = False

    def open(self) -> HouseScreen:
        """A new instance of the screen; imports its module."""
        module, _, name = self.screen.partition(":")
        screen: HouseScreen = getattr(import_module(f"tui.screens.{module}"), name)()
        return screen


DOORS: tuple[Door, ...] = (
    Door("today", "1", N_("Today"), "today:TodayScreen",
         N_("Health, what is stale or partial, leavers, and what to do next.")),
    Door("customers", "2", N_("Customers"), "customers:CustomersScreen",
         N_("Every customer of the mirror: filter, sort, mark, look, export.")),
    Door("staff", "3", N_("Staff"), "staff:StaffScreen",
         N_("Members, their shops and how many customers they follow.")),
    Door("stores", "4", N_("Stores"), "stores:StoresScreen",
         N_("Shops with their codes, members and customers.")),
    Door("tags", "5", N_("Tags"), "tags:TagsScreen",
         N_("Corp tags by group and how often they are used.")),
    Door("groups", "6", N_("Groups"), "groups:GroupsScreen",
         N_("Group chats, their owners and members.")),
    Door("sync", "7", N_("Sync"), "sync:SyncScreen",
         N_("Read WeCom into the mirror, scope by scope, and the history of it.")),
    Door("plans", "8", N_("Plans"), "plans:PlansScreen",
         N_("What will change, row by row; apply, watch, undo.")),
    Door("jobs", "9", N_("Jobs"), "jobs:JobsScreen",
         N_("The calls that carry plans out.")),
    Door("handover", "H", N_("Handover"), "handover:HandoverScreen",
         N_("Leavers with what they left, and handovers that wait for their answer.")),
    Door("audit", "L", N_("Audit"), "audit:AuditScreen",
         N_("Who changed what, when and why.")),
    Door("sandbox", "0", N_("Sandbox"), "sandbox:SandboxScreen",
         N_("The sandbox's clock, faults and calls."), sandbox=True),
)  # fmt: skip

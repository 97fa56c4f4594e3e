"""Every screen, its key, and where its code lies: those of the core and those of domains.

A screen's module is imported when it is first entered. The sandbox's is there only where the
profile is one.
"""

from __future__ import annotations

from functools import cache

from storeops.domain import ScreenSpec, registry
from storeops.i18n import N_

CORE: tuple[ScreenSpec, ...] = (
    ScreenSpec(name="today", key="1", title=N_("Today"), screen="tui.screens.today:TodayScreen",
         help=N_("Health, what is stale or partial, leavers, and what to do next.")),
    ScreenSpec(name="customers", key="2", title=N_("Customers"),
         screen="tui.screens.customers.screen:CustomersScreen",
         help=N_("Every customer of the mirror: filter, sort, mark, look, export.")),
    ScreenSpec(name="staff", key="3", title=N_("Staff"), screen="tui.screens.staff:StaffScreen",
         help=N_("Members, their shops and how many customers they follow.")),
    ScreenSpec(name="sync", key="7", title=N_("Sync"), screen="tui.screens.sync:SyncScreen",
         help=N_("Read WeCom into the mirror, scope by scope, and the history of it.")),
    ScreenSpec(name="plans", key="8", title=N_("Plans"),
         screen="tui.screens.plans.screen:PlansScreen",
         help=N_("What will change, row by row; apply, watch, undo.")),
    ScreenSpec(name="jobs", key="9", title=N_("Jobs"), screen="tui.screens.jobs.screen:JobsScreen",
         help=N_("The calls that carry plans out.")),
    ScreenSpec(name="events", key="E", title=N_("Events"),
         screen="tui.screens.events:EventsScreen",
         help=N_("What WeCom calls back about, as it comes; and what no callback told of.")),
    ScreenSpec(name="audit", key="L", title=N_("Audit"), screen="tui.screens.audit:AuditScreen",
         help=N_("Who changed what, when and why.")),
)  # fmt: skip


@cache
def screens() -> tuple[ScreenSpec, ...]:
    """All of them in the order of their keys: digits, letters, those without a key; 0 ends it."""
    found = [*CORE, *(spec for _domain, spec in registry().named("screens").values())]
    found.sort(key=lambda each: (each.key == "0", not each.key, each.key.isalpha(), each.key))
    return tuple(found)

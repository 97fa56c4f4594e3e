"""Domains as a profile meets them: tables of those that are there, tables that others left behind,
and a try of those of other packages, so that what cannot be used is known before it is wanted."""

from __future__ import annotations

import sqlite3

from storeops.database.migrations import Migration, applied
from storeops.domain import registry
from storeops.i18n import _

CORE_ROOMS = ("mirror", "search", "changes", "jobs")


def tables() -> list[Migration]:
    """The migrations of all domains; one whose steps are of another room is left out."""
    found: list[Migration] = []
    for domain, where in registry().each("tables"):
        steps = registry().loaded(domain, f"{where}:MIGRATIONS", tuple) or ()
        if any(getattr(each, "room", "") != domain.name for each in steps):
            reason = _("a migration in {where} is not of the room {name}")
            registry().leave_out(domain, reason.format(where=where, name=domain.name))
        else:
            found += steps
    return found


def left_behind(connection: sqlite3.Connection) -> list[str]:
    """Domains that made tables in data.db and are not there now; nobody knows what these hold."""
    there = {*CORE_ROOMS, *(each.name for each in registry().domains)}
    return sorted({room for room, _name in applied(connection)} - there)


def try_strangers() -> None:
    """Import all that domains of other packages name, and let every room look at its part."""
    from storeops.reading.columns import columns
    from storeops.reading.conditions import conditions
    from storeops.sync.scopes import scopes

    if registry().strangers():
        registry().try_strangers()
        for look in (conditions, columns, scopes, tables):
            look()

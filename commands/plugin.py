"""`storeops plugin`: which domains there are, from which package, and what each brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import typer

from commands import output
from commands.option_sets import option_sets
from commands.output import Column
from commands.page_options import PageOptions
from storeops.domain import Domain, Found, registry
from storeops.i18n import _
from storeops.operations import domains

app = typer.Typer(help=_("Domains: which there are, from where, and what each brings."))


@app.command("list", help=_("Every domain with its package; what cannot be used, and why."))
@option_sets
def plugins(page: PageOptions = PageOptions(limit=100)) -> None:
    """List them."""
    domains.try_strangers()
    output.paged(
        map(_item, registry().found),
        [
            Column("name", _("Domain")),
            Column("package", _("Package")),
            Column("version", _("Version")),
            Column("usable", _("Usable"), show=lambda value: _("yes") if value else _("no")),
            Column("brings", _("Brings"), show=_brings, max_width=60),
            Column("reason", _("Reason"), max_width=60),
        ],
        page=page,
        empty=_("No domain is installed; install storeops anew."),
    )


def _item(found: Found) -> dict[str, Any]:
    return {
        "name": found.name,
        "package": found.package,
        "version": found.version,
        "usable": found.domain is not None,
        "reason": found.reason,
        "title": _(found.domain.title) if found.domain else "",
        "needs": list(found.domain.needs) if found.domain else [],
        "brings": _parts(found.domain) if found.domain else {},
    }


def _parts(domain: Domain) -> dict[str, list[str]]:
    """What it says in each field, by name."""
    found: dict[str, list[str]] = {}
    for each in fields(domain):
        value = getattr(domain, each.name)
        if each.name in ("name", "title", "api", "needs", "catalogue") or not value:
            continue
        if isinstance(value, Mapping):
            found[each.name] = list(value)
        elif isinstance(value, bool):
            found[each.name] = [domain.name]
        elif isinstance(value, str):
            found[each.name] = [value]
        else:
            found[each.name] = [one if isinstance(one, str) else one.name for one in value]
    return found


def _brings(parts: Mapping[str, list[str]]) -> str:
    return _("; ").join(
        kind  # a module says nothing
        if "." in names[0]
        else _("{what}: {names}").format(what=kind, names=_(", ").join(names))
        for kind, names in parts.items()
    )

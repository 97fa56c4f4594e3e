"""`storeops contact-way list|show`: codes by which customers add guides; changes as plans."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import cells, contact_way_plan, output, planned
from commands.completing import completion
from commands.context import current
from commands.diagnostics import note
from commands.option_sets import option_sets
from commands.options import any_of
from commands.output import Column
from commands.page_options import PageOptions
from storeops.errors import UsageError
from storeops.i18n import _, ngettext

if TYPE_CHECKING:
    from storeops.domains.contact_way.ways import Way
    from storeops.reading.freshness import ScopeFreshness

app = typer.Typer(help=_("Contact ways (codes that customers scan): list, show, plan changes."))
contact_way_plan.register(app)


def _listed(value: Any) -> str:
    return cells.table_cell(value) or "-"


def _status(value: str) -> str:
    from storeops.domains.contact_way.ways import WORDS

    return _(WORDS[value])


def _type(value: int) -> str:
    from storeops.domains.contact_way.ways import TYPES

    return _(TYPES[value]) if value in TYPES else str(value)


def _scene(value: int) -> str:
    from storeops.domains.contact_way.ways import SCENES

    return _(SCENES[value]) if value in SCENES else str(value)


def _columns() -> list[Column]:
    return [
        Column("remark", _("Name"), max_width=28),
        Column("state", _("state"), max_width=20),
        Column("names", _("Who is added"), show=_listed, max_width=24),
        Column("customers", _("Customers"), right=True, show=cells.amount),
        Column("status", _("Status"), show=_status, kind="text", max_width=18),
        Column("user", _("Userids"), show=_listed, max_width=20, minor=90),
        Column("skip_verify", _("Added at once"), minor=91),
        Column("config_id", _("config_id"), minor=89),
    ]


def _row(way: Way) -> dict[str, Any]:
    row = asdict(way)
    return row | {
        key: cells.iso(row[key] or None) for key in ("first_seen_at", "read_at", "gone_at")
    }


_STEPS = 10  # commands under a list; what is left is shown once these are done


def _fresh() -> ScopeFreshness:
    """When the contact ways were last read; says on stderr when they never were, or not whole."""
    from storeops.reading import freshness

    app_ = current().app
    (found,) = freshness.scopes(
        app_.data, app_.clock.now(), stale_after_s=app_.settings.stale_after, names=["contact_ways"]
    )
    if found.completed_at is None:
        note(_("Contact ways were not read completely yet: run `storeops sync run`."))
    elif found.outcome != "complete":
        note(_("Some contact ways could not be read last time: `storeops sync status` names them."))
    return found


@app.command("list", help=_("List contact ways with who is added and who came by them."))
@option_sets
def list_(
    state: Annotated[
        str,
        typer.Option(
            "--state",
            metavar="STATE",
            autocompletion=completion("state"),
            help=_("Of this state; * and ? stand for letters."),
        ),
    ] = "",
    user: Annotated[
        list[str] | None,
        typer.Option("--user", metavar="STAFF", help=_("That name this member; may be repeated.")),
    ] = None,
    store: Annotated[
        list[str] | None,
        typer.Option(
            "--store",
            metavar="STORE",
            help=_("That name the store or members of it; may be repeated."),
        ),
    ] = None,
    stale: Annotated[
        bool,
        typer.Option("--stale", help=_("Only those that name who has left or cannot be added.")),
    ] = False,
    status: Annotated[
        list[str] | None,
        typer.Option(
            "--status", metavar="STATUS", help=_("ok, stale, dead or gone; may be repeated.")
        ),
    ] = None,
    page: PageOptions = PageOptions(limit=200),
) -> None:
    """Deleted ones are left out unless `--status gone` asks for them."""
    from storeops.domains.contact_way.ways import (
        DEAD,
        STALE,
        STATUSES,
        listed,
        named_userid,
        ways_out,
    )
    from storeops.reading.customers import names_of

    app_ = current().app
    if stale and status:
        raise UsageError(
            _("--stale and --status cannot be given together."),
            hint=_("--stale is short for --status stale --status dead."),
        )
    fresh = _fresh()
    found = listed(
        app_.data, app_.clock.now(), state=state,
        users=[named_userid(app_.data, each) for each in any_of(user)],
        stores=[names_of(app_.data).find_store(each) for each in any_of(store)],
        statuses=any_of(status, STATUSES) or ((STALE, DEAD) if stale else ()),
    )  # fmt: skip
    output.paged(
        map(_row, found),
        _columns(),
        page=page,
        complete=fresh.outcome == "complete",
        as_of=fresh.completed_at,
        empty=_("No contact way matches."),
    )
    if stale and (steps := ways_out(found)):
        lines = planned.next_lines(steps[:_STEPS])
        if left := len(steps) - len(lines):
            lines.append(_("… and {count} more").format(count=left))
        for line in lines:
            note(line)


@app.command("show", help=_("Show one contact way, and how many came by it."))
def show(
    which: Annotated[
        str,
        typer.Argument(
            metavar="WAY",
            autocompletion=completion("contact-way"),
            help=_("config_id, name or state."),
        ),
    ],
) -> None:
    """People who came by a state that several ways share cannot be told apart."""
    from storeops.domains.contact_way.ways import find, sharing, ways_out

    app_ = current().app
    fresh = _fresh()
    way = find(app_.data, which, app_.clock.now(), count=True)
    others = sharing(app_.data, way)
    row = {**_row(way), "shares_state_with": list(others)}
    if current().settings.machine:
        row["as_of"] = cells.iso(fresh.completed_at)
    output.item(
        row,
        [
            *_columns()[:5],
            Column("unfit", _("Cannot be added"), show=_listed),
            Column("reach", _("Members reached"), right=True),
            Column("stores", _("Shops"), show=_listed),
            Column("user", _("Userids"), show=_listed),
            Column("party", _("Departments"), show=_listed),
            Column("type", _("Type"), show=_type),
            Column("scene", _("Kind"), show=_scene),
            Column("skip_verify", _("Added at once")),
            Column("config_id", _("config_id")),
            Column("qr_code", _("Picture")),
            Column("read_at", _("Read at"), show=cells.when),
        ],
    )
    if others:
        note(
            ngettext(
                "{count} other contact way has the same state: who came cannot be told apart.",
                "{count} other contact ways have the same state: who came cannot be told apart.",
                len(others),
            ).format(count=len(others))
        )
    for line in planned.next_lines(ways_out([way])):
        note(line)

"""`storeops hub requests`: what back offices ask for, and what is decided about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import cells, output
from commands.context import current
from commands.diagnostics import note
from commands.option_sets import option_sets
from commands.options import any_of
from commands.output import Column
from commands.page_options import PageOptions
from storeops.i18n import _, said
from storeops.plain import plain
from storeops.terms import term

if TYPE_CHECKING:
    from storeops.hub.requests import HubRequest

app = typer.Typer(help=_("What back offices ask for: look at it, approve it, refuse it."))
Request = Annotated[
    str,
    typer.Argument(
        metavar="REQUEST", help=_("Its number, the beginning of it, or head office's plan of it.")
    ),
]


def _row(request: HubRequest) -> dict[str, Any]:
    value = request.as_dict()
    return {**value, "at": cells.iso(value["at"])}


def _office() -> None:
    """Refuse where there is no head office."""
    from storeops.hub import settings as hub_settings

    hub_settings.get(current().app.profile.name)


@app.command("list", help=_("List what back offices have asked for, newest first."))
@option_sets
def list_(
    status: Annotated[
        list[str] | None,
        typer.Option("--status", help=_("asked, approved or refused; may be repeated.")),
    ] = None,
    store: Annotated[
        list[str] | None,
        typer.Option("--store", metavar="STORE", help=_("Only of this shop; may be repeated.")),
    ] = None,
    page: PageOptions = PageOptions(limit=50),
) -> None:
    """What waits for approval has the status asked."""
    from storeops.hub import requests, stores

    _office()
    db = current().app.data
    found = requests.listing(
        db,
        statuses=any_of(status, requests.STATUSES),
        stores=[stores.find(db, each).department_id for each in store or ()],
        before=page.before,
        limit=page.wanted,
    )
    output.newest(
        found,
        _row,
        lambda each: each.id,
        [
            Column("request_id", _("Request")),
            Column("store_code", _("Store")),
            Column("by", _("By"), max_width=16),
            Column("kind", _("Kind")),
            Column("rows", _("Rows"), right=True, show=cells.amount),
            Column("status", _("Status"), show=lambda value: term("request", value)),
            Column("at", _("When"), show=cells.when),
            Column("reason", _("Why"), max_width=40, minor=1),
        ],
        page=page,
        empty=_("No back office has asked for anything yet."),
    )


@app.command("show", help=_("Show a request: who asked, from where, and what became of it."))
def show(request: Request) -> None:
    """The rows are those of head office's plan: storeops plan show PLAN."""
    from storeops.changes import plan_cards, plans
    from storeops.hub import requests

    _office()
    app_ = current().app
    found = requests.find(app_.data, request)
    plan = plans.by_id(app_.data, found.plan) if found.plan is not None else None
    state = plan_cards.card(app_.ledger, plan).state if plan is not None else None
    output.item(
        {
            **_row(found),
            "machine": found.machine,
            "asked_at": cells.iso(found.asked_at),
            "decided_by": found.decided_by or None,
            "decided_at": cells.iso(found.decided_at),
            "plan_status": state,
            "blocked": plan.blocked if plan is not None else 0,
            "skip_changed": found.skip_changed,
            "repeats": found.repeats,
        },
        [
            Column("request_id", _("Request")),
            Column("store_code", _("Store")),
            Column("by", _("By")),
            Column("machine", _("Machine")),
            Column("kind", _("Kind")),
            Column("rows", _("Rows"), show=cells.amount),
            Column("blocked", _("Blocked"), show=cells.amount),
            Column("status", _("Status"), show=lambda value: term("request", value)),
            Column("reason", _("Why")),
            Column("asked_at", _("Asked"), show=cells.when),
            Column("at", _("Came in"), show=cells.when),
            Column("decided_by", _("Decided by")),
            Column("decided_at", _("Decided"), show=cells.when),
            Column("plan_id", _("Plan")),
            Column(
                "plan_status",
                _("Plan stands"),
                show=lambda each: term("plan", each) if each else "",
            ),
            Column("repeats", _("Came again"), show=cells.amount),
        ],
    )
    for text in sorted(set((plan.params.get("messages") or {}).values())) if plan else ():
        note(_("What customers will read: {text}").format(text=plain(text)))
    if found.plan_id and not current().settings.machine:
        note(_("Its rows: storeops plan show {plan}").format(plan=found.plan_id))


@app.command("approve", help=_("Let a request be carried out."))
def approve(
    request: Request,
    skip_changed: Annotated[
        bool,
        typer.Option("--skip-changed", help=_("Leave out rows that changed since it came in.")),
    ] = False,
) -> None:
    """Its calls are queued; `hub serve` sends them, as does `job run`."""
    from storeops.hub import deciding, office, requests

    _office()
    app_ = current().app
    done = deciding.approve(app_, requests.find(app_.data, request), skip_changed=skip_changed)
    app_.secure()
    if not office.leader(app_.profile.name):
        note(_("Nobody serves the hub now: storeops hub serve sends it, and the answers back."))
    output.result(
        _row(done),
        _("Approved: {request} of {store}, plan {plan}.").format(
            request=done.request_id, store=done.store_code, plan=done.plan_id
        ),
    )


@app.command("refuse", help=_("Refuse a request; the shop reads why."))
def refuse(
    request: Request,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help=_("What the shop reads."))] = "",
) -> None:
    """Nothing of it is sent."""
    from storeops.hub import deciding, requests

    _office()
    app_ = current().app
    done = deciding.refuse(app_, requests.find(app_.data, request), why)
    app_.secure()
    output.result(
        _row(done),
        _("Refused: {request} of {store}: {why}").format(
            request=done.request_id, store=done.store_code, why=said(done.reason)
        ),
    )


@app.command("rules", help=_("What back offices may ask for: kinds, rows, approval; or change it."))
def rules(
    store: Annotated[
        str, typer.Option("--store", metavar="STORE", help=_("Of this shop alone."))
    ] = "",
    kinds: Annotated[
        str,
        typer.Option("--kinds", metavar="LIST", help=_("Kinds of plan, like tag,remark; or none.")),
    ] = "",
    rows: Annotated[
        int | None, typer.Option("--rows", min=1, help=_("Rows of one request at most."))
    ] = None,
    rows_day: Annotated[
        int | None, typer.Option("--rows-day", min=1, help=_("Rows of a shop in a day at most."))
    ] = None,
    approve_above: Annotated[
        int | None,
        typer.Option("--approve-above", min=0, help=_("More rows than these wait for approval.")),
    ] = None,
    approve_kinds: Annotated[
        str,
        typer.Option(
            "--approve-kinds", metavar="LIST", help=_("Kinds that always wait for it; or none.")
        ),
    ] = "",
    as_all: Annotated[
        bool, typer.Option("--as-all", help=_("Forget what the shop had of its own."))
    ] = False,
) -> None:
    """Without an option they are shown. They are looked at when a request comes in."""
    from storeops.errors import UsageError
    from storeops.hub import deciding, stores
    from storeops.hub import settings as hub_settings

    app_ = current().app
    settings = hub_settings.get(app_.profile.name)
    shop = stores.find(app_.data, store) if store else None
    given: dict[str, Any] = {
        "request_kinds": _kinds(kinds),
        "request_rows": rows,
        "request_rows_day": rows_day,
        "approve_above": approve_above,
        "approve_kinds": _kinds(approve_kinds),
    }
    given = {name: value for name, value in given.items() if value is not None}
    if as_all and shop is None:
        raise UsageError(_("--as-all says which shop is meant."), hint=_("Add --store STORE."))
    if given or as_all:
        app_.ledger.policy.may_write()
        whose = deciding.EVERY_SHOP if shop is None else shop.department_id
        deciding.set_rules(app_.data, whose, given, anew=as_all)
    number = shop.department_id if shop else None
    found = deciding.rules_of(app_.data, settings, number)
    own = sorted(deciding.own_rules(app_.data, number)) if number is not None else []
    output.item(
        {
            "store_code": shop.code if shop else None,
            **{
                name: list(value) if isinstance(value, tuple) else value
                for name in deciding.RULES
                for value in [getattr(found, name)]
            },
            "own": own,
        },
        [
            Column("store_code", _("Store"), show=lambda each: each or _("all")),
            Column("request_kinds", _("May ask for"), show=_words),
            Column("request_rows", _("Rows at once"), show=cells.amount),
            Column("request_rows_day", _("Rows a day"), show=cells.amount),
            Column("approve_above", _("Approval above"), show=cells.amount),
            Column("approve_kinds", _("Always approved by hand"), show=_words),
            Column("own", _("Of its own"), show=_words),
        ],
    )


def _words(found: Any) -> str:
    return _(", ").join(found) or "–"


def _kinds(text: str) -> list[str] | None:
    """Kinds of plan as they were typed; None when nothing was."""
    from storeops.changes.action import actions
    from storeops.errors import UsageError

    if not text:
        return None
    if text == "none":
        return []
    found = [each.strip() for each in text.split(",") if each.strip()]
    for each in found:
        if each not in actions():
            raise UsageError(
                _("There is no kind of plan named {kind}.").format(kind=each),
                hint=_("Known kinds: {kinds}.").format(kinds=_(", ").join(sorted(actions()))),
            )
    return found

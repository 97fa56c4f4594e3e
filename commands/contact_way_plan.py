"""`storeops contact-way plan …`: contact ways made, changed and deleted, all as plans."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from commands import follow_options, planned
from commands.completing import completion
from commands.context import current
from commands.diagnostics import note
from commands.file_options import TableOptions
from commands.follow_options import Template
from commands.option_sets import option_sets
from commands.options import Reason
from storeops.errors import UsageError
from storeops.i18n import N_, _, kept

plan_app = typer.Typer(help=_("Plan contact ways: add, update, delete, replace, from a file."))

Ways = Annotated[
    list[str],
    typer.Argument(
        metavar="WAY…",
        autocompletion=completion("contact-way"),
        help=_("config_id, name or state."),
    ),
]
Users = Annotated[
    list[str] | None,
    typer.Option("--user", metavar="STAFF", help=_("Who is added; may be repeated.")),
]
Stores = Annotated[
    list[str] | None,
    typer.Option(
        "--store", metavar="STORE",
        help=_("A store or department, all of whose members may be added; may be repeated."),
    ),
]  # fmt: skip
Remark = Annotated[str | None, typer.Option("--remark", metavar="NAME", help=_("Its name."))]
State = Annotated[
    str | None,
    typer.Option(
        "--state", metavar="STATE",
        help=_("Comes back with customers who came by it; 30 characters at most."),
    ),
]  # fmt: skip
Verify = Annotated[
    bool | None,
    typer.Option(
        "--skip-verify/--verify", help=_("Customers are added at once, or when the member agrees.")
    ),
]


def register(app: typer.Typer) -> None:
    """Add the planning verbs to `storeops contact-way`."""
    app.add_typer(plan_app, name="plan")


def _departments(names: list[str] | None) -> list[int]:
    from storeops.reading.customers import names_of

    known = names_of(current().app.data)
    return [
        int(each) if each.isdecimal() and int(each) in known.departments else known.find_store(each)
        for each in names or ()
    ]


def _userids(names: list[str] | None) -> list[str]:
    from storeops.mirror import members

    return [members.find(current().app.data, each).userid for each in names or ()]


def _fields(
    remark: str | None, state: str | None, users: list[str] | None, stores: list[str] | None,
    verify: bool | None,
) -> dict[str, Any]:  # fmt: skip
    given: dict[str, Any] = {"remark": remark, "state": state, "skip_verify": verify}
    found = {key: value for key, value in given.items() if value is not None}
    if users:
        found["user"] = _userids(users)
    if stores:
        found["party"] = _departments(stores)
    return found


@plan_app.command("add", help=_("Plan a new contact way, or one for every store or guide."))
def add(
    remark: Remark = None,
    state: State = None,
    user: Users = None,
    store: Stores = None,
    each: Annotated[
        str,
        typer.Option(
            "--each",
            metavar="store|guide",
            help=_(
                "One for every store or guide (of --store); --state and --remark may hold {store}, "
                "{name}, {department}, {userid}."
            ),
        ),
    ] = "",
    verify: Verify = None,
    reason: Reason = "",
) -> None:
    """Nothing is sent: read the plan, then apply it."""
    from storeops.domains.contact_way import planner

    ledger = current().app.ledger
    ledger.policy.may_write()
    command = planned.command_line(
        "contact-way", "plan", "add", remark=remark, state=state, user=user, store=store, each=each,
        skip_verify=verify is True, verify=verify is False,
    )  # fmt: skip
    if each:
        if each not in (planner.STORE, planner.GUIDE):
            raise UsageError(
                _("--each: there is no {word}.").format(word=each),
                hint=_("Known: {names}.").format(names="store, guide"),
            )
        if user or not state:
            raise UsageError(
                _("--each names the members itself, and needs --state."),
                hint=_("For example: --each store --state 'store_{store}' --remark '{name}'"),
            )
        request = planner.each_of(
            ledger, each, state=state, remark=remark or "", only=_departments(store),
            skip_verify=verify is not False,
        )  # fmt: skip
    else:
        fields = _fields(remark, state, user, store, verify)
        if not {"user", "party"} & set(fields):
            raise UsageError(
                _("A contact way needs members or departments."),
                hint=_("Name some: --user STAFF or --store STORE."),
            )
        request = planner.Request(add=[planner.new_way(fields)])
    if not remark:
        note(_("Without --remark a contact way has no name: lists show it by its state alone."))
    planned.show_plan(planner.plan(ledger, request, reason=reason, command=command))


@plan_app.command("update", help=_("Plan other members, names or states for contact ways."))
def update(
    ways: Ways,
    remark: Remark = None,
    state: State = None,
    user: Users = None,
    store: Stores = None,
    verify: Verify = None,
    reason: Reason = "",
) -> None:
    """Members and departments that are named replace those that were."""
    from storeops.domains.contact_way import planner
    from storeops.domains.contact_way.ways import find

    app_ = current().app
    fields = _fields(remark, state, user, store, verify)
    if not fields:
        raise UsageError(
            _("Nothing to change was named."),
            hint=_("Name it: --user, --store, --remark, --state, --verify."),
        )
    # who is added is one thing: members replace departments, and departments members
    for one, other in (("user", "party"), ("party", "user")):
        if one in fields:
            fields.setdefault(other, [])
    request = planner.Request()
    named = {way.config_id: way for way in (find(app_.data, w, app_.clock.now()) for w in ways)}
    for way in named.values():
        request.change(way, fields)
    command = planned.command_line(
        "contact-way", "plan", "update", *ways, remark=remark, state=state,
        user=user, store=store, skip_verify=verify is True, verify=verify is False,
    )  # fmt: skip
    planned.show_plan(planner.plan(app_.ledger, request, reason=reason, command=command))


@plan_app.command("delete", help=_("Plan to delete contact ways: printed codes stop working."))
def delete(ways: Ways, reason: Reason = "") -> None:
    """A deleted code cannot be put back."""
    from storeops.domains.contact_way import planner
    from storeops.domains.contact_way.ways import find

    app_ = current().app
    now = app_.clock.now()
    found = {
        way.config_id: way for way in (find(app_.data, each, now, count=True) for each in ways)
    }
    command = planned.command_line("contact-way", "plan", "delete", *ways)
    planned.show_plan(
        planner.plan(
            app_.ledger,
            planner.Request(delete=list(found.values())),
            reason=reason,
            command=command,
        )
    )


@plan_app.command(
    "replace", help=_("Plan another member in the place of one, in every contact way.")
)
def replace(
    old: Annotated[
        list[str], typer.Argument(metavar="STAFF…", help=_("Who is named now; one or several."))
    ],
    by: Annotated[
        str,
        typer.Option("--by", metavar="STAFF", help=_("Who takes the place; else nobody does.")),
    ] = "",
    reason: Reason = "",
) -> None:
    """For somebody who has left, or changes the shop."""
    from storeops.domains.contact_way import planner
    from storeops.domains.contact_way.ways import named_userid
    from storeops.mirror import members

    app_ = current().app
    gone = list(dict.fromkeys(named_userid(app_.data, each) for each in old))
    known = members.by_userids(app_.data, gone)
    labels = [known[each.lower()].label if each.lower() in known else each for each in gone]
    named = _(", ").join(labels)
    new = members.find(app_.data, by) if by else None
    command = planned.command_line("contact-way", "plan", "replace", *old, by=by)
    planned.show_plan(
        planner.plan(
            app_.ledger,
            planner.replaced(app_.ledger, gone, new),
            reason=reason,
            command=command,
            title=kept(N_("Contact ways: {new} for {old}"), old=named, new=new.label)
            if new
            else kept(N_("Contact ways: without {old}"), old=named),
        )
    )


@plan_app.command("file", help=_("Plan what a CSV or workbook says: one contact way a row."))
@option_sets
def file(
    path: Annotated[
        str, typer.Argument(metavar="[FILE]", help=_("CSV or workbook; - for stdin."))
    ] = "",
    table: TableOptions = TableOptions(),
    template: Template = False,
    reason: Reason = "",
) -> None:
    """What `contact-way list --csv` writes reads back without a difference."""
    from storeops.changes import sheets
    from storeops.domains.contact_way import planner
    from storeops.domains.contact_way.way_file import FIELDS, request_of

    if template:
        follow_options.print_template(FIELDS)
        return
    source = table.source(path)
    if source is None:
        raise UsageError(_("Name the file."), hint=_("See what is expected with --template."))
    ledger = current().app.ledger
    ledger.policy.may_write()
    found = sheets.read(source, FIELDS)
    command = planned.command_line("contact-way", "plan", "file", path, **table.typed())
    planned.show_plan(
        planner.plan(
            ledger, request_of(ledger, found), reason=reason, command=command, strict=table.strict
        ),
        found,
    )

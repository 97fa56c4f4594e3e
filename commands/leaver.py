"""`storeops leaver`: who left, what they left behind, and who is to take it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import cells, output, planned
from commands.completing import completion
from commands.context import current
from commands.diagnostics import note
from commands.handover_words import make
from commands.option_sets import option_sets
from commands.options import Reason
from commands.output import Column
from commands.page_options import PageOptions
from commands.selecting import as_options, selecting, within_own_store
from commands.takeover_options import TakeoverOptions
from storeops.i18n import _, ngettext

if TYPE_CHECKING:
    from storeops.reading.customers import Selection

app = typer.Typer(help=_("Leavers: what they left behind, how long it can still be assigned."))

LeaverId = Annotated[
    str,
    typer.Argument(
        metavar="USERID", autocompletion=completion("leaver"), help=_("userid or name of a leaver.")
    ),
]


def _row(leaver: Any) -> dict[str, Any]:
    return {**leaver.as_dict(), "left_at": cells.iso(leaver.left_at)}


@app.command("list", help=_("Who left customers or group chats behind; least time left first."))
@option_sets
def list_(
    settled: Annotated[
        bool, typer.Option("--settled", help=_("Also leavers who left nothing behind."))
    ] = False,
    page: PageOptions = PageOptions(limit=500),
) -> None:
    """Least time left first."""
    from storeops.domains.handover import leavers
    from storeops.mirror import members

    app_ = current().app
    found = leavers.leavers(app_.data, app_.clock.now(), settled=settled)
    sure = leavers.coverage(app_.data)
    as_of = min((sure.unassigned_at or 0, sure.groups_at or 0, sure.staff_at or 0))
    output.paged(
        [_row(each) for each in found],
        [
            Column("userid", _("Member")),
            Column("name", _("Name"), max_width=16),
            Column("store", _("Shop"), max_width=20),
            Column("left_at", _("Left"), show=cells.day),
            Column("days_left", _("Days left"), right=True),
            Column("customers", _("Customers"), right=True, show=cells.amount),
            Column("group_chats", _("Groups"), right=True, show=cells.amount),
            Column("tagged", _("Tagged"), right=True, show=cells.amount),
            Column("with_phone", _("With phone"), right=True, show=cells.amount),
            Column("waiting", _("Waiting"), right=True, show=cells.amount),
        ],
        page=page,
        complete=sure.complete,
        as_of=as_of or None,
        empty=_("Nobody left anything behind."),
        extra={"coverage": planned.with_times(sure.as_dict())},
    )
    back = _(", ").join(members.word_of(app_.data, each.userid) for each in found if each.returned)
    if back:
        note(
            _("There again, and what they left behind still waits: {members}").format(members=back)
        )
    if sure.groups_partial:
        note(
            _(
                "More than 1,000 members are visible: WeCom lists a leaver's groups only when an "
                "earlier sync has seen the leaver."
            )
        )
    if not sure.complete:
        note(_("Not everything was read yet: storeops sync run"))


@app.command("show", help=_("One leaver: customers, groups, handovers under way."))
def show(userid: LeaverId) -> None:
    """With what has become of earlier handovers."""
    from storeops.domains.handover import leavers

    app_ = current().app
    found = leavers.leaver(app_.data, userid, app_.clock.now())
    output.item(
        _row(found),
        [
            Column("userid", _("Member")),
            Column("name", _("Name")),
            Column("store", _("Shop")),
            Column("left_at", _("Left"), show=cells.day),
            Column("days_left", _("Days left")),
            Column("customers", _("Unassigned customers"), show=cells.amount),
            Column("tagged", _("of them tagged"), show=cells.amount),
            Column("with_phone", _("of them with a phone number"), show=cells.amount),
            Column("group_chats", _("Group chats"), show=cells.amount),
            Column("waiting", _("Handovers under way"), show=cells.amount),
            Column("done", _("Handed over"), show=cells.amount),
        ],
    )


@app.command("plan", help=_("Plan who takes over what leavers left behind."))
@option_sets
@partial(selecting, files=False)
def plan(
    userids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[USERID]...",
            autocompletion=completion("leaver"),
            help=_("Leavers; none means all of them."),
        ),
    ] = None,
    *,
    takeover: TakeoverOptions,
    selection: Selection,
    reason: Reason = "",
) -> None:
    """Without takers: colleagues of the leaver's shop."""
    from storeops.domains.handover import leavers
    from storeops.domains.handover.assign import SAME_STORE

    app_ = current().app
    from_owners = list(userids or [])
    if not from_owners:
        now = app_.clock.now()
        found = leavers.leavers(app_.data, now)
        from_owners = [
            each.userid
            for each in found
            if each.in_time(now) and (each.customers or each.group_chats)
        ]
        late = sum(1 for each in found if not each.in_time(now))
        if late:
            note(
                ngettext(
                    "{count} leaver is left out: more than a year has passed.",
                    "{count} leavers are left out: more than a year has passed.",
                    late,
                ).format(count=late)
            )
        if not from_owners:
            output.result({"plan_id": None, "rows": 0}, _("Nobody left anything behind."))
            return
    command = planned.command_line(
        "leaver", "plan", *(userids or []), **takeover.typed(), **as_options(selection),
        reason=reason,
    )  # fmt: skip
    make(
        takeover.request(
            from_owners=from_owners,
            rule=takeover.rule or ("" if takeover.to else SAME_STORE),
            kind="resigned",
            selection=within_own_store(selection),
            reason=reason,
            command=command,
        )
    )

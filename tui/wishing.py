"""From marks to draft plans: tags, remarks, handovers. Nothing here sends anything."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from storeops.errors import UsageError
from storeops.i18n import _, ngettext
from tui.modals.wish import Field, WishModal

if TYPE_CHECKING:
    from storeops.app import App
    from tui.screens.base import HouseScreen

_WORDS = re.compile(r"[,，;；、\s]+")


def names(text: str) -> list[str]:
    """Names as people separate them: blanks, commas, their full-width twins."""
    return [each for each in _WORDS.split(text) if each]


def wish(screen: HouseScreen, action: str, marked: int) -> None:
    """Ask what shall change for the marked customers, then add it to the draft."""
    whom = ngettext(
        "For {count} marked customer. Nothing is sent: it is added to the draft plan.",
        "For {count} marked customers. Nothing is sent: it is added to the draft plan.",
        marked,
    ).format(count=f"{marked:,}")
    which = Field("follows", _("Which relations: all, newest, or one owner's name"), "all")
    if action == "tag":
        title = _("Plan tags")
        fields = [
            Field("add", _("Tags to add"), hint=_("name or group/name, separated by commas")),
            Field("remove", _("Tags to remove"), hint=_("name or group/name")),
            which,
        ]
    elif action == "remark":
        title = _("Plan remarks")
        fields = [
            Field("remark", _("Remark (at most 20 characters)"), hint="{name} {store}"),
            Field("description", _("Description (at most 150 characters)")),
            which,
        ]
    else:
        title = _("Plan a handover")
        whom = ngettext(
            "For {count} marked customer. Nothing is sent: a plan is made to review.",
            "For {count} marked customers. Nothing is sent: a plan is made to review.",
            marked,
        ).format(count=f"{marked:,}")
        fields = [
            Field("givers", _("From (members whose customers they are)"), hint="@userid"),
            Field("takers", _("To (one or several members)"), hint="@userid"),
            Field("message", _("Farewell message (on the job only)")),
        ]

    def then(answer: dict[str, str] | None) -> None:
        if answer is None:
            return
        core = screen.house.core

        def done(told: tuple[str, str]) -> None:
            plan, text = told
            screen.house.tell(text, steps=(_("p shows plan {plan}").format(plan=plan),))

        screen.work(lambda: PLANNERS[action](core, answer), done)

    screen.app.push_screen(WishModal(title, whom, fields), then)


def _chosen(core: App, follows: str) -> object:
    from storeops.notebook.marks import DEFAULT
    from storeops.operations.wishes import Choice, choose

    if follows in ("all", "newest"):
        choice = Choice(marked=DEFAULT, follows=follows)
    else:
        choice = Choice(marked=DEFAULT, owner=follows.lstrip("@＠"), follows="owner")
    return choose(core.data, choice, core.clock.now())


def plan_tags(core: App, answer: dict[str, str]) -> tuple[str, str]:
    """Add tag changes to the draft: (plan_id, sentence)."""
    from storeops.operations.drafts import draft_tags

    core.ledger.policy.may_write()
    add, remove = names(answer["add"]), names(answer["remove"])
    if not add and not remove:
        raise UsageError(_("No tag was named."), hint=_("Name a tag to add or to remove."))
    chosen = _chosen(core, answer["follows"])
    plan, rows = draft_tags(core.ledger, chosen, add=add, remove=remove)  # type: ignore[arg-type]
    return plan.name, _rows(rows)


def plan_remarks(core: App, answer: dict[str, str]) -> tuple[str, str]:
    """Add changes of remarks to the draft: (plan_id, sentence)."""
    from storeops.operations.drafts import draft_remarks

    core.ledger.policy.may_write()
    values = {key: answer[key] for key in ("remark", "description") if answer[key]}
    if not values:
        raise UsageError(_("Nothing was filled in."), hint=_("Type a remark or a description."))
    chosen = _chosen(core, answer["follows"])
    plan, rows = draft_remarks(core.ledger, chosen, values)  # type: ignore[arg-type]
    return plan.name, _rows(rows)


def plan_handover(core: App, answer: dict[str, str]) -> tuple[str, str]:
    """Make a handover plan of the marked customers: (plan_id, sentence)."""
    from storeops.notebook.marks import DEFAULT
    from storeops.operations.handover.planner import plan_handover as make
    from storeops.operations.handover.wish import Wish

    core.ledger.policy.may_write()
    made = make(
        core.ledger,
        Wish(
            givers=[each.lstrip("@＠") for each in names(answer["givers"])],
            takers=[each.lstrip("@＠") for each in names(answer["takers"])],
            marked=DEFAULT,
            groups=False,
            message=answer["message"],
            command="storeops handover plan --marked " + DEFAULT,
        ),
    )
    text = _("{ready} rows are ready, {blocked} blocked.").format(
        ready=f"{made.plan.ready:,}", blocked=f"{made.plan.blocked:,}"
    )
    return made.plan.name, text


PLANNERS = {"tag": plan_tags, "remark": plan_remarks, "handover": plan_handover}


def _rows(count: int) -> str:
    return ngettext(
        "{count} row was added to the draft.", "{count} rows were added to the draft.", count
    ).format(count=f"{count:,}")

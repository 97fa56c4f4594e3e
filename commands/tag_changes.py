"""`storeops tag plan|add|rename|move|delete|group|rule`: changes of tags, all as plans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import follow_options, output, planned
from commands.context import current
from commands.file_options import FileOptions
from commands.follow_options import Again, Follows, Template
from commands.option_sets import option_sets
from commands.options import Reason
from commands.selecting import as_options, selecting
from storeops.errors import NothingToDoError, UsageError
from storeops.i18n import _, aside, labelled, ngettext

if TYPE_CHECKING:
    from storeops.reading.customers import Selection

group_app = typer.Typer(help=_("Groups of tags: add, rename, move, delete."))
rule_app = typer.Typer(help=_("Rules: tags by condition, from files like rules/gold.toml."))

Names = Annotated[
    list[str] | None, typer.Option("--tag", metavar="NAME", help=_("A tag; may be repeated."))
]
TagText = Annotated[
    str, typer.Argument(metavar="TAG", help=_("Id, group/name, or a name that only one tag has."))
]
Recheck = Annotated[
    bool, typer.Option("--recheck", help=_("Ask WeCom anew, although it refused this before."))
]
NewName = Annotated[str, typer.Argument(metavar="NAME", help=_("The new name."))]
GroupText = Annotated[str, typer.Argument(metavar="GROUP", help=_("Id or name of a group."))]
Order = Annotated[int, typer.Option("--order", min=0, max=2**32 - 1, help=_("Larger first."))]
Files = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FILE]…", help=_("Files of rules; without one, rules/*.toml.")),
]


def register(app: typer.Typer) -> None:
    """Add the changing verbs to `storeops tag`."""
    app.command("plan", help=_("Plan to set or take off tags."))(plan)
    app.command("add", help=_("Plan new tags in a group."))(add)
    app.command("rename", help=_("Plan another name for a tag."))(rename)
    app.command("move", help=_("Plan another place for a tag within its group."))(move)
    app.command("delete", help=_("Plan to delete a tag from the library and all customers."))(
        delete
    )
    app.add_typer(group_app, name="group")
    app.add_typer(rule_app, name="rule")


@option_sets
@selecting
def plan(
    add: Annotated[
        list[str] | None,
        typer.Option("--add", metavar="TAG", help=_("Tag to set; may be repeated.")),
    ] = None,
    remove: Annotated[
        list[str] | None,
        typer.Option("--remove", metavar="TAG", help=_("Tag to take off; may be repeated.")),
    ] = None,
    *,
    selection: Selection,
    follows: Follows = "",
    file: FileOptions,
    template: Template = False,
    again: Again = "",
    reason: Reason = "",
) -> None:
    """Nothing is sent: read the plan, then apply it."""
    from storeops.domains.tags.tag_plan import FIELDS, plan_tags

    if template:
        follow_options.print_template(FIELDS)
        return
    ledger = current().app.ledger
    ledger.policy.may_write()
    if again:
        follow_options.plan_again(
            "tag",
            again,
            reason,
            (add, remove, *as_options(selection).values(), follows, file.path),
        )
        return
    request = follow_options.request_of(selection, follows)
    found = follow_options.selected(request, FIELDS, file, requested=bool(add or remove))
    command = planned.command_line(
        "tag", "plan", add=add, remove=remove, **as_options(selection),
        follows=follows, **file.typed(),
    )  # fmt: skip
    planned.show_plan(
        plan_tags(
            ledger, found, add=add or (), remove=remove or (), reason=reason, command=command
        ),
        found.sheet,
    )


def add(
    group: GroupText,
    tags: Names = None,
    reason: Reason = "",
) -> None:
    """`storeops tag add Level --tag Gold --tag Silver`."""
    from storeops.domains.tags.tag_library_plan import add_tags

    command = planned.command_line("tag", "add", group, tag=tags)
    planned.show_plan(
        add_tags(current().app.ledger, group, tags or [], reason=reason, command=command)
    )


def rename(
    tag: TagText,
    name: NewName,
    recheck: Recheck = False,
    reason: Reason = "",
) -> None:
    """Customers keep the tag."""
    from storeops.domains.tags.tag_library_plan import change_tag

    planned.show_plan(
        change_tag(
            current().app.ledger, tag, "rename", name=name, recheck=recheck, reason=reason,
            command=planned.command_line("tag", "rename", tag, name, recheck=recheck),
        )
    )  # fmt: skip


def move(
    tag: TagText,
    order: Annotated[
        int | None, typer.Option("--order", min=0, max=2**32 - 1, help=_("Larger first."))
    ] = None,
    to: Annotated[
        str, typer.Option("--to", metavar="GROUP", help=_("Not possible in WeCom; says why."))
    ] = "",
    recheck: Recheck = False,
    reason: Reason = "",
) -> None:
    """Only the order can change: a tag stays in its group."""
    import shlex

    from storeops.domains.tags.tag_library_plan import change_tag
    from storeops.reading.filter import quoted

    if to:
        raise UsageError(
            _("WeCom cannot move a tag to another group."),
            hint=_("Add it there, tag the customers who have the old one, then delete that."),
            next_steps=[
                f"storeops tag add {shlex.quote(to)} --tag …",
                f"storeops tag plan --where {shlex.quote(f'#{quoted(tag)}')} --follows all"
                f" --add {shlex.quote(f'{to}/…')}",
            ],
        )
    if order is None:
        raise UsageError(_("--order is missing."), hint=_("Larger numbers come first."))
    planned.show_plan(
        change_tag(
            current().app.ledger, tag, "move", order=order, recheck=recheck, reason=reason,
            command=planned.command_line("tag", "move", tag, order=order, recheck=recheck),
        )
    )  # fmt: skip


def delete(tag: TagText, recheck: Recheck = False, reason: Reason = "") -> None:
    """It goes off every customer and cannot be put back."""
    from storeops.domains.tags.tag_library_plan import change_tag

    planned.show_plan(
        change_tag(
            current().app.ledger, tag, "delete", recheck=recheck, reason=reason,
            command=planned.command_line("tag", "delete", tag, recheck=recheck),
        )
    )  # fmt: skip


@group_app.command("add", help=_("Plan a new group with its first tags."))
def group_add(
    name: NewName,
    tags: Names = None,
    order: Annotated[
        int | None, typer.Option("--order", min=0, max=2**32 - 1, help=_("Larger first."))
    ] = None,
    reason: Reason = "",
) -> None:
    """A group begins with its first tag."""
    from storeops.domains.tags.tag_library_plan import add_tags

    command = planned.command_line("tag", "group", "add", name, tag=tags, order=order)
    planned.show_plan(
        add_tags(
            current().app.ledger, name, tags or [], new_group=True, order=order, reason=reason,
            command=command,
        )
    )  # fmt: skip


@group_app.command("rename", help=_("Plan another name for a group."))
def group_rename(
    group: GroupText,
    name: NewName,
    recheck: Recheck = False,
    reason: Reason = "",
) -> None:
    """Its tags stay."""
    from storeops.domains.tags.tag_library_plan import change_group

    planned.show_plan(
        change_group(
            current().app.ledger, group, "rename", name=name, recheck=recheck, reason=reason,
            command=planned.command_line("tag", "group", "rename", group, name, recheck=recheck),
        )
    )  # fmt: skip


@group_app.command("move", help=_("Plan another place for a group."))
def group_move(
    group: GroupText, order: Order, recheck: Recheck = False, reason: Reason = ""
) -> None:
    """Larger numbers come first."""
    from storeops.domains.tags.tag_library_plan import change_group

    planned.show_plan(
        change_group(
            current().app.ledger, group, "move", order=order, recheck=recheck, reason=reason,
            command=planned.command_line(
                "tag", "group", "move", group, order=order, recheck=recheck
            ),
        )
    )  # fmt: skip


@group_app.command("delete", help=_("Plan to delete a group with all its tags."))
def group_delete(group: GroupText, recheck: Recheck = False, reason: Reason = "") -> None:
    """Its tags go off every customer and cannot be put back."""
    from storeops.domains.tags.tag_library_plan import change_group

    planned.show_plan(
        change_group(
            current().app.ledger, group, "delete", recheck=recheck, reason=reason,
            command=planned.command_line("tag", "group", "delete", group, recheck=recheck),
        )
    )  # fmt: skip


@rule_app.command("check", help=_("Say what is wrong with rules; nothing is planned."))
def rule_check(files: Files = None) -> None:
    """Exit code 2 when a rule cannot run."""
    from storeops.domains.tags import tag_rules

    ledger = current().app.ledger
    found = [
        {"rule": rule.name, "file": rule.file, "troubles": tag_rules.check(ledger, rule)}
        for rule in tag_rules.read(files or ["rules"])
    ]
    output.items(
        found,
        [
            output.Column("rule", _("Rule")),
            output.Column("file", _("File")),
            output.Column("troubles", _("Trouble"), show=_troubles),
        ],
    )
    bad = [each for each in found if each["troubles"]]
    if bad:
        planned.finish(
            UsageError(
                _("{count} of {total} rules cannot run.").format(count=len(bad), total=len(found)),
                hint=str(bad[0]["troubles"][0]),
            )
        )


def _troubles(value: object) -> str:
    assert isinstance(value, list)
    return " · ".join(map(str, value)) or _("fine")


@rule_app.command("preview", help=_("The count and ten examples of each rule."))
def rule_preview(files: Files = None) -> None:
    """Nothing is stored."""
    from storeops.domains.tags import tag_rules

    ledger = current().app.ledger
    found = [tag_rules.preview(ledger, rule) for rule in tag_rules.read(files or ["rules"])]
    rows = [
        {
            "rule": each.rule.name,
            "matched": each.matched,
            "changes": each.changes,
            "examples": [
                {"name": name, "member": member, "add": list(add), "remove": list(remove)}
                for name, member, add, remove in each.examples
            ],
        }
        for each in found
    ]
    if current().settings.machine:
        output.items(rows, [output.Column("rule", _("Rule"))])
        return
    for preview in found:
        output.line(
            ngettext(
                "{rule}: {changes} of {matched} follow would change",
                "{rule}: {changes} of {matched} follows would change",
                preview.matched,
            ).format(rule=preview.rule.name, changes=preview.changes, matched=preview.matched)
        )
        for name, member, plus, minus in preview.examples:
            words = [f"+{each}" for each in plus] + [f"−{each}" for each in minus]
            output.line("  " + labelled(aside(name, member), " ".join(words)))


@rule_app.command("plan", help=_("Plan what rules would change; one plan each."))
def rule_plan(files: Files = None, reason: Reason = "") -> None:
    """Idempotent: what is so already is left out."""
    from storeops.domains.tags import tag_rules

    ledger = current().app.ledger
    rules, worst = tag_rules.read(files or ["rules"]), 0
    several = len(rules) > 1 and current().settings.machine  # one answer, not one a rule
    values = []
    for rule in rules:
        command = planned.command_line("tag", "rule", "plan", rule.file)
        value, code = _plan_rule(ledger, rule, reason, command, quiet=several)
        values.append(value)
        worst = max(worst, code)
    if several:
        output.items(values, [])
    if worst:
        raise typer.Exit(worst)


def _plan_rule(
    ledger: Any, rule: Any, reason: str, command: str, *, quiet: bool
) -> tuple[dict[str, Any], int]:
    """Plan one rule and show it unless `quiet`; its exit code, so that it holds up no other."""
    from storeops.domains.tags import tag_rules

    try:
        made = tag_rules.plan(ledger, rule, reason=reason, command=command)
    except NothingToDoError as error:
        value = {**error.details, "rule": rule.name}
        if not quiet:
            output.result(value, labelled(rule.name, error.message))
        return value, 0
    value = {**planned.with_times(made.as_dict()), "rule": rule.name}
    try:
        if quiet:
            planned.finish_left_out(made, None)
        else:
            planned.show_plan(made)
    except typer.Exit as ended:
        return value, ended.exit_code
    return value, 0

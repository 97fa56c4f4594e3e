"""`storeops commission`: whose sale it was, to the fen, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from commands import cells, output
from commands.context import current
from commands.diagnostics import note
from commands.option_sets import option_sets
from commands.options import RuleName, RulePaths, Yes
from commands.output import Column
from commands.page_options import PageOptions
from storeops.i18n import _, aside, labelled, ngettext

app = typer.Typer(help=_("Commission: rules, months, pay slips, and why each line is shared so."))
rule_app = typer.Typer(help=_("Rules: check files, adopt them, list versions, retire."))
app.add_typer(rule_app, name="rule")

Month = Annotated[str, typer.Option("--month", metavar="MONTH", help=_("The month: 2026-10."))]
Rules = Annotated[
    list[str] | None,
    typer.Option(
        "--rules", metavar="PATH",
        help=_("Rule files or folders to try instead of those in force; may be repeated."),
    ),
]  # fmt: skip


def _money(amount_fen: Any) -> str:
    from storeops.domains.orders.values import yuan

    return yuan(amount_fen)


def _who(row: Any) -> str:
    return row["name"] or row["userid"] or _("shop pool")


def _role(word: str) -> str:
    from storeops.domains.commission.allocation import ROLE_NAMES

    return _(ROLE_NAMES[word])


def _note_others(month: str) -> None:
    """What a month's sums leave out."""
    from storeops.domains.commission import closing
    from storeops.domains.commission.calendar_months import last_month, span_of
    from storeops.domains.orders import sold

    late, first = closing.came_too_late(current().app.data, month)
    if late:
        note(
            ngettext(
                "{count} order paid before {first}, the first month that was closed, came since and"
                " is in no month: {step}",
                "{count} orders paid before {first}, the first month that was closed, came since"
                " and are in no month: {step}",
                late,
            ).format(
                count=late, first=first,
                step=f"storeops order list --until {last_month(span_of(first)[0])}",
            )
        )  # fmt: skip
    found = sold.abroad(current().app.data, *span_of(month))
    if found:
        count = sum(found.values())
        note(
            ngettext(
                "{count} order in another currency ({names}) is in no sum.",
                "{count} orders in other currencies ({names}) are in no sum.",
                count,
            ).format(count=count, names=_(", ").join(found))
        )


def _note_left_out(month: str) -> None:
    """What is in no month for good, once this one is closed as the first."""
    from storeops.domains.commission import closing

    count, first = closing.left_out(current().app.data, month)
    if count:
        note(
            ngettext(
                "{count} order paid before {month} will be in no month once it is closed. To have"
                " it paid, begin with: {step}",
                "{count} orders paid before {month} will be in no month once it is closed. To have"
                " them paid, begin with: {step}",
                count,
            ).format(count=count, month=month, step=f"storeops commission close --month {first}")
        )


def _last_month() -> str:
    from storeops.domains.commission.calendar_months import last_month

    return last_month(current().app.clock.now())


# -- rules ----------------------------------------------------------------------------------------


def _rule_row(rule: Any) -> dict[str, Any]:
    from storeops import times

    return {
        **rule.as_dict(),
        "shares": {role: share / 100 for role, share in rule.shares},
        "since": times.iso(rule.since),
        "until": times.iso(rule.until),
        "rate": rule.rate / 10_000,
        "protected": rule.protected / 100,
    }


def _shares(shares: Any) -> str:
    return _(", ").join(f"{_role(role)} {share:g}%" for role, share in shares.items())


_RULE_COLUMNS = [
    Column("name", _("Rule"), max_width=20),
    Column("version", _("Version"), right=True),
    Column("scheme", _("Scheme")),
    Column("shares", _("Shares"), show=_shares, max_width=40),
    Column("rate", _("Rate, %"), right=True, show=lambda value: f"{value:g}"),
    Column("priority", _("Priority"), right=True),
]


@rule_app.command("check", help=_("Read rule files and say what they mean; nothing is changed."))
def rule_check(paths: RulePaths) -> None:
    """Check files."""
    from storeops.domains.commission import rules

    output.items([_rule_row(each) for each in rules.read(paths)], _RULE_COLUMNS)


@rule_app.command("template", help=_("Print a first rule as a file to change and to adopt."))
def rule_template() -> None:
    """Print a rule."""
    from storeops.domains.commission import rules

    typer.echo(rules.template(), nl=False)


@rule_app.command("use", help=_("Adopt rules: what differs becomes a new version."))
def rule_use(paths: RulePaths) -> None:
    """Adopt rules."""
    import shlex

    from storeops.domains.commission import rules, rules_in_force

    ledger = current().app.ledger
    fresh = rules_in_force.adopt(ledger, rules.read(paths))
    names = _(", ").join(f"{each.name} v{each.version}" for each in fresh)
    output.result(
        {"adopted": [_rule_row(each) for each in fresh]},
        _("In force now: {names}.").format(names=names) if fresh
        else _("Nothing differs from what is in force."),
    )  # fmt: skip
    for rule, by in rules.outranked(rules_in_force.in_force(ledger.db)):
        step = f"storeops commission rule retire {shlex.quote(by.name)}"
        note(
            _(
                "{name} never counts: {by} fits the same orders and comes first. Give {name} a"
                " higher priority, or: {step}"
            ).format(name=rule.name, by=by.name, step=step)
        )


@rule_app.command("list", help=_("List rules with their versions, those in force first."))
@option_sets
def rule_list(
    retired: Annotated[
        bool, typer.Option("--retired", help=_("Also older versions and retired."))
    ] = False,
    page: PageOptions = PageOptions(limit=100),
) -> None:
    """List rules."""
    from storeops.domains.commission import rules_in_force
    from storeops.domains.commission.rules import CommissionRule

    rows = []
    for row in rules_in_force.versions(current().app.data):
        if row["in_force"] or retired:
            rule = _rule_row(CommissionRule.from_dict(row["rule"]))
            rows.append(
                {**rule, "in_force": row["in_force"], "adopted_at": cells.iso(row["adopted_at"]),
                 "adopted_by": row["adopted_by"]}
            )  # fmt: skip
    output.paged(
        sorted(rows, key=lambda row: not row["in_force"]),
        [*_RULE_COLUMNS, Column("in_force", _("In force")),
         Column("adopted_at", _("Adopted"), show=cells.when)],
        page=page, as_of=current().app.clock.now(),
        empty=_("No rule was adopted yet: storeops commission rule use FILE"),
    )  # fmt: skip


@rule_app.command("retire", help=_("Take a rule out of force; closed months keep it."))
def rule_retire(
    name: RuleName,
) -> None:
    """Retire a rule."""
    from storeops.domains.commission import rules_in_force

    rule = rules_in_force.retire(current().app.ledger, name)
    output.result(
        {"name": rule.name, "version": rule.version},
        _("{name} v{version} is not in force any more.").format(
            name=rule.name, version=rule.version
        ),
    )


# -- months ---------------------------------------------------------------------------------------


def _statement(found: Any) -> None:
    """A month by guide and shop."""
    from dataclasses import asdict

    from storeops.domains.commission.statements import statement

    call = current()
    rows = [asdict(each) for each in statement(call.app.data, found)]
    output.items(
        [{**row, "who": _who(row)} for row in rows],
        [
            Column("who", _("Guide"), max_width=18),
            Column("shop", _("Shop"), max_width=12),
            Column("lines", _("Lines"), right=True, show=cells.amount),
            Column("sales_fen", _("Sales"), right=True, show=_money),
            Column("returns_fen", _("Returns"), right=True, show=_money),
            Column("changes_fen", _("Later changes"), right=True, show=_money),
            Column("share_fen", _("Share, yuan"), right=True, show=_money),
            Column("pay_fen", _("Pay, yuan"), right=True, show=_money),
        ],
        as_of=call.app.clock.now(),
        extra={
            "month": found.month,
            "closed_at": cells.iso(found.closed_at),
            "share_fen": sum(row["share_fen"] for row in rows),
            "pay_fen": sum(row["pay_fen"] for row in rows),
        },
        empty=_("Nothing was sold in {month}.").format(month=found.month),
    )
    note(
        labelled(found.month, found.state)
        if found.outside
        else _("{month}, {state}: {share} in shares, {pay} to pay.").format(
            month=found.month, state=found.state,
            share=_money(sum(row["share_fen"] for row in rows)),
            pay=_money(sum(row["pay_fen"] for row in rows)),
        )
    )  # fmt: skip
    _note_others(found.month)


@app.command("preview", help=_("What a month would be by guide and shop; nothing is kept."))
def preview(month: Month = "", rules: Rules = None) -> None:
    """Try rules on a month."""
    from storeops.domains.commission import months, rules_in_force
    from storeops.domains.commission.rules import read

    call = current()
    tried = read(rules) if rules else None
    _statement(months.reckon(call.app.data, month or _last_month(), tried))
    if tried is None and not rules_in_force.in_force(call.app.data):
        note(_("No rule is in force, so all of it is the shops' pool. Begin with:"
               " storeops commission rule template > commission.toml"))  # fmt: skip


@app.command("run", help=_("Share a month line by line: as it stands, or as it was closed."))
@option_sets
def run(
    month: Month = "",
    userid: Annotated[
        str, typer.Option("--userid", metavar="USERID", help=_("Only this member's shares."))
    ] = "",
    page: PageOptions = PageOptions(limit=100),
) -> None:
    """List a month's shares."""
    from storeops.domains.commission import closing, months
    from storeops.mirror import members

    call = current()
    found = months.reckon(call.app.data, month or _last_month())
    who = userid.casefold()
    if who and who not in {each.share.userid.casefold() for each in found.entries}:
        who = members.find(call.app.data, userid).userid.casefold()
    rows = (
        {**each.as_dict(), "paid_at": cells.iso(each.paid_at)}
        for each in found.entries
        if not who or each.share.userid.casefold() == who
    )
    output.paged(
        rows,
        [
            Column("paid_at", _("Paid"), show=cells.day),
            Column("order_line", _("Order line"), max_width=18),
            Column("amount_fen", _("Amount"), right=True, show=_money),
            Column("userid", _("Guide"), max_width=14, show=cells.members(call.app.data)),
            Column("role", _("Role"), show=_role),
            Column("share_fen", _("Share, yuan"), right=True, show=_money),
            Column("reason", _("Why"), max_width=40),
        ],
        page=page,
        as_of=call.app.clock.now(),
        extra={"month": found.month, "closed_at": cells.iso(found.closed_at)},
        empty=_("{who} has no share in {month}.").format(who=userid, month=found.month)
        if userid and found.entries
        else _("Nothing was sold in {month}.").format(month=found.month),
    )
    if found.outside:
        note(labelled(found.month, found.state))
    _note_others(found.month)
    if found.month == closing.to_close(call.app.data, call.app.clock.now()):
        _note_left_out(found.month)
        note(
            _("When it is right, close it: storeops commission close --month {month}").format(
                month=found.month
            )
        )


@app.command("statement", help=_("A month by guide and shop; pay slips as files."))
def statement(
    month: Month = "",
    slips: Annotated[
        str, typer.Option("--slips", metavar="FOLDER", help=_("Write a pay slip for every guide."))
    ] = "",
    kind: Annotated[
        str,
        typer.Option("--kind", metavar="KIND", help=_("Of pay slips: xlsx (as a rule) or html.")),
    ] = "",
    force: Annotated[
        bool, typer.Option("--force", help=_("Replace pay slips that are there."))
    ] = False,
) -> None:
    """Show a month's statement, or write pay slips."""
    from storeops.domains.commission import months
    from storeops.errors import UsageError

    if not slips and (kind or force):
        raise UsageError(
            _("--kind and --force are about pay slips."),
            hint=_("Say where they shall be written: --slips FOLDER"),
        )
    kind = kind or "xlsx"
    if kind not in ("xlsx", "html"):
        raise UsageError(
            _("There is no kind {kind} of pay slips.").format(kind=kind),
            hint=_("Known: {names}.").format(names="xlsx, html"),
        )
    call = current()
    found = months.reckon(call.app.data, month or _last_month())
    if not slips:
        _statement(found)
        return
    from storeops.domains.commission.statements import write_slips

    written = write_slips(call.app.data, found, slips, kind, over=force)
    text = ngettext(
        "{count} pay slip written to {folder}, {share} in all.",
        "{count} pay slips written to {folder}, {share} in all.",
        len(written),
    ).format(count=len(written), folder=slips, share=_money(sum(each[2] for each in written)))
    output.result(
        {"month": found.month, "closed_at": cells.iso(found.closed_at),
         "files": [{"file": path, "userid": userid, "share_fen": fen}
                   for path, userid, fen in written]},
        text,
    )  # fmt: skip
    if found.closed_at is None and not found.outside:
        note(_("{month} is open: the pay slips may still change.").format(month=found.month))


@app.command("explain", help=_("Why a line is shared so: facts, rule, arithmetic."))
def explain(
    line: Annotated[str, typer.Argument(metavar="LINE", help=_("Order number and line: S1#2."))],
    source: Annotated[
        str, typer.Option("--source", metavar="NAME", help=_("The source, when several have it."))
    ] = "",
) -> None:
    """Explain one line."""
    from storeops.domains.commission import explained

    call = current()
    found = explained.explain(call.app.data, explained.find_line(call.app.data, line, source))
    name = _called(found)
    told, arithmetic = explained.facts(found, name), explained.sentences(found, name)
    for key in ("paid_at", "first_seen_at"):
        found[key] = cells.iso(found[key])
    for each in found["owners"]:
        each["start"], each["end"] = cells.iso(each["start"]), cells.iso(each["end"])
    for each in found["handovers"]:
        each["at"] = cells.iso(each["at"])
    if call.settings.machine or call.settings.fields:
        output.item(found, [])
        return
    rows = {str(at): text.split("\n") if "\n" in text else text
            for at, (_what, text) in enumerate(told)}  # fmt: skip
    output.item(rows, [Column(str(at), what) for at, (what, _text) in enumerate(told)])
    for line_ in arithmetic:
        output.line(line_)


def _called(found: dict[str, Any]) -> Callable[[str], str]:
    """How the members of an explanation are called."""
    from storeops.mirror import members

    words = {found["seller"], found["server"]}
    words |= {each["userid"] for each in found["owners"]}
    words |= {one["userid"] for each in found["reckoned"] for kind in ("parts", "entries")
              for one in each[kind]}  # fmt: skip
    words |= {each[key] for each in found["handovers"]
              for key in ("handover_userid", "takeover_userid")}  # fmt: skip
    known = members.by_userids(current().app.data, words - {""})

    def called(word: str) -> str:
        member = known.get(word.lower())
        return aside(member.name, word) if member is not None and member.name else word

    return called


@app.command("compare", help=_("A month by two sets of rules, guide by guide."))
def compare(
    after: Annotated[
        str, typer.Argument(metavar="RULES", help=_("Rule files or a folder to compare with."))
    ],
    month: Month = "",
    before: Annotated[
        str,
        typer.Option("--with", metavar="RULES", help=_("Instead of the rules in force: these.")),
    ] = "",
) -> None:
    """Compare two rule sets before anybody is paid."""
    from storeops.domains.commission import rules, statements

    call = current()
    first = rules.read([before]) if before else None
    rows = statements.compare(call.app.data, month or _last_month(), first, rules.read([after]))
    output.items(
        [{**row, "who": _who(row)} for row in rows],
        [
            Column("who", _("Guide"), max_width=18),
            Column("share_fen_before", _("Share before"), right=True, show=_money),
            Column("share_fen_after", _("Share after"), right=True, show=_money),
            Column("share_fen_difference", _("Difference"), right=True, show=_money),
            Column("pay_fen_before", _("Pay before"), right=True, show=_money),
            Column("pay_fen_after", _("Pay after"), right=True, show=_money),
            Column("pay_fen_difference", _("Difference"), right=True, show=_money),
        ],
        as_of=call.app.clock.now(),
        extra={"month": month or _last_month()},
        empty=_("Nothing was sold in {month}.").format(month=month or _last_month()),
    )


@app.command("close", help=_("Close a month: what it holds never changes from now on."))
def close(month: Month = "", yes: Yes = False) -> None:
    """Close a month."""
    from commands.question import type_to_confirm
    from storeops.domains.commission import closing, months

    call = current()
    month = month or _last_month()
    if not yes:
        _note_left_out(month)
        found = months.reckon(call.app.data, month)
        type_to_confirm(
            _("{month} with {share} in shares will be closed for good.").format(
                month=month, share=_money(found.share_fen)
            ),
            month,
        )
    done = closing.close(call.app.ledger, month)
    pay = sum(each.pay_fen for each in done.entries)
    output.result(
        {"month": month, "closed_at": cells.iso(done.closed_at), "closed_by": done.closed_by,
         "entries": len(done.entries), "share_fen": done.share_fen, "pay_fen": pay},
        _("{month} is closed: {share} in shares, {pay} to pay.").format(
            month=month, share=_money(done.share_fen), pay=_money(pay)
        ),
    )  # fmt: skip

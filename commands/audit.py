"""`storeops audit`: who did what to whose customers, and the proof that nothing is missing."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from commands import cells, output
from commands.context import current
from commands.option_sets import option_sets
from commands.options import Yes
from commands.output import Column
from commands.page_options import PageOptions
from storeops import i18n
from storeops.errors import ConflictError
from storeops.i18n import _, ngettext, plural
from storeops.terms import term

app = typer.Typer(help=_("The journal of all changes, chained line by line."))

Plan = Annotated[str, typer.Option("--plan", metavar="PLAN", help=_("Only this plan's lines."))]
Kind = Annotated[
    str, typer.Option("--kind", help=_("Only this kind, like plan.applied or row.answer."))
]
Who = Annotated[str, typer.Option("--who", help=_("Only what this person did."))]
Customer = Annotated[
    str, typer.Option("--customer", metavar="ID", help=_("Only lines about one customer."))
]


def _columns() -> list[Column]:
    """The columns of a list of lines."""
    return [
        Column("seq", _("Line"), right=True),
        Column("at", _("When"), show=cells.when),
        Column("who", _("Who"), max_width=16),
        Column("kind", _("What"), show=lambda kind: term("journal", kind), minor=-2),
        Column("plan_id", _("Plan")),
        Column("row", _("Row"), right=True),
        Column("external_userid", _("Customer"), minor=1),
        Column("summary", _("Details"), max_width=60, minor=-1),
    ]


@app.command("list", help=_("List lines, newest first."))
@option_sets
def list_(
    plan: Plan = "",
    kind: Kind = "",
    who: Who = "",
    customer: Customer = "",
    page: PageOptions = PageOptions(limit=50),
) -> None:
    """Erased lines say so."""
    from storeops.changes.journal_lines import lines

    found = list(
        lines(
            current().app.data,
            plan=_plan(plan),
            kind=kind,
            who=who,
            external_userid=customer,
            before=page.before,
            limit=page.wanted,
        )
    )
    output.newest(
        found,
        _value,
        lambda each: each.seq,
        _columns(),
        page=page,
        empty=_("The journal is empty."),
    )


def _plan(text: str) -> str:
    from storeops.changes import plans

    return plans.get(current().app.data, text).name if text else ""


def _value(entry: Any, *, proof: bool = False) -> dict[str, Any]:
    value: dict[str, Any] = entry.as_dict(proof=proof)
    value["at"] = cells.iso(entry.at)
    value["summary"] = _("erased") if entry.erased else _summary(entry.payload)
    return value


def _summary(payload: Any) -> str:
    """A line's content in one line: codes for programs, words for people."""
    if not current().settings.machine:
        return _describe(payload)
    if "status" in payload and "after" in payload:
        words = [payload["status"]]
        if payload.get("errcode"):
            words.append(str(payload["errcode"]))
        return " ".join([*words, cells.json_text(payload["before"]), "→",
                         cells.json_text(payload["after"])])  # fmt: skip
    return " ".join(
        f"{key}={each if isinstance(each, str | int | float) else cells.json_text(each)}"
        for key, each in payload.items()
        if each not in ("", None, []) and key != "hash"
    )


def _describe(payload: Any, whole: bool = False) -> str:
    """What a line says in words; `whole` with hashes, zeros, and many things by name."""
    from storeops.changes.plan_words import Words

    parts, said = [], {"title"}
    unsaid: list[Any] = ["", None, []]
    if payload.get("title"):
        parts.append(i18n.said(str(payload["title"])))
    if "status" in payload and "after" in payload:
        words = Words(current().app.data)
        code = f" {payload['errcode']}" if payload.get("errcode") else ""
        change = f"{words.text(payload['before'])} → {words.text(payload['after'])}"
        parts.append(f"{term('row', payload['status'])}{code} {change}")
        said = {*payload} if not whole else {"title", "status", "errcode", "before", "after"}
    if not whole:
        said |= {"hash", "kind"}
        unsaid += [0, False]
    for key, each in payload.items():
        if key in said or each in unsaid:
            continue
        if isinstance(each, str | int | float):
            text: Any = cells.table_cell(i18n.said(each) if isinstance(each, str) else each)
        else:  # many things: how many
            text = cells.json_text(each) if whole else len(each)
        parts.append(_("{name}: {text}").format(name=term("detail", key), text=text))
    return _(", ").join(parts)


@app.command("show", help=_("Show one line with all it says."))
def show(
    seq: Annotated[int, typer.Argument(metavar="LINE", help=_("Its number in `audit list`."))],
) -> None:
    """With the digests that chain it."""
    from storeops.changes.journal_lines import show as read

    value = _value(read(current().app.data, seq), proof=True)
    output.item(
        value,
        [
            *_columns()[:-1],
            Column("machine", _("Machine")),
            Column("payload", _("Content"), show=lambda payload: _describe(payload, whole=True)),
            Column("hash", _("Hash")),
        ],
    )


@app.command("verify", help=_("Read the whole journal; name what was changed, removed or cut."))
def verify() -> None:
    """Exit code 0 when whole, 9 when not."""
    from commands import planned
    from storeops.changes.verify import verify as prove

    ledger = current().app.ledger
    proof = prove(ledger.db, ledger.journal)
    value = {
        "whole": proof.whole,
        "lines": proof.lines,
        "erased": proof.erased,
        "unsealed": proof.unsealed,
        "head": proof.head,
        "findings": [each.as_dict() for each in proof.findings],
        "more_findings": proof.more,
        "notes": [each.as_dict() for each in proof.notes],
    }
    text = [
        ngettext(
            "{lines} line, {erased} of them erased.",
            "{lines} lines, {erased} of them erased.",
            proof.lines,
        ).format(lines=cells.amount(proof.lines), erased=cells.amount(proof.erased))
    ]
    if proof.unsealed:
        text.append(
            ngettext(
                "{count} line is newer than the seal: a process was stopped or still works.",
                "{count} lines are newer than the seal: a process was stopped or still works.",
                proof.unsealed,
            ).format(count=proof.unsealed)
        )
    text += [each.message for each in (*proof.notes, *proof.findings)]
    if proof.more:
        text.append(_("… and {count} more").format(count=proof.more))
    text.append(_("The journal is whole.") if proof.whole else _("The journal is NOT whole."))
    output.result(value, "\n".join(text))
    if not proof.whole:
        planned.finish(
            ConflictError(
                _("The journal is not whole: {first}").format(first=proof.findings[0].message),
                hint=_("Keep the database as it is and ask who had access to this machine."),
            )
        )


@app.command("export", help=_("Write the journal in the order of the chain, with its digests."))
def export(plan: Plan = "", kind: Kind = "", who: Who = "", customer: Customer = "") -> None:
    """NDJSON unless another format is asked for."""
    from storeops.changes.journal_lines import lines

    call = current()
    if not call.settings.machine:
        call.set(format="ndjson")
    found = lines(
        call.app.data, plan=_plan(plan), kind=kind, who=who, external_userid=customer,
        limit=None, oldest_first=True,
    )  # fmt: skip
    output.items((_export(each) for each in found), _columns())


def _export(entry: Any) -> dict[str, Any]:
    value: dict[str, Any] = entry.as_dict(proof=True)
    value["at"] = cells.iso(entry.at)
    value["at_unix"] = entry.at
    return value


@app.command("erase", help=_("Erase one customer from every file of the profile, for ever."))
def erase(
    external_userid: Annotated[str, typer.Argument(metavar="ID", help=_("external_userid"))],
    reason: Annotated[str, typer.Option("--reason", help=_("Why; do not name the person."))] = "",
    yes: Yes = False,
) -> None:
    """Mirror, notes, plans, handovers, events and journal; the chain stays whole."""
    from commands.question import confirm
    from storeops import paths
    from storeops.operations.erasure import erase_person

    app_ = current().app
    ledger = app_.ledger
    ledger.policy.may_write()
    if not yes:
        confirm(_("Erase this customer from every file of this profile, for ever?"))
    heard = paths.inbox_db(app_.profile.name).exists()
    gone = erase_person(
        ledger, external_userid, reason=reason, inbox=(lambda: app_.inbox) if heard else None
    )
    text = [
        _("Erased: {lines}, {rows}, {facts}, {events}; {others}.").format(
            lines=plural("{count} journal line", "{count} journal lines", gone.lines),
            rows=plural("{count} row of plans", "{count} rows of plans", gone.rows),
            facts=plural("{count} fact", "{count} facts", gone.facts),
            events=plural("{count} event", "{count} events", gone.events),
            others=_(", ").join(
                _("{name}: {count}").format(name=term("detail", name), count=count)
                for name, count in gone.others.items()
            ),
        ),
        _(
            "Backups and exported files still hold the person; so does WeCom: the next sync brings "
            "back whom somebody still follows."
        ),
    ]
    text += gone.still_held
    if not gone.clean:
        text.append(
            _("Free pages may still hold old text: `storeops db vacuum` when nothing else runs.")
        )
    output.result(gone.as_dict(), "\n".join(text))

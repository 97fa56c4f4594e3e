"""`storeops help`: the page of a command, of the filter language, of the forms of output."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from commands import help as help_pages
from commands import output
from storeops import i18n
from storeops.errors import UsageError
from storeops.i18n import N_, _
from storeops.plain import wrap
from storeops.spelling import did_you_mean

app = typer.Typer(help=_("Help: of a command, of the filter language, of output."))

TOPICS = {
    "filter": N_("the filter language: words, conditions, dates, examples"),
    "output": N_("tables, JSON, CSV, files; how to pipe"),
}


@app.command("help", help=_("Explain a command, or a topic: filter, output."))
def help_(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORDS", help=_("A noun, noun and verb, or a topic.")),
    ] = None,
) -> None:
    """Print a page."""
    line = list(words or ())
    if line[:1] == ["filter"]:
        output.line(filter_page())
    elif line[:1] == ["output"]:
        output.line(output_page())
    else:
        output.line(command_page(line))


def command_page(words: list[str]) -> str:
    """The help page of the command that words name; the root's for none.

    Raises:
        UsageError: there is no such command.
    """
    from commands import habits, main, tree

    command: Any = tree.root()
    context = command.context_class(command, info_name="storeops")
    for word in habits.turned(words, main.nouns()):
        found = None
        if hasattr(command, "get_command"):
            known = command.list_commands(context)
            found = command.get_command(context, habits.verb(word, known, ()) or word)
        if found is None:
            known = list(getattr(command, "commands", ()))
            raise UsageError(
                _("There is no help on {words}.").format(words=" ".join(words)),
                hint=did_you_mean(
                    word,
                    [*known, *main.nouns(), *TOPICS],
                    _("Topics: {names}; else any command.").format(names=_(", ").join(TOPICS)),
                ),
                next_steps=["storeops help"],
            )
        command = found
        context = command.context_class(command, info_name=command.name, parent=context)
    formatter = context.make_formatter()
    command.format_help(context, formatter)
    topics = "" if words else "\n\n" + "\n".join(topic_lines())
    page: str = formatter.getvalue()
    return page.rstrip() + topics


def topic_lines() -> list[str]:
    """What `storeops help` has besides commands."""
    rows = [(f"storeops help {name}", _(text)) for name, text in TOPICS.items()]
    return [_("More help:"), *help_pages.columns(rows)]


def filter_page() -> str:
    """The filter language on one page, for who has no documents at hand."""
    from storeops.reading.conditions import conditions
    from storeops.reading.filter_words import CLOSED

    def terms(key: str) -> str:
        plain = i18n.language() == "en"
        return _(", ").join(
            each.slug if plain else f"{each.slug}（{each.label}）" for each in CLOSED[key]
        )

    rules = (
        _("Conditions side by side must all hold; `or` (或, |) separates alternatives, brackets "
          "group, `!` negates. No condition means everybody."),
        _("Conditions on owner, tag, store, status, state, way and date hold on one and the same "
          "follow: `@li #VIP` is a customer whom li tagged. `!#VIP` means that no follow has it."),
        _("Quotes hold a value with spaces: #\"VIP 2026\". Full-width signs mean the same."),
        _("Lost relations are found too; add status:active to leave them out."),
        _("A name that two have is refused with both ids; nothing is guessed."),
    )  # fmt: skip
    examples = [
        ("'@li #VIP since:30d'", _("tagged VIP by li, added within 30 days")),
        ("'store:S010 !has:tag has:phone'", _("of shop S010, without any tag, with a phone")),
        ("'way:scan or state:store*'", _("who scanned a code, or came by a shop's contact way")),
        ("'owners:>1 status:active'", _("followed by more than one")),
        ("'status:lost until:2026-05'", _("lost, added in May 2026 or before")),
    ]
    wide = help_pages.width() - 2
    lines = [_("The filter language, for --where, views, rules and the screens' filter bar."), ""]
    for rule in rules:
        lines += [f"  {each}" for each in wrap(rule, wide)]
    lines += ["", _("Conditions:"), *help_pages.columns(help_pages.filters())]
    own = [
        (f"{_(', ').join((f'{key}:', *(f'{each}:' for each in found.words)))}", _(found.help))
        for key, found in conditions().items()
    ]
    lines += ["", _("Conditions of domains:"), *help_pages.columns(own)]
    for title, key in ((_("Statuses:"), "status"), (_("Ways:"), "way")):
        lines += ["", title, *(f"  {each}" for each in wrap(terms(key), wide))]
    dates = _(
        "2026-05-01, 2026-05, 2026, 2026-05-01T09:30; today, yesterday, week, last-week, month, "
        "last-month, year; back from now: 24h, 7d, 2w, 3m, 1y. since: takes the beginning of what "
        "is named, until: its end."
    )
    lines += ["", _("Dates:"), *(f"  {each}" for each in wrap(dates, wide))]
    lines += ["", _("Examples, behind `storeops customer list --where`:")]
    lines += help_pages.columns(examples)
    lines += ["", _("`--explain` says how a filter is read.")]
    return "\n".join(lines)


def output_page() -> str:
    """Forms of answers and files on one page."""
    rows = [
        ("-o table", _("For people: what does not fit the terminal gives way and is named.")),
        ("-o wide", _("The same, nothing cut or left out.")),
        ("--json", _("One object; lists are {items, next, has_more, complete, as_of}.")),
        ("--ndjson", _("One object a line; memory stays flat.")),
        ("--csv", _("A heading line of field names, safe for spreadsheets; --bom for old Excel.")),
        ("--fields a,b.c", _("Only these fields, in this order; dots reach inside.")),
        ("-n N, --all, --after", _("How many rows; a list that was cut says so.")),
        ("-q", _("Nothing on stderr but errors.")),
    ]
    piped = [
        ("storeops customer list --all --json | jq '.items[].name'", ""),
        ("storeops customer list --all --ndjson | jq '.name, .status'", ""),
        ("storeops customer export customers.xlsx", ""),
    ]
    errors = _(
        "Data goes to stdout, everything else to stderr. Errors end with a documented code "
        "(`storeops exit-codes`); with --json, --ndjson or --csv they are one JSON object on "
        "stderr with next_steps. `storeops schema` says what every command takes and answers."
    )
    lines = [_("Forms of answers:"), *help_pages.columns(rows), ""]
    lines += wrap(errors, help_pages.width())
    lines += ["", _("To pipe, or for a file:"), *help_pages.columns(piped)]
    return "\n".join(lines)

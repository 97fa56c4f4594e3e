"""`storeops sandbox callback`: where the sandbox calls back, and whether it got through."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from commands import cells, output
from commands.context import current
from commands.output import Column
from commands.sandbox_knobs import Url, ask
from storeops.i18n import _, ngettext

app = typer.Typer(help=_("Where the sandbox calls back."))
_SLOW_S = 30.0  # the receiver is asked meanwhile


@app.command("set", help=_("Save the address, as the console does: it is checked first."))
def set_(
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help=_("What `storeops events serve` prints."))
    ],
    replay: Annotated[
        bool, typer.Option("--replay", help=_("Send what happened before, too."))
    ] = False,
    url: Url = "",
) -> None:
    """What happens from now on is sent, as the console does.

    Token and key are those of the profile; a sandbox's profile gets new ones when needed.
    """
    from storeops.operations import events

    profile = current().app.profile
    found = events.find_keys(profile)
    if found is None and profile.sandbox:
        found = events.new_keys(profile)
    keys = found or events.keys(profile)
    after = 0 if replay else ask(url, "GET", "events?limit=0")["total"]
    row = ask(
        url,
        "POST",
        "callback",
        {
            "url": address,
            "token": keys.token,
            "encoding_aes_key": keys.encoding_aes_key,
            "after": after,
        },
        _SLOW_S,
    )
    text = _("The sandbox calls {url} now.").format(url=row["url"])
    if after:
        left = ngettext(
            "{count} earlier event is not sent (--replay sends it).",
            "{count} earlier events are not sent (--replay sends them).",
            after,
        ).format(count=after)
        text = f"{text}\n{left}"
    output.result({**row, "earlier": after}, text)


@app.command("show", help=_("The address, and how deliveries stand."))
def show(url: Url = "") -> None:
    """Counts by what became of events; `sandbox events` has them one by one."""
    output.item(
        ask(url, "GET", "callback"),
        [
            Column("url", _("Address")),
            Column("events", _("Events"), show=cells.amount),
            Column("waiting", _("On their way"), show=cells.amount),
            Column("answered", _("Answered"), show=cells.amount),
            Column("failed", _("Given up"), show=cells.amount),
            Column("dropped", _("Never sent"), show=cells.amount),
            Column("requests", _("Requests"), show=cells.amount),
        ],
    )


@app.command("clear", help=_("Call nobody any more."))
def clear(url: Url = "") -> None:
    """Forget the address."""
    row = ask(url, "DELETE", "callback")
    output.result(row, _("The sandbox calls nobody now."))


def last_answer(attempts: Any) -> str:
    """How often an event was sent, and what came back last: `×2 200 success`."""
    if not attempts:
        return ""
    last = attempts[-1]
    said = last.get("error") or f"{last['status']} {last['answer']}"
    return f"×{len(attempts)} {said}".rstrip()

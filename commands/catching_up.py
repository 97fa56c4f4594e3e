"""At a back office, before a command reads: what is new at head office, else as of when it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands import cells
from commands.diagnostics import note
from storeops.domain import registry
from storeops.i18n import _
from storeops.mirror.meta import kept_at_head_office

if TYPE_CHECKING:
    from storeops.app import App

# nouns that read nothing of head office, or have to do with the line to it themselves
_APART = frozenset({"", "completion", "config", "db", "doctor", "hub", "plugin", "profile"})


def must_be_here(path: str) -> None:
    """Refuse commands about what lies with head office and does not flow.

    Args:
        path: words of the command.

    Raises:
        PolicyError: it is one.
    """
    noun = path.partition(" ")[0]
    domain = next(
        (each for each in registry().domains for own in each.nouns if own.name == noun), None
    )
    if domain is not None and domain.office:
        raise kept_at_head_office(domain.title)


def first(app: App, path: str) -> None:
    """Fetch what is new, for a fraction of a second; say as of when the mirror is otherwise.

    Args:
        app: of a back office.
        path: words of the command.
    """
    if path.partition(" ")[0] in _APART:
        return
    from storeops.hub.catching_up import catch_up

    found = catch_up(app)
    if found.fresh:
        return
    if found.at is None:
        note(_("Nothing has come from head office yet. Fetch it: `storeops hub follow --once`"))
    elif found.turned_away:
        note(
            _(
                "Head office lets this back office in no more: what is here is as of {time}. Ask"
                " it for a new file to join with."
            ).format(time=cells.when(found.at))
        )
    elif found.word_at is not None:
        note(
            _(
                "Head office was not reached: what it keeps is here as of {time}, and some of what"
                " it said until {until}."
            ).format(time=cells.when(found.at), until=cells.when(found.word_at))
        )
    else:
        note(
            _("Head office was not reached: what it keeps is here as of {time}.").format(
                time=cells.when(found.at)
            )
        )

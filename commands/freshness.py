"""What every read says of itself: as of when, whether whole, and a line on stderr when stale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands import cells
from commands.context import current
from commands.diagnostics import note
from storeops.durations import span
from storeops.i18n import _

if TYPE_CHECKING:
    from storeops.reading.freshness import Freshness


def noted() -> Freshness:
    """The freshness of customers; says so on stderr when the mirror is stale or not whole."""
    from storeops.reading import freshness

    app = current().app
    found = freshness.read(app.data, app.clock.now(), stale_after_s=app.settings.stale_after)
    command = freshness.refreshed_by(app.data)
    if found.as_of is None:
        note(
            _("Nothing was read from WeCom completely yet: run `{command}`.").format(
                command=command
            )
        )
    elif found.stale and found.age_s == 0:
        note(
            _("The mirror is dated {time}, still to come: run `{command}`.").format(
                time=cells.when(found.as_of), command=command
            )
        )
    elif found.stale and found.age_s is not None:
        note(
            _("The mirror is {age} old: run `{command}`.").format(
                age=span(found.age_s), command=command
            )
        )
    elif not found.complete:
        note(_("Some staff could not be read last time: `storeops sync status` names them."))
    return found

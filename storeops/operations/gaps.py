"""What no callback told: a comparison with WeCom finds it and repairs the mirror.

A sync writes what it finds, with itself as the source; an event that was told and handled has
written the same before. So whatever the comparison changes of customers was told by no event, but
for what still waits in the inbox and what WeCom calls nobody back for (a nickname).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from storeops.errors import ConflictError, NotFoundError
from storeops.events import listing
from storeops.i18n import _
from storeops.mirror import timeline
from storeops.operations.events import EventWiring
from storeops.reading import freshness
from storeops.sync import runs
from storeops.sync.results import SyncResult

SILENT = ("name",)  # fields of customers that WeCom calls nobody back for
MOST = 5_000_000  # changes of one comparison
LOOKED_AT = 50  # runs, back to the last two that read every customer


@dataclass(frozen=True, slots=True)
class Gap:
    """Something about a customer that no event told.

    Attributes:
        external_userid: the customer.
        userid: the member; None when it is about the customer alone.
        fields: what the comparison changed.
    """

    external_userid: str
    userid: str | None
    fields: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The item of `events gaps --json`."""
        return {
            "external_userid": self.external_userid,
            "userid": self.userid,
            "fields": list(self.fields),
        }


@dataclass(frozen=True, slots=True)
class Gaps:
    """What a comparison says of the callbacks.

    Attributes:
        since: the comparison before began then, Unix seconds.
        told: relations that events told of since.
        untold: what no event told, in the order it was found.
        waiting: customers that were left out: an event had told of what was found, but was not
            handled when the comparison began.
    """

    since: float
    told: int
    untold: Sequence[Gap]
    waiting: int

    @property
    def reliability(self) -> float | None:
        """Share of changes that events told, 0 to 1; None when nothing changed."""
        changes = self.told + len(self.untold)
        return self.told / changes if changes else None


def last_comparison(app: EventWiring) -> float:
    """When the customers were last read completely, Unix seconds.

    Raises:
        ConflictError: they never were: there is nothing to compare with.
    """
    (follows,) = freshness.scopes(app.data, app.clock.now(), names=("follows",))
    if follows.completed_at is None:
        raise ConflictError(
            _("The customers were never read completely: there is nothing to compare with."),
            hint=_("Read them first: storeops sync run"),
            next_steps=["storeops sync run"],
        )
    return float(follows.completed_at)


def latest(app: EventWiring) -> tuple[float, Gaps] | None:
    """(when it ended, what it found) of the newest sync that has one before it to compare with.

    None while the customers were not read completely twice.
    """
    whole = [
        run
        for run in runs.history(app.data, limit=LOOKED_AT)
        if run.finished_at is not None
        and any(each.scope == "follows" and each.outcome == "complete" for each in run.scopes)
    ]
    if len(whole) < 2 or whole[0].finished_at is None:
        return None
    newest, before = whole[:2]
    return float(whole[0].finished_at), _compared(app, newest, float(before.started_at))


def of_run(app: EventWiring, run_id: int, since: float) -> Gaps:
    """What a run of the sync found that no event had told; the same whenever it is asked.

    Args:
        app: the profile's wiring.
        run_id: of the run that compared.
        since: the comparison before, as `last_comparison` said it before that run.
    """
    return _compared(app, runs.result(app.data, run_id), since)


def was_complete(app: EventWiring, run_id: int) -> bool:
    """Whether a comparison read all.

    Raises:
        NotFoundError: there is no such run.
    """
    if not runs.is_kept(app.data, run_id):
        raise NotFoundError(
            _("The comparison of this list is not kept any more."),
            hint=_("Compare anew: storeops events gaps"),
        )
    return runs.result(app.data, run_id).outcome == "complete"


def _compared(app: EventWiring, run: SyncResult, since: float) -> Gaps:
    """By what had come in when the run ended, so that later events move no page of its list."""
    ended = inf if run.finished_at is None else float(run.finished_at)
    late = listing.told_too_late(app.inbox, since, ended, run.started_at)
    left_out = set()
    found: dict[tuple[str, str | None], dict[str, None]] = {}
    for entry in timeline.of_ref(
        app.data, "sync", str(run.run_id), since=run.started_at, limit=MOST
    ):
        who = entry.external_userid
        if who is None or entry.field in SILENT:
            continue
        if who in late:
            left_out.add(who)
        else:
            found.setdefault((who, entry.userid), {})[entry.field] = None
    untold = [Gap(who, member, tuple(fields)) for (who, member), fields in found.items()]
    told = listing.relations_named(app.inbox, since, ended)
    return Gaps(since, told, untold, len(left_out))

"""What somebody asks to hand over: whose customers and groups, to whom, by which rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from storeops.changes.sheets import Source
from storeops.reading.customers import Selection


@dataclass(frozen=True, slots=True)
class HandoverRequest:
    """A handover that somebody asks for.

    Attributes:
        from_owners: userids or names; empty only with `file`.
        to_owners: userids or names; empty with `same-store` (the giver's colleagues) and `file`.
        rule: one of `assign.RULES`; "" for a single taker, and then `least-loaded` for several.
        kind: on_job | resigned when the person said so; "" finds it out.
        selection: only these customers; its owners are the givers when none is named.
        file: a file of customers with their takers; None for none.
        customers: include customers.
        groups: include group chats; None: exactly when everything of a giver is handed over.
        weights: userid or name → weight, for `weighted`.
        map: (tag or day, taker) pairs for `by-tag` and `by-date`; "*" stands for the rest.
        cap: customers one taker is given by this plan at most.
        per_day: customers one taker is given on one Beijing day at most.
        capacity: customers a member may hold in this corp; None takes WeCom's 20,000.
        capacity_of: userid or name → customers that member may hold.
        message: farewell (on the job only), with {from}, {to}, {store}; "" leaves WeCom's own.
        personal_tags: read personal tags before an on-the-job move and keep them as notes.
        spread: give rows that find their taker full to colleagues with room.
        recheck: do not believe what earlier answers complained about.
        again: a plan whose refused, full and vanished rows are to be tried with other takers.
        reason: why, for the journal.
        command: the command line that makes this plan again.
    """

    from_owners: Sequence[str] = ()
    to_owners: Sequence[str] = ()
    rule: str = ""
    kind: str = ""
    selection: Selection = field(default_factory=Selection)
    file: Source | None = None
    customers: bool = True
    groups: bool | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    map: Sequence[tuple[str, str]] = ()
    cap: int | None = None
    per_day: int | None = None
    capacity: int | None = None
    capacity_of: Mapping[str, int] = field(default_factory=dict)
    message: str = ""
    personal_tags: bool = True
    spread: bool = False
    recheck: bool = False
    again: str = ""
    reason: str = ""
    command: str = ""

    @property
    def partial(self) -> bool:
        """Whether only some of a giver's customers are meant."""
        return bool(self.selective or self.file or self.again)

    @property
    def selective(self) -> bool:
        """Whether customers were chosen, beside their owners."""
        return replace(self.selection, owner=()) != Selection()

    @property
    def from_whom(self) -> Sequence[str]:
        """Userids or names of the givers."""
        return self.from_owners or self.selection.owner

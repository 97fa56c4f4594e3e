"""What everything about plans needs, bound to one profile and one acting person."""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from storeops.changes.action import Action, Row, View
from storeops.changes.journal import Journal
from storeops.changes.policy import Policy
from storeops.clock import Clock
from storeops.database.database import Database
from storeops.errors import UsageError
from storeops.i18n import _

if TYPE_CHECKING:
    from storeops.changes.plans import Plan


class Ask(Protocol):
    """How a profile without a secret has its plans carried out: head office is asked."""

    def __call__(
        self,
        ledger: Ledger,
        connection: sqlite3.Connection,
        plan: Plan,
        rows: Sequence[Row],
        *,
        reason: str,
        skip_changed: bool,
    ) -> None:
        """Keep what is asked for, in the transaction that makes the plan asked for.

        Args:
            ledger: of the profile.
            connection: in a write transaction on its data.db.
            plan: the plan.
            rows: those that shall be carried out.
            reason: why, as the journal has it.
            skip_changed: head office may leave out rows that changed since.
        """


class TakeBack(Protocol):
    """How a plan that head office was asked to carry out is taken back."""

    def __call__(self, ledger: Ledger, plan: Plan, reason: str) -> int:
        """Take it back; returns how many rows are cancelled by that.

        Args:
            ledger: of the profile.
            plan: one that is asked for.
            reason: why, as the journals have it.

        Raises:
            ConflictError: head office has decided it.
            NetworkError: that is not reached; it hears of it as soon as it is.
        """


@dataclass(frozen=True, slots=True)
class Ledger:
    """Plans, answers and journal of one profile, as one person uses them.

    Attributes:
        db: data.db.
        journal: the chain, knowing who acts.
        actions: kinds of change by name.
        clock: WeCom's time.
        profile: what this machine calls it, whose secrets and files are meant; whose data it is,
            data.db says (`owner`).
        policy: what the profile allows.
        ask: who is asked to carry plans out; None for who does it here.
        take_back: how one that is asked for is taken back, with `ask`.
    """

    db: Database
    journal: Journal
    actions: Mapping[str, Action]
    clock: Clock
    profile: str
    policy: Policy = field(default_factory=Policy)
    ask: Ask | None = None
    take_back: TakeBack | None = None

    @property
    def who(self) -> str:
        """Who acts."""
        return self.journal.who

    def action(self, kind: str) -> Action:
        """The Action of a plan's kind.

        Raises:
            UsageError: nobody taught this kind.
        """
        try:
            return self.actions[kind]
        except KeyError:
            raise UsageError(
                _("There is no kind of plan named {kind}.").format(kind=kind),
                hint=_(
                    "Known kinds: {kinds}. Others come with a package: storeops plugin list"
                ).format(kinds=_(", ").join(sorted(self.actions))),
            ) from None

    def view(self, params: Mapping[str, object]) -> View:
        """What an Action may look at, now."""
        return View(self.db, self.clock.now(), params)


def open_ledger(
    db: Database,
    folder: Path,
    actions: Mapping[str, Action],
    clock: Clock,
    profile: str,
    *,
    who: str = "",
    policy: Policy | None = None,
    ask: Ask | None = None,
    take_back: TakeBack | None = None,
) -> Ledger:
    """A ledger over open ports.

    Args:
        db: data.db.
        folder: the profile's folder, for the journal's key and seal.
        actions: kinds of change by name.
        clock: WeCom's time.
        profile: name of the profile.
        who: who acts; "" takes the account's name.
        policy: what the profile allows; None allows all within the usual ceilings.
        ask: who is asked to carry plans out; None for who does it here.
        take_back: how one that is asked for is taken back, with `ask`.
    """
    journal = Journal(folder, who or account_name(), platform.node() or "-")
    return Ledger(db, journal, actions, clock, profile, policy or Policy(), ask, take_back)


def account_name() -> str:
    """Name of the account that runs this process; "-" when the system knows none."""
    import getpass  # 1 ms, writes only

    try:
        return getpass.getuser() or "-"
    except (KeyError, OSError, ImportError):
        return "-"

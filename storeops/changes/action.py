"""The contract between the machinery of changes and the domains that use it.

An Action teaches the machinery one kind of change. Planners make `Row`s with a `Verdict` each;
`plan apply` groups ready rows into jobs (`batch`), one API call each; a worker builds the `Call`
from the stored rows (`call`), sends it, and turns what came back into one `RowResult` per row.
`jobs` looks Actions up by name and never imports a domain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from storeops.domain import registry
from storeops.i18n import _

if TYPE_CHECKING:
    from storeops.database.database import Database
    from storeops.errors import StoreOpsError

PLANNED = "planned"  # made, not applied
BLOCKED = "blocked"  # a check says no; nothing was or will be sent
ASKED = "asked"  # head office was asked to carry it out, and has not begun
QUEUED = "queued"  # applied, its call not sent yet
WAITING = "waiting"  # WeCom took it and answers later (due_at)
DONE = "done"
REFUSED = "refused"  # the customer said no
TAKER_FULL = "taker_full"  # the taker's customer limit is reached
NO_RECORD = "no_record"  # WeCom knows no such attempt
VANISHED = "vanished"  # the relation was gone when the answer came
FAILED = "failed"  # WeCom said no
UNKNOWN = "unknown"  # sent, and nobody knows yet whether it happened
CANCELLED = "cancelled"  # taken back, and did not happen
UNDONE = "undone"  # done once, put back by an undo plan

ROW_STATUSES = (
    PLANNED, BLOCKED, ASKED, QUEUED, WAITING, DONE, REFUSED, TAKER_FULL,
    NO_RECORD, VANISHED, FAILED, UNKNOWN, CANCELLED, UNDONE,
)  # fmt: skip
OPEN_STATUSES = (ASKED, QUEUED, WAITING, UNKNOWN)  # an answer is still to come
FINAL_STATUSES = (DONE, REFUSED, TAKER_FULL, NO_RECORD, VANISHED, FAILED, CANCELLED, UNDONE)
NOT_AS_PLANNED = (REFUSED, TAKER_FULL, NO_RECORD, VANISHED, FAILED)  # ended, and not done


@dataclass(frozen=True, slots=True)
class Row:
    """One change to one subject.

    Attributes:
        row: number within the plan, from 1.
        external_userid: the customer, "" when the row is not about one.
        userid: the staff member of the follow, "" when there is none.
        subject: what the row changes, unique within a plan ("" becomes "userid/external_userid").
        before: WeCom's values that the change replaces, as the mirror knew them; compared with
            `Action.observe` when the plan is applied.
        after: the values wished for.
        extra: whatever else the Action needs to send, explain or undo the row (JSON types).
    """

    row: int
    external_userid: str = ""
    userid: str = ""
    subject: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What the row changes, unique within its plan."""
        return self.subject or f"{self.userid}/{self.external_userid}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check says about a row before anything is sent.

    Attributes:
        code: "" when ready, else a stable English word (`no_relation`, `same_tag` …).
        reason: why not, one sentence in the user's language.
        errcode: the code WeCom would answer with, None when there is none.
        retry_at: WeCom's time (Unix seconds) from which the row would be ready, None unknown.
        way_out: what to do instead, one sentence, "" when nothing helps.
    """

    code: str = ""
    reason: str = ""
    errcode: int | None = None
    retry_at: float | None = None
    way_out: str = ""

    @property
    def ready(self) -> bool:
        """Whether the row may be sent."""
        return not self.code


READY = Verdict()


def blocked(
    code: str,
    reason: str,
    *,
    errcode: int | None = None,
    retry_at: float | None = None,
    way_out: str = "",
) -> Verdict:
    """A verdict that stops a row; see `Verdict`."""
    return Verdict(code, reason, errcode, retry_at, way_out)


@dataclass(frozen=True, slots=True)
class Call:
    """One API call that carries out some rows.

    Attributes:
        rows: the rows it answers for, in order.
        payload: what `send` needs, JSON types; never a secret.
        keys: calls that share a key never run at the same time and keep their order
            (`customer:<external_userid>`, `owner:<userid>`, `tags`).
        attempts: how often it was sent, this time included; the worker sets it.
        reconcile_attempts: how often `read_back` was asked since it was last sent, this time
            included; the worker sets it.
        ambiguous_sends: how often it was sent and brought no answer; the worker sets it. What
            WeCom refuses afterwards (in progress, not the owner's) may be our own doing.
    """

    rows: Sequence[Row]
    payload: Mapping[str, Any]
    keys: Sequence[str]
    attempts: int = 0
    reconcile_attempts: int = 0
    ambiguous_sends: int = 0


@dataclass(frozen=True, slots=True)
class RowResult:
    """How one row stands after WeCom spoke.

    Attributes:
        row: number within the plan.
        status: one of `ROW_STATUSES`. From `read_back`, `queued` means: it did not happen, send
            it (again); `unknown` means: still cannot tell.
        errcode: WeCom's code, None when there was none.
        meaning: what it means in words; "" lets the error table say it.
        next_step: what a person can do; "" lets the error table say it.
        retryable: whether `job retry --failed` may send the row again unchanged.
        due_at: when WeCom's final answer is expected (Unix seconds), for `waiting`.
        extra: further fields of the answer (JSON types), shown by `plan results --json`.
    """

    row: int
    status: str
    errcode: int | None = None
    meaning: str = ""
    next_step: str = ""
    retryable: bool = False
    due_at: float | None = None
    extra: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What an Action may look at while it checks: the mirror, the time, its plan's parameters.

    Attributes:
        db: data.db.
        now: WeCom's time, Unix seconds.
        params: `plan.params`, as the planner stored them.
    """

    db: Database
    now: float
    params: Mapping[str, Any]


@runtime_checkable
class Action(Protocol):
    """One kind of change. Instances hold no state; a registry makes one per process.

    Attributes:
        name: the plan's kind, stable and English (`tag`, `remark`, `handover`).
        path: the API path that limits and ETA are counted on.
    """

    name: str
    path: str

    def observe(self, view: View, rows: Sequence[Row]) -> list[Mapping[str, Any]]:
        """The mirror's present values for the keys of each row's `before`, set-based.

        A row whose answer differs from its `before` has changed since the plan was made.
        """

    def check(self, view: View, rows: Sequence[Row]) -> list[Verdict]:
        """A verdict per row, from mirror and ledger alone; called while planning and at apply."""

    def batch(self, rows: Sequence[Row], params: Mapping[str, Any]) -> Iterable[Sequence[Row]]:
        """Group ready rows into calls, in sending order."""

    def call(self, rows: Sequence[Row], params: Mapping[str, Any]) -> Call:
        """The call for one group; pure, so that it can be made again from the stored rows. When it
        is to be sent, `params` have the name of the `profile` here, too."""

    def send(self, client: Any, call: Call) -> Any:
        """Do it; returns WeCom's decoded answer or raises WeComError, NetworkError."""

    def interpret(self, call: Call, answer: Any, error: StoreOpsError | None) -> list[RowResult]:
        """One answer per row. `error` is a final refusal; passing trouble (back-off, limits,
        lost answers, wrong secret) never comes here, the worker deals with it."""

    def read_back(self, client: Any, call: Call) -> list[RowResult]:
        """Ask WeCom what really happened after a crash or a lost answer; writes nothing.

        A call whose answer was lost is sent again only where this says `queued`, whatever the
        kind: even what does no harm twice may undo what a person did meanwhile.
        """

    def facts(
        self, db: Database, results: Sequence[tuple[Row, RowResult]], ref: str, now: int
    ) -> None:
        """Write answered rows to the mirror; runs inside the transaction that keeps the answers.

        Args:
            db: data.db, inside `atomic`.
            results: rows whose status changed to a final one or to `waiting`.
            ref: the job, for the timeline.
            now: WeCom's time, Unix seconds.
        """

    def inverse(
        self, view: View, rows: Sequence[Row]
    ) -> tuple[str, list[tuple[Row, Verdict]]]:  # fmt: skip
        """How to put done rows back: (kind of the inverse plan, its rows with verdicts).

        Each inverse row carries `extra["undoes"]`, the number of the row it puts back. Rows that
        somebody changed since come back partly or blocked, and say so.

        Raises:
            StoreOpsError: this kind cannot be undone; says what the way back would cost.
        """

    # An Action may also have
    #
    # `title`: what its plans are about, in a word or two of English, translated when shown.
    #
    # `ends`: status of a row → (what it means, what a person can do, both English; the second may
    # name {plan}), where WeCom gave no code; before what all kinds have in common.
    #
    # `undo_problems`: function(view, the ready rows of `inverse`) → Problems that an undo plan
    # tells, such as what the way back costs.
    #
    # `later`: the command that asks for the ends of rows that wait.
    #
    # `renew(db, pairs) -> list[Row | None]`: the request of each (row, follow) from what the follow
    # looks like now, None where it is so already; plans of the kind can then be made again.
    #
    # `asked(ledger, rows, params) -> (list[Row | None], params)`: the same of rows that somebody
    # elsewhere asked for, for a kind whose rows are more than a follow and a wish. Both are a
    # stranger's: which follows (or other subjects of `userid`) and which wish is taken from them,
    # all else from the mirror here; what is not understood raises ValueError or KeyError. Without
    # it, `renew` makes them.
    #
    # `names(row) -> Collection[str]`: userids that a row names beside its own; who asks for rows
    # from elsewhere may name their own members only.
    #
    # `answered_elsewhere(db, results, ref, now)`: what answers mean to the kind's own tables where
    # a plan was asked for and carried out elsewhere; the mirror learns it by itself.
    #
    # `again_helps(ledger, plan) -> bool`, where `--again` is planned in a way of the kind's own.
    #
    # `gone`: what a person reads in place of `--again` about a row whose follow is gone; English.
    #
    # `before_again(db, result) -> str`: what must be done before `--again` helps a row, "" nothing.
    #
    # `veto(view, rows) -> dict[int, RowResult]`: row number → its answer, asked in the transaction
    # that claims a job, about rows of which nothing was sent yet. Rows it names are not sent and
    # take that answer: what an answer to an earlier call of the plan has taught meanwhile.


class ActionRegistry(Mapping[str, Action]):
    """The Actions of all domains by kind of plan, imported when first asked for."""

    def __init__(self) -> None:
        self._where = registry().named("actions")
        self._made: dict[str, Action] = {}

    def __getitem__(self, kind: str) -> Action:
        """The Action of a kind.

        Raises:
            KeyError: no domain brings it, or it cannot be imported or would not be asked what it
                expects to be asked (the domain is left out then).
        """
        if kind not in self._made:
            domain, where = self._where[kind]
            made = registry().loaded(domain, where)
            if made is None:
                raise KeyError(kind)
            if hasattr(made, "hold") and not hasattr(made, "veto"):
                # documented by that name once, never called: its rows would be sent all the same
                registry().leave_out(
                    domain,
                    _("its action {name} has a `hold`, which nobody asks: `veto` is asked").format(
                        name=kind
                    ),
                )
                raise KeyError(kind)
            self._made[kind] = made()
        return self._made[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._where)

    def __len__(self) -> int:
        return len(self._where)


@cache
def actions() -> ActionRegistry:
    """Those of this process."""
    return ActionRegistry()


def kind_title(kind: str) -> str:
    """What plans of a kind are about, in the user's language; one that is not known by its name."""
    title = getattr(actions().get(kind), "title", "")
    return _(title) if title else kind

"""What a sync reports: per scope, and named failures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Scope = str  # a name of `storeops.sync.scopes.scopes()`
Outcome = Literal["complete", "partial", "failed"]


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that could not be read; what the mirror knows of it stays.

    Attributes:
        subject: a userid, a chat_id, "department 7", or the scope itself.
        errcode: WeCom's code, None when there was no answer.
        message: one sentence in the user's language.
    """

    subject: str
    errcode: int | None
    message: str

    def as_dict(self) -> dict[str, Any]:
        """As in `--json`."""
        return {"subject": self.subject, "errcode": self.errcode, "message": self.message}


@dataclass(frozen=True, slots=True)
class ScopeResult:
    """How one scope ended; counts are rows, `calls` calls to WeCom.

    `outcome` is None while the scope is still open.
    """

    scope: Scope
    outcome: Outcome | None
    seen: int
    added: int
    changed: int
    missing: int
    lost: int
    calls: int
    done: int
    total: int | None
    failures: tuple[Failure, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As in `--json`."""
        return {
            "scope": self.scope,
            "outcome": self.outcome,
            "seen": self.seen,
            "added": self.added,
            "changed": self.changed,
            "missing": self.missing,
            "lost": self.lost,
            "calls": self.calls,
            "failures": [each.as_dict() for each in self.failures],
        }


@dataclass(frozen=True, slots=True)
class SyncResult:
    """How a run ended.

    Attributes:
        run_id: the run.
        outcome: complete | partial | failed; None while it is open.
        mode: normal | full | store.
        started_at: Unix seconds of WeCom's clock.
        finished_at: the same; None while it is open.
        scopes: in the order in which they are read.
        joined: another process ran it; this one waited.
        resumed: it had been interrupted before.
        odd_values: values that could not be read as they came, by field, as far as the process
            that ended the run read them.
    """

    run_id: int
    outcome: Outcome | None
    mode: str
    started_at: int
    finished_at: int | None
    scopes: tuple[ScopeResult, ...]
    joined: bool = False
    resumed: bool = False
    odd_values: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """As in `--json`."""
        return {
            "run_id": self.run_id,
            "outcome": self.outcome,
            "mode": self.mode,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "joined": self.joined,
            "resumed": self.resumed,
            "odd_values": dict(self.odd_values),
            "scopes": [each.as_dict() for each in self.scopes],
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; told at most a few times a second.

    Attributes:
        run_id: the run.
        scope: what is being read.
        phase: "read" | "index" (the first load builds its indexes) | "wait" (joined a run).
        done: rows so far.
        total: rows expected, None when unknown.
        rate: rows a second, lately.
        calls: calls of this scope so far.
        held_back: what holds it back, in words; "" when nothing does.
    """

    run_id: int
    scope: Scope
    phase: str
    done: int
    total: int | None
    rate: float
    calls: int
    held_back: str = ""


OnProgress = Callable[[Progress], None]

"""What a proof of the journal finds, and what lines of the journal account for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from storeops.changes.seal import GENESIS

MOST = 100  # findings that are named one by one


@dataclass(frozen=True, slots=True)
class ProofFinding:
    """One thing that is wrong, or that a reader must know.

    Attributes:
        code: changed | removed | cut | lost | seal | erased_without_note | plan | job | table;
            restored | pruned for what was done with a note.
        seq: the line, None when it is about the end or a plan.
        message: one sentence in the user's language.
        noted: a line of the journal names it for ever, or will as soon as somebody writes.
    """

    code: str
    seq: int | None
    message: str
    noted: bool = False

    def as_dict(self) -> dict[str, Any]:
        """As JSON shows it."""
        return {"code": self.code, "seq": self.seq, "message": self.message}


@dataclass(slots=True)
class Proof:
    """What `verify` found.

    Attributes:
        lines: lines read.
        erased: lines whose private part was erased, as noted.
        unsealed: lines newer than the seal.
        head: hash of the newest line, hex.
        findings: what is wrong, at most 100 by name.
        more: how many more there are.
        notes: restores and pruned lines, each with the line that accounts for it.
    """

    lines: int = 0
    erased: int = 0
    unsealed: int = 0
    head: str = ""
    findings: list[ProofFinding] = field(default_factory=list)
    more: int = 0
    notes: list[ProofFinding] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def add(self, code: str, seq: int | None, message: str, *, noted: bool = False) -> None:
        """Note one thing that is wrong; `noted` as in `Finding`."""
        if len(self.findings) < MOST:
            self.findings.append(ProofFinding(code, seq, message, noted))
        else:
            self.more += 1

    def forgotten(self, last: int) -> ProofFinding | None:
        """Something wrong that nobody would find any more without the lines up to `last`."""
        for each in self.findings:
            if not each.noted and (each.seq is None or each.seq <= last):
                return each
        return self.findings[-1] if self.more else None  # what was not named may be one

    def note(self, code: str, seq: int | None, message: str) -> None:
        """Note one thing that was done openly."""
        if len(self.notes) < MOST:
            self.notes.append(ProofFinding(code, seq, message))


@dataclass(slots=True)
class Account:
    """What lines of the journal account for.

    Attributes:
        restores: (last line of the backup, line about the restore): what stands between is not
            in this database.
        pruned_before: WeCom's time; what was finished earlier may be gone. 0 for never.
        pruned_last: number of the last line that was taken out.
        pruned_head: its hash.
    """

    restores: list[tuple[int, int]] = field(default_factory=list)
    pruned_before: float = 0.0
    pruned_last: int = 0
    pruned_head: bytes = GENESIS

    def of_another_time(self, seq: int) -> bool:
        """Whether a restore took back what this line tells."""
        return any(last < seq < line for last, line in self.restores)

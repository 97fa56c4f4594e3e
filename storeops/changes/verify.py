"""Proof that the journal is whole: every line, their order, and its end."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from storeops.changes import plans
from storeops.changes import rows as plan_rows
from storeops.changes.journal import GENESIS, Journal, digest_of, hash_of
from storeops.database.database import Database
from storeops.i18n import _

MOST = 100  # findings that are named one by one


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        code: changed | removed | reordered | cut | seal | erased_without_note | plan.
        seq: the line, None when it is about the end or a plan.
        message: one sentence in the user's language.
    """

    code: str
    seq: int | None
    message: str

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
    """

    lines: int = 0
    erased: int = 0
    unsealed: int = 0
    head: str = ""
    findings: list[Finding] = field(default_factory=list)
    more: int = 0

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def add(self, code: str, seq: int | None, message: str) -> None:
        """Note one thing that is wrong."""
        if len(self.findings) < MOST:
            self.findings.append(Finding(code, seq, message))
        else:
            self.more += 1


def verify(
    db: Database, journal: Journal, *, on_progress: Callable[[int], None] | None = None
) -> Proof:
    """Read the whole journal and compare it with itself, with its seal and with the plans.

    A line that was changed, taken out, put elsewhere or cut off at the end is named. Reads only.

    Args:
        db: data.db.
        journal: knows where the seal lies.
        on_progress: told the number of lines read, now and then.
    """
    proof = Proof()
    before, expected = GENESIS, 1
    sealed_hash = ""
    erased: set[int] = set()
    noted: set[int] = set()
    seal, trouble = _seal(journal)
    for (seq, at, kind, who, machine, plan, row, subject, payload, salt, digest, line_hash) in (
        db.execute(
            "SELECT seq, at, kind, who, machine, plan, row, subject, payload, salt, digest, hash"
            " FROM journal ORDER BY seq"
        )
    ):  # fmt: skip
        if seq != expected:
            proof.add("removed", expected, _removed(expected, seq - 1))
        good = hash_of(before, seq, at, kind, who, machine, plan, row, digest)
        if good != line_hash:
            if seq == expected:
                proof.add("changed", seq, _changed(seq))
        elif payload is None or salt is None:
            erased.add(seq)
            if subject is not None:
                proof.add("changed", seq, _changed(seq))
        elif digest_of(salt, subject, payload) != digest:
            proof.add("changed", seq, _changed(seq))
        if kind == "audit.erased" and payload is not None:
            noted.update(json.loads(payload).get("lines", ()))
        before, expected = line_hash, seq + 1
        proof.lines += 1
        if seal is not None and seq == seal.count:
            sealed_hash = line_hash.hex()
        if on_progress is not None and proof.lines % 10_000 == 0:
            on_progress(proof.lines)
    proof.head = before.hex() if proof.lines else ""
    for seq in sorted(erased - noted):
        proof.add(
            "erased_without_note",
            seq,
            _("Line {seq}: its content is gone, and no erasure was noted.").format(seq=seq),
        )
    proof.erased = len(erased & noted)
    _check_end(proof, seal, trouble, expected - 1, sealed_hash)
    _check_plans(db, proof)
    return proof


def _seal(journal: Journal) -> tuple[Any, str]:
    try:
        return journal.read_seal(), ""
    except ValueError as error:
        return None, str(error)


def _check_end(proof: Proof, seal: Any, trouble: str, last: int, sealed_hash: str) -> None:
    if trouble == "key":
        proof.add("seal", None, _("The key of the seal (journal.key) is missing or damaged."))
    elif trouble:
        proof.add("seal", None, _("The seal (journal.seal) was altered."))
    elif seal is None:
        if last:
            proof.add("seal", None, _("The seal (journal.seal) is missing."))
    elif seal.count > last:
        proof.add("cut", last + 1, _removed(last + 1, seal.count))
    elif sealed_hash != seal.head:
        proof.add(
            "changed",
            seal.count,
            _("Line {seq} is not the line that was sealed.").format(seq=seal.count),
        )
    else:
        proof.unsealed = last - seal.count


def _check_plans(db: Database, proof: Proof) -> None:
    """Stored plans against the hashes that the journal holds of them."""
    for (name,) in db.execute("SELECT name FROM plan WHERE hash <> '' ORDER BY id").fetchall():
        plan = plans.get(db, name)
        wrong, digests = plan_rows.altered(db, plan.id)
        if wrong:
            rows = ", ".join(map(str, wrong[:10]))
            proof.add("plan", None, _("Plan {plan}: row {rows} was altered.").format(
                plan=name, rows=rows
            ))  # fmt: skip
        elif plans.hash_of(plan, digests) != plan.hash or plans.journaled_hash(db, name) not in (
            plan.hash, "",
        ):  # fmt: skip
            proof.add("plan", None, _("Plan {plan} was altered: its hash does not fit.").format(
                plan=name
            ))  # fmt: skip


def _changed(seq: int) -> str:
    return _("Line {seq} was changed.").format(seq=seq)


def _removed(first: int, last: int) -> str:
    if first == last:
        return _("Line {seq} is missing.").format(seq=first)
    return _("Lines {first} to {last} are missing.").format(first=first, last=last)

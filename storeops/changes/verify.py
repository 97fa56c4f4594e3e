"""Proof that the journal is whole: every line, their order, its end, and what it says of plans."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from storeops.changes import loss, seal, verify_plans
from storeops.changes.journal import GENESIS, ODD, Journal, fits, hash_of, object_of
from storeops.changes.loss import Loss
from storeops.changes.proof import Account
from storeops.changes.proof import Proof as Proof
from storeops.database.database import Database
from storeops.database.trouble import explain
from storeops.i18n import _, ngettext


def verify(
    db: Database, journal: Journal, *, on_progress: Callable[[int], None] | None = None
) -> Proof:
    """Read the whole journal and compare it with itself, with its seal, with plans and jobs.

    A line that was changed, taken out, put elsewhere or cut off at the end is named, now and for
    ever: a loss that was noted when somebody wrote is named by its line. So are plans, rows,
    answers and jobs that are not as the journal tells. Reads only, at one moment, and ends in
    words whatever stands in the tables.

    Args:
        db: data.db.
        journal: knows where the seal lies.
        on_progress: told the number of lines read, now and then.

    Raises:
        ConfigError: the file is damaged or cannot be read.
    """
    proof, account = Proof(), Account()
    with _one_moment(db) as connection:
        found = seal.read(journal.folder)
        checks: tuple[Callable[[], None], ...] = (
            lambda: _Chain(connection, proof, account).read(on_progress),
            lambda: _check_end(connection, proof, found, journal.folder),
            lambda: verify_plans.compare(db, proof, account),
        )
        for check in checks:
            try:
                check()
            except sqlite3.OperationalError as error:
                if "no such" not in str(error):
                    raise explain(error, db.path) from error
                proof.add("table", None, _("Something is missing from data.db: {text}.").format(
                    text=error
                ))  # fmt: skip
            except sqlite3.DatabaseError as error:
                raise explain(error, db.path) from error
    return proof


@contextmanager
def _one_moment(db: Database) -> Iterator[sqlite3.Connection]:
    """One read transaction; text that is no UTF-8 is read as something that fits no digest."""
    connection = db.connection
    usual = connection.text_factory
    connection.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
    begun = not connection.in_transaction
    if begun:
        connection.execute("BEGIN")
    try:
        yield connection
    finally:
        connection.text_factory = usual
        if begun:
            connection.execute("ROLLBACK")


class _Chain:
    """Line after line, from the first that is left."""

    def __init__(self, connection: sqlite3.Connection, proof: Proof, account: Account) -> None:
        self.connection, self.proof, self.account = connection, proof, account
        self.erased: set[int] = set()
        self.noted: set[int] = set()

    def read(self, on_progress: Callable[[int], None] | None) -> None:
        proof = self.proof
        self._find_pruned()
        before, expected = self.account.pruned_head, self.account.pruned_last + 1
        for (seq, at, kind, who, machine, plan, row, subject, payload, salt, digest, line_hash) in (
            self.connection.execute(
                "SELECT seq, at, kind, who, machine, plan, row, subject, payload, salt, digest,"
                " hash FROM journal ORDER BY seq"
            )
        ):  # fmt: skip
            proof.lines += 1
            if seq < expected:  # a number below 1, or one of those that were pruned
                proof.add("changed", seq, _changed(seq))
                continue
            open_part = (before, seq, at, kind, who, machine, plan, row, digest)
            private = (salt, subject, payload)
            good = self._line(seq, expected, open_part, private, line_hash)
            if good and kind in _TELLING and payload is not None:
                try:
                    self._read_notes(kind, seq, payload)
                except ODD:  # forged with its digests, but not by us
                    proof.add("changed", seq, _changed(seq))
            before, expected = _bytes(line_hash), seq + 1
            if on_progress is not None and proof.lines % 10_000 == 0:
                on_progress(proof.lines)
        proof.head = before.hex() if proof.lines else ""
        for seq in sorted(self.erased - self.noted):
            proof.add(
                "erased_without_note",
                seq,
                _("Line {seq}: its content is gone, and no erasure was noted.").format(seq=seq),
            )
        proof.erased = len(self.erased & self.noted)

    def _line(
        self, seq: int, expected: int, open_part: tuple[Any, ...], private: tuple[Any, ...],
        line_hash: Any,
    ) -> bool:  # fmt: skip
        """Compare one line with its hashes. Whether what it says may be believed."""
        salt, subject, payload = private
        kind, digest = open_part[3], open_part[8]
        try:
            chained: bool = hash_of(*open_part) == line_hash
        except ODD:
            chained = False
        if seq != expected and not (chained and self._records_gap(kind, payload, expected)):
            self.proof.add("removed", expected, _removed(expected, seq - 1))
            chained = True  # what it hangs on is gone; its own part is looked at all the same
        if not chained:
            self.proof.add("changed", seq, _changed(seq))
            return False
        if payload is None or salt is None:
            self.erased.add(seq)
            if subject is not None:
                self.proof.add("changed", seq, _changed(seq))
            return False
        good = fits(salt, subject, payload, digest)
        if not good:
            self.proof.add("changed", seq, _changed(seq))
        return good

    @staticmethod
    def _records_gap(kind: Any, payload: Any, expected: int) -> bool:
        return kind == loss.KIND and bool(object_of(payload).get("found_count") == expected - 1)

    def _read_notes(self, kind: str, seq: int, payload: Any) -> None:
        """What a line that fits its digest says about other lines."""
        told = object_of(payload)
        if kind == "audit.erased":
            self.noted.update(_numbers(told.get("lines")))
            self._note_wrong(told, seq)
        elif kind == loss.KIND:
            self._note_wrong(told, seq)
        elif kind == "db.restored":
            last = told.get("backup_count")
            last = last if type(last) is int and 0 <= last < seq else seq - 1
            self.account.restores.append((last, seq))
            self.proof.note("restored", seq, _(
                "Line {seq}: a backup was put in place; what was done after line {last} stands in"
                " the journal, not in the plans."
            ).format(seq=seq, last=last))  # fmt: skip
        elif kind == PRUNED:
            self.proof.note("pruned", seq, _(
                "Line {seq}: lines up to {last} were taken out by the rule of retention."
            ).format(seq=seq, last=told.get("last")))  # fmt: skip
            for each in told.get("losses") or ():
                self._note_wrong(each["payload"], each["seq"])

    def _note_wrong(self, told: Mapping[str, Any], seq: int) -> None:
        """What line `seq` noted as wrong: a loss, or what had been altered before an erasure."""
        for each in _numbers(told.get("altered")):
            self.proof.add("changed", each, _altered_before(each, seq), noted=True)
        for plan in told.get("altered_plans") or ():
            self.proof.add("plan", seq, _(
                "Plan {plan} had been altered before a person was erased from it;"
                " line {seq} notes it."
            ).format(plan=plan, seq=seq), noted=True)  # fmt: skip
        for code, message in _lost(told, seq):
            self.proof.add(code, seq, message, noted=True)

    def _find_pruned(self) -> None:
        """Where the chain begins: behind what the newest line about pruning names."""
        for (payload,) in self.connection.execute(
            "SELECT payload FROM journal WHERE plan = '' AND kind = ? ORDER BY seq DESC LIMIT 1",
            (PRUNED,),
        ):
            told = object_of(payload)
            try:
                head, last = bytes.fromhex(told["head"]), int(told["last"])
                self.account.pruned_before = float(told.get("before") or 0)
            except ODD:
                return
            if last > 0 and len(head) == len(GENESIS):
                self.account.pruned_last, self.account.pruned_head = last, head


PRUNED = "db.pruned"
_TELLING = {"audit.erased", loss.KIND, "db.restored", PRUNED}


def _check_end(
    connection: sqlite3.Connection, proof: Proof, found: seal.Seal, folder: Path
) -> None:
    """The seal against the newest lines."""
    missing = loss.find(connection, found, folder)
    if missing is None:
        if found.proven:
            proof.unsealed = max(0, loss.head(connection)[0] - found.count)
    elif not loss.is_noted(connection, missing):
        for code, seq, message in _missing(missing):
            proof.add(code, seq, message, noted=True)


def _missing(missing: Loss) -> Iterator[tuple[str, int | None, str]]:
    """What is wrong at the end, as long as no line notes it."""
    if missing.why == "key":
        yield "seal", None, _("The key of the seal (journal.key) is missing or damaged.")
    elif missing.why == "seal" and missing.seal.trouble == "missing":
        yield "seal", None, _("The seal (journal.seal) is missing.")
        if not missing.found:
            yield "lost", None, _("The journal is empty, and lines were sealed here.")
    elif missing.why == "seal":
        yield "seal", None, _("The seal (journal.seal) was altered.")
    elif missing.why == "replaced":
        yield (
            "changed",
            missing.seal.count,
            _("Line {seq} is not the line that was sealed.").format(seq=missing.seal.count),
        )
    elif missing.why == "older":
        yield (
            "seal",
            None,
            ngettext(
                "The seal is an older one: {count} line instead of {known}.",
                "The seal is an older one: {count} lines instead of {known}.",
                missing.seal.count,
            ).format(count=missing.seal.count, known=missing.known),
        )
    last = max(missing.known, missing.seal.count)
    if last > missing.found:
        yield "cut", missing.found + 1, _removed(missing.found + 1, last)


def _lost(told: Mapping[str, Any], seq: int) -> Iterator[tuple[str, str]]:
    """The same, from the line that noted it."""
    why, sealed, found = told.get("why"), told.get("sealed_count"), told.get("found_count")
    if why == "key":
        yield (
            "seal",
            _(
                "The key of the seal (journal.key) was missing or damaged; line {seq} notes it."
            ).format(seq=seq),
        )
    elif why == "seal" and told.get("trouble") == "missing":
        yield "seal", _("The seal (journal.seal) was missing; line {seq} notes it.").format(seq=seq)
        if found == 0:
            yield (
                "lost",
                _("The journal was empty, and lines had been sealed; line {seq} notes it.").format(
                    seq=seq
                ),
            )
    elif why == "seal":
        yield "seal", _("The seal (journal.seal) was altered; line {seq} notes it.").format(seq=seq)
    elif why == "older":
        yield (
            "seal",
            ngettext(
                "The seal was replaced by an older one of {count} line; line {seq} notes it.",
                "The seal was replaced by an older one of {count} lines; line {seq} notes it.",
                sealed or 0,
            ).format(count=sealed, seq=seq),
        )
    elif why == "replaced":
        yield (
            "lost",
            _("Line {count} was not the line that had been sealed; line {seq} notes it.").format(
                count=sealed, seq=seq
            ),
        )
    known = [each for each in (told.get("known_count"), sealed) if type(each) is int]
    if type(found) is int and max(known, default=0) > found:
        yield (
            "lost",
            _("Lines {first} to {last} were lost; line {seq} notes it.").format(
                first=found + 1, last=max(known), seq=seq
            ),
        )


def _numbers(value: Any) -> list[int]:
    return [each for each in value if type(each) is int] if isinstance(value, list) else []


def _bytes(value: Any) -> bytes:
    """A hash as the next line's writer reads it (`CAST(hash AS BLOB)`)."""
    if isinstance(value, bytes):
        return value
    return str(value).encode("utf-8", "surrogatepass")


def _changed(seq: int) -> str:
    return _("Line {seq} was changed.").format(seq=seq)


def _altered_before(seq: int, noted: int) -> str:
    return _("Line {seq} had been changed before it was erased; line {noted} notes it.").format(
        seq=seq, noted=noted
    )


def _removed(first: int, last: int) -> str:
    if first == last:
        return _("Line {seq} is missing.").format(seq=first)
    return _("Lines {first} to {last} are missing.").format(first=first, last=last)

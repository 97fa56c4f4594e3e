"""The journal by position and by words, as a screen shows it; and as a file that proves itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from storeops.changes.journal_lines import JournalEntry, lines
from storeops.database.database import Database

_PLAN = re.compile(r"[a-z][a-z_-]*-[2-9A-Z]{6}\Z")
_KINDS = ("plan", "row", "call", "job", "audit", "api", "db", "journal")
_CUSTOMER = re.compile(r"w[mo][A-Za-z0-9_-]{6,}\Z")


@dataclass(frozen=True, slots=True)
class Search:
    """Conditions that all must hold; "" for none."""

    plan: str = ""
    kind: str = ""
    who: str = ""
    external_userid: str = ""
    words: str = ""

    @property
    def empty(self) -> bool:
        """Whether every line fits."""
        return not any(asdict(self).values())


def understand(text: str) -> Search:
    """Words as conditions: a plan_id, a kind (`plan.applied`, `row`), a customer's id; else a part
    of a person's or customer's name, or of a plan_id.

    `plan:`, `kind:`, `customer:` and `who:` say which one is meant where it is not clear.
    """
    found: dict[str, str] = {}
    for word in text.replace("：", ":").split():
        name, colon, value = word.partition(":")
        if colon and name in ("plan", "kind", "who", "customer"):
            found["external_userid" if name == "customer" else name] = value
        elif _PLAN.match(word):
            found["plan"] = word
        elif word.split(".")[0] in _KINDS:
            found["kind"] = word
        elif _CUSTOMER.match(word):
            found["external_userid"] = word
        else:
            found["words"] = f"{found.get('words', '')} {word}".strip()
    return Search(**found)


def count(db: Database, search: Search) -> int:
    """How many lines fit."""
    if search.empty:
        found = db.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()  # no gaps
        return int(found[0])
    return sum(1 for _line in lines(db, limit=None, **asdict(search)))


def window(db: Database, search: Search, start: int, size: int) -> list[JournalEntry]:
    """At most `size` lines from position `start` (from 0) on, newest first."""
    if search.empty:
        newest = count(db, search)
        return list(lines(db, before=newest - start + 1, limit=size))
    return list(islice(lines(db, limit=start + size, **asdict(search)), start, None))


def export_journal(
    db: Database,
    search: Search,
    path: Path,
    *,
    over: bool = False,
    on_progress: Callable[[int], None] | None = None,
) -> int:
    """Write lines in the order of the chain, with their digests, as NDJSON; returns how many.

    The file appears whole, readable by its owner alone.

    Args:
        db: data.db.
        search: which lines.
        path: the file.
        over: replace a file of that name.
        on_progress: told the number of lines, now and then.

    Raises:
        UsageError, ConflictError, ConfigError: the file exists, or cannot be written.
    """
    from storeops.export_file import Taken, text_file

    found = Taken(lines(db, limit=None, oldest_first=True, **asdict(search)), on_progress)
    with text_file(path, over) as file:
        for entry in found:
            file.write(json.dumps(entry.as_dict(proof=True), ensure_ascii=True) + "\n")
    return found.count

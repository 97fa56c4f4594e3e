"""The report of every morning, as the night proposes it."""

from __future__ import annotations

from storeops.database.database import Database
from storeops.domains.notify import targets


def sent_to(db: Database) -> tuple[str, ...]:
    """The words that send it to the first group known by name; none where there is none.

    What is sent to nobody is kept with the run of the task. A person's own messages are no place
    for it unless somebody says so.
    """
    groups = [each.name for each in targets.every(db) if each.sender != targets.APP]
    return ("--send", groups[0]) if groups else ()

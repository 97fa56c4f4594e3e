"""All kinds of things that flow down: those of the rooms, then those that domains declare."""

from __future__ import annotations

from functools import cache

from storeops.changes.shared import THINGS as CHANGES
from storeops.domain import registry
from storeops.hub.decisions import THINGS as DECISIONS
from storeops.mirror.shared import THINGS as MIRROR
from storeops.notebook.shared import THINGS as NOTEBOOK
from storeops.shared_rows import SharedThing
from storeops.sync.shared import THINGS as SYNC


@cache
def things() -> dict[str, SharedThing]:
    """By kind, in the order in which a shop's are first published: what says how fresh they are
    comes last."""
    found = [*NOTEBOOK, *MIRROR, *DECISIONS, *CHANGES]
    for domain, where in registry().each("shared"):
        found += registry().loaded(domain, where) or ()
    found.sort(key=lambda each: each.last)
    return {each.kind: each for each in [*found, *SYNC]}

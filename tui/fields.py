"""Names and values under each other: the shape of every card."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content

from storeops.i18n import labelled
from tui.cells import lines


def title(text: str) -> Content:
    """A heading; `text` is already `shown`."""
    return Content.styled(text + "\n", "bold $accent")


def fields(head: str, rows: Iterable[tuple[str, str]]) -> Content:
    """A heading and rows of name and value; empty values are left out.

    Args:
        head: already `shown`; "" for none.
        rows: (translated name, value as it is; may be a stranger's).
    """
    parts = [title(head)] if head else []
    for name, value in rows:
        if not value.strip():
            continue
        for number, line in enumerate(lines(value)):
            label = labelled(name, "") if number == 0 else "  "
            parts.append(Content.assemble((label, "$text-muted"), line + "\n"))
    return Content("").join(parts)

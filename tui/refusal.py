"""What stands where figures would be when there are none: why, and what to do."""

from __future__ import annotations

from textual.content import Content

from storeops.errors import StoreOpsError
from tui.cells import shown
from tui.flowing import flowing


def refusal(error: StoreOpsError) -> Content:
    """The sentence of an error, its hint and its steps, a line each."""
    steps = [step for step in error.next_steps if step not in error.hint]
    lines = [Content.assemble((f"! {shown(error.message)}", "$text-warning"))]
    lines += [Content(f"→ {shown(each)}") for each in (error.hint, *steps) if each]
    return flowing(Content("\n").join(lines))

"""Verbs that do not end by themselves, or need a terminal: none of them can be a task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

_MARK = "_storeops_stays"
Verb = TypeVar("Verb", bound=Callable[..., Any])


def stays(unless: str = "") -> Callable[[Verb], Verb]:
    """Mark a verb: `schedule add` refuses it. Stands under `@app.command`.

    Args:
        unless: its flag with which it ends by itself, as the parameter is called; "" for none.
    """

    def mark(verb: Verb) -> Verb:
        setattr(verb, _MARK, unless)
        return verb

    return mark


def ending(command: Any) -> str | None:
    """The flag with which a command ends, "" when it never does; None for one that always does."""
    return getattr(getattr(command, "callback", None), _MARK, None)

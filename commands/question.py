"""Questions on the terminal. Without a person there, the answer is no, and says what to add."""

from __future__ import annotations

import sys

from commands.context import current
from storeops.errors import DeclinedError, UsageError
from storeops.i18n import _
from storeops.plain import plain


def confirm(question: str) -> None:
    """Go on only after a y.

    Args:
        question: the sentence, without `[y/N]`.

    Raises:
        UsageError: nobody can be asked.
        DeclinedError: the answer was no.
    """
    if not current().interactive:
        raise UsageError(question, hint=_("Add --yes to do it without being asked."))
    print(f"{plain(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes", "是", "好"):
        raise DeclinedError(_("Nothing was changed."))


def may_replace(path: str, *, force: bool) -> bool:
    """Whether a file may be written over: because of --force, or because a person said so.

    Raises:
        UsageError: the file exists and nobody can be asked.
        DeclinedError: the answer was no.
    """
    from storeops.export_file import is_there, refuse_taken

    if force or not is_there(path):
        return force
    if not current().interactive:
        refuse_taken(path, _("Choose another name, or add --force."))
    confirm(_("{path} exists already. Replace it?").format(path=path))
    return True


def type_to_confirm(question: str, expected: str) -> None:
    """Go on only after the person typed `expected` (a count, a name).

    Args:
        question: what will happen, one sentence.
        expected: the word or number to type.

    Raises:
        UsageError: nobody can be asked.
        DeclinedError: something else was typed; nothing may happen.
    """
    if not current().interactive:
        raise UsageError(question, hint=_("Add --yes to do it without being asked."))
    ask = _("Type {expected} to go on: ").format(expected=plain(expected))
    print(f"{plain(question)}\n{ask}", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != expected:
        raise DeclinedError(_("Nothing was changed."))

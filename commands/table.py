"""Tables for people: true cell widths, colour only on a terminal, a pager for long ones.

Rich is not used: importing it costs 46 ms, and it would interpret markup in strangers' names.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import IO

from storeops.i18n import _
from storeops.plain import cell_width, fit, pad, plain

SAMPLE = 200  # rows that decide the widths; later ones are cut to them
GAP = 2


@dataclass(frozen=True, slots=True)
class Head:
    """A column's heading and bounds."""

    title: str
    right: bool = False
    max_width: int = 0


def colours(stream: IO[str] | None = None) -> bool:
    """Whether a stream (stdout) wants colour: a terminal, no NO_COLOR, not dumb."""
    stream = stream or sys.stdout
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def bold(text: str) -> str:
    """Bold on a terminal, plain elsewhere."""
    return f"\x1b[1m{text}\x1b[0m" if colours() else text


def dim(text: str) -> str:
    """Faint on a terminal, plain elsewhere."""
    return f"\x1b[2m{text}\x1b[0m" if colours() else text


def show(rows: Iterable[tuple[str, ...]], heads: Sequence[Head], *, header: bool = True) -> int:
    """Write a table to stdout, through a pager when it is longer than the terminal.

    Args:
        rows: cells, already plain text; read once.
        heads: one per cell.
        header: whether to write the headings.

    Returns:
        The number of rows.
    """
    iterator = iter(rows)
    sample = list(islice(iterator, SAMPLE))
    if not sample:
        return 0
    widths = _widths(sample, heads, header)
    count = 0

    def lines() -> Iterator[str]:
        nonlocal count
        if header:
            yield bold(_line([each.title for each in heads], widths, heads))
        for row in sample:
            count += 1
            yield _line(row, widths, heads)
        sample.clear()
        for row in iterator:
            count += 1
            yield _line(row, widths, heads)

    _page(lines())
    return count


def pairs(rows: Sequence[tuple[str, str]]) -> None:
    """Write `Title  value` lines, titles padded to the same width; empty values are left out."""
    kept = [(title, value) for title, value in rows if value]
    width = max((cell_width(title) for title, _value in kept), default=0)
    for title, value in kept:
        sys.stdout.write(f"{bold(pad(title, width))}  {value}\n")


def _line(row: Sequence[str], widths: Sequence[int], heads: Sequence[Head]) -> str:
    last = len(widths) - 1
    parts = []
    for index, (text, width, head) in enumerate(zip(row, widths, heads, strict=True)):
        text = fit(text, width)
        parts.append(
            text if index == last and not head.right else pad(text, width, right=head.right)
        )
    return (" " * GAP).join(parts).rstrip()


def _widths(sample: Sequence[tuple[str, ...]], heads: Sequence[Head], header: bool) -> list[int]:
    widths = [
        max(
            max(cell_width(row[index]) for row in sample),
            cell_width(head.title) if header else 0,
        )
        for index, head in enumerate(heads)
    ]
    if not sys.stdout.isatty():
        return widths  # a pipe gets whole values
    widths = [
        min(width, head.max_width) if head.max_width else width
        for width, head in zip(widths, heads, strict=True)
    ]
    room = shutil.get_terminal_size((80, 24)).columns - GAP * (len(heads) - 1)
    while sum(widths) > room and max(widths) > 8:
        widest = max(range(len(widths)), key=widths.__getitem__)
        widths[widest] -= max(1, min(widths[widest] - 8, sum(widths) - room) // 2)
    return widths


def _page(lines: Iterator[str]) -> None:
    height = shutil.get_terminal_size((80, 24)).lines
    words = _pager() if sys.stdout.isatty() and os.environ.get("TERM") != "dumb" else []
    first = list(islice(lines, height)) if words else []
    process = None
    if words and len(first) == height:
        sys.stdout.flush()
        with contextlib.suppress(OSError):  # it cannot be started: the terminal scrolls
            process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                env={"LESS": "-FRSX", "LESSCHARSET": "utf-8", **os.environ},
            )
    if process is None or process.stdin is None:
        for line in chain(first, lines):
            sys.stdout.write(line + "\n")
        return
    # a reader who leaves early has seen enough
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        for line in chain(first, lines):
            process.stdin.write((line + "\n").encode())
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        process.stdin.close()  # writes what is buffered still
    while process.returncode is None:
        with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is the pager's now
            process.wait()
    if process.returncode > 0:
        warning = _("The pager {command} ended with {code}; PAGER= (empty) shows lists without it.")
        command = plain(" ".join(words).removeprefix("sh -c "))
        print(warning.format(command=command, code=process.returncode), file=sys.stderr)


def _pager() -> list[str]:
    """The words that start the reader's pager; none when there is none."""
    wish = os.environ.get("STOREOPS_PAGER", os.environ.get("PAGER", "less"))
    if any(sign in wish for sign in "|&;<>$`*\"'\\") and shutil.which("sh"):
        return ["sh", "-c", wish]  # PAGER is a line for the shell, as man and git read it
    words = wish.split()
    return words if words and shutil.which(words[0]) else []

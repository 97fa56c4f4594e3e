"""Tables for people: true cell widths, colour only on a terminal, a pager for long ones.

What does not fit a terminal gives way in this order: texts are cut, down to `FLOOR` cells; moments
lose their time of day; columns leave: empty ones first, then those that say so (`minor`), then
texts, then numbers and sentences, then moments, each from the right. The first column, the first
text, ids and phone numbers stay, and what has a negative `minor` leaves last. Nothing but texts is
ever cut; a table of nothing else is wider than the terminal. Sentences go on in the lines below.
An id that stands where a name is missing keeps its end: ids of one company begin alike.

Rich is not used: importing it costs 46 ms, and it would interpret markup in strangers' names.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import IO

from storeops.i18n import _
from storeops.plain import ELLIPSIS, cell_width, fit, pad, plain, wrap

_ID = re.compile(r"w[mor][\w-]{30}")  # of a customer or a group chat: doc 92114
SAMPLE = 200  # rows that decide the widths; later ones are cut to them
GAP = 2
FLOOR = 12  # cells that a text keeps at least
SENTENCE_FLOOR = 24
DAY = 10  # cells of 2026-05-01
# what a column holds, and so how it gives way
TEXT, WHOLE, NUMBER, MOMENT, SENTENCE = "text", "whole", "number", "moment", "sentence"


@dataclass(frozen=True, slots=True)
class Head:
    """A column's heading and bounds.

    Attributes:
        title: its heading.
        right: align right.
        max_width: cells at most; 0 for no bound but the terminal's.
        kind: TEXT | WHOLE | NUMBER | MOMENT | SENTENCE.
        minor: the larger, the sooner it leaves; 0 for what its kind says, below 0 the last.
    """

    title: str
    right: bool = False
    max_width: int = 0
    kind: str = TEXT
    minor: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table stands on a terminal.

    Attributes:
        widths: cells of each column, None for one that left.
        days: whether moments lost their time of day.
    """

    widths: tuple[int | None, ...]
    days: bool = False


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


def show(
    rows: Iterable[tuple[str, ...]],
    heads: Sequence[Head],
    *,
    header: bool = True,
    wide: bool = False,
) -> tuple[int, list[str]]:
    """Write a table to stdout, through a pager when it is longer than the terminal.

    Args:
        rows: cells, already plain text; read once.
        heads: one per cell.
        header: whether to write the headings.
        wide: every column whole, whatever the terminal.

    Returns:
        The number of rows, and the titles of the columns that had no room.
    """
    iterator = iter(rows)
    sample = list(islice(iterator, SAMPLE))
    if not sample:
        return 0, []
    filled = [max(cell_width(row[index]) for row in sample) for index in range(len(heads))]
    widths = [
        max(width, cell_width(head.title) if header else 0)
        for width, head in zip(filled, heads, strict=True)
    ]
    if wide or not sys.stdout.isatty():
        placed = Layout(tuple(widths))  # a pipe gets whole values
    else:
        empty = {index for index, width in enumerate(filled) if not width}
        room = shutil.get_terminal_size((80, 24)).columns
        placed = layout(widths, heads, room, empty)
    count = 0

    def lines() -> Iterator[str]:
        nonlocal count
        if header:
            titles = [Head(each.title, each.right) for each in heads]
            yield from map(bold, _lines([each.title for each in heads], placed, titles))
        for row in sample:
            count += 1
            yield from _lines(row, placed, heads)
        sample.clear()
        for row in iterator:
            count += 1
            yield from _lines(row, placed, heads)

    _page(lines())
    gone = [head.title for head, width in zip(heads, placed.widths, strict=True) if width is None]
    return count, gone


def layout(
    natural: Sequence[int], heads: Sequence[Head], room: int, empty: Collection[int] = ()
) -> Layout:
    """Who gives way on a terminal, and how far; the order stands at the top of this file.

    Args:
        natural: cells that each column would take.
        heads: the columns.
        room: cells of the terminal.
        empty: columns in which nothing stands.
    """
    wanted = [
        min(width, head.max_width) if head.max_width and head.kind == TEXT else width
        for width, head in zip(natural, heads, strict=True)
    ]

    def least(index: int) -> int:
        floors = {TEXT: FLOOR, SENTENCE: SENTENCE_FLOOR, MOMENT: DAY}
        return min(wanted[index], floors.get(heads[index].kind, wanted[index]))

    def needed(kept: Sequence[int]) -> int:
        return sum(map(least, kept)) + GAP * (len(kept) - 1)

    order = {TEXT: 3, SENTENCE: 2, NUMBER: 2, MOMENT: 1}
    staying = {0, next((i for i, head in enumerate(heads) if head.kind == TEXT), 0)}
    leaving = sorted(
        (
            index
            for index, head in enumerate(heads)
            if index in empty or (index not in staying and (head.minor or head.kind in order))
        ),
        key=lambda index: (
            index not in empty, -heads[index].minor, -order.get(heads[index].kind, 0), -index,
        ),
    )  # fmt: skip
    kept = list(range(len(heads)))
    gone: list[int] = []
    for index in leaving:
        if needed(kept) <= room:
            break
        kept.remove(index)
        gone.append(index)
    for index in reversed(gone):  # a narrow one may stay where a wide one left
        if index not in empty and needed([*kept, index]) <= room:
            kept.append(index)
    widths = {index: wanted[index] for index in kept}
    room -= GAP * (len(kept) - 1)

    def shrink(kinds: Sequence[str]) -> None:
        while (over := sum(widths.values()) - room) > 0:
            slack = {i: widths[i] - least(i) for i in kept if heads[i].kind in kinds}
            if not any(slack.values()):
                return
            widest = max((i for i, each in slack.items() if each), key=widths.__getitem__)
            widths[widest] -= max(1, min(slack[widest], over) // 2)

    shrink((TEXT, SENTENCE))
    days = sum(widths.values()) > room
    if days:
        widths |= {i: min(widths[i], DAY) for i in kept if heads[i].kind == MOMENT}
        spare = room - sum(widths.values())
        for index in sorted(kept):  # what the times of day took goes back to the texts
            if heads[index].kind in (TEXT, SENTENCE) and spare > 0:
                more = min(spare, wanted[index] - widths[index])
                widths[index] += more
                spare -= more
    return Layout(tuple(widths.get(index) for index in range(len(heads))), days)


def pairs(rows: Sequence[tuple[str, str]]) -> None:
    """Write `Title  value` lines, titles padded to the same width; empty values are left out."""
    kept = [(title, value) for title, value in rows if value]
    width = max((cell_width(title) for title, _value in kept), default=0)
    for title, value in kept:
        sys.stdout.write(f"{bold(pad(title, width))}  {value}\n")


def _lines(row: Sequence[str], placed: Layout, heads: Sequence[Head]) -> list[str]:
    """A row's line, and those in which its sentences go on."""
    cells: list[list[str]] = []
    kept: list[tuple[int, Head]] = []
    for text, width, head in zip(row, placed.widths, heads, strict=True):
        if width is None:
            continue
        if head.kind == MOMENT and placed.days:
            text = text[:DAY]
        kept.append((width, head))
        if head.kind == SENTENCE and cell_width(text) > width:
            cells.append(wrap(text, width))
        else:
            cells.append([_cut(text, width) if head.kind == TEXT else text])
    return [
        (" " * GAP)
        .join(
            pad(each[number] if number < len(each) else "", width, right=head.right)
            for each, (width, head) in zip(cells, kept, strict=True)
        )
        .rstrip()
        for number in range(max(map(len, cells), default=0))
    ]


def _cut(text: str, width: int) -> str:
    """A text in its width; an id without its beginning."""
    if _ID.fullmatch(text) and len(text) > width:
        return ELLIPSIS + text[len(text) - width + 1 :]
    return fit(text, width)


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
    wanted = os.environ.get("STOREOPS_PAGER", os.environ.get("PAGER", "less"))
    if any(sign in wanted for sign in "|&;<>$`*\"'\\") and shutil.which("sh"):
        return ["sh", "-c", wanted]  # PAGER is a line for the shell, as man and git read it
    words = wanted.split()
    return words if words and shutil.which(words[0]) else []

"""Columns of a large plain CSV as arrays: numbers, days and ids without a quote.

4 million rows of seven columns take 3 s of CPU, a sixth of what the csv module needs. What is not
as plain as that (quotes, exponents, blanks inside numbers) raises `NotPlainError`; the caller then
reads the file row by row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

CHUNK = 1 << 18  # bytes; temporaries of such a block stay in the processor's cache
_COMMA, _NEWLINE, _MINUS = 44, 10, 45
_DIGITS = [0, 1, 2, 3, 5, 6, 8, 9]  # of 2024-03-28
_POWERS = 10.0 ** np.arange(12)

Bytes = NDArray[np.uint8]
Offsets = NDArray[np.int64]


class NotPlainError(Exception):
    """The block needs a real CSV reader."""


def blocks(file: IO[bytes], size: int = CHUNK) -> Iterator[bytes]:
    """Whole lines of a file, about `size` bytes at a time."""
    rest = b""
    while read := file.read(size):
        read = rest + read
        end = read.rfind(b"\n") + 1
        rest = read[end:]
        if len(rest) > 1 << 20:
            raise NotPlainError  # no line of numbers is as long as that
        if end:
            yield read[:end]
    if rest:
        yield rest + b"\n"


class Block:
    """Some lines, each with the same number of cells.

    Args:
        lines: whole lines, the last one ended.
        width: cells of a line.

    Raises:
        NotPlainError: quotes, or lines with another number of cells.
    """

    def __init__(self, lines: bytes, width: int) -> None:
        if b'"' in lines:
            raise NotPlainError
        if b"\r" in lines:
            lines = lines.replace(b"\r\n", b"\n")
        raw: Bytes = np.frombuffer(lines, np.uint8)
        marks = np.flatnonzero((raw == _COMMA) | (raw == _NEWLINE))
        if len(marks) % width:
            raise NotPlainError
        ends = marks.reshape(-1, width)
        if (raw[ends[:, -1]] != _NEWLINE).any() or (raw[ends[:, :-1]] != _COMMA).any():
            raise NotPlainError
        starts = np.empty_like(ends)
        starts[:, 1:] = ends[:, :-1] + 1
        starts[0, 0] = 0
        starts[1:, 0] = ends[:-1, -1] + 1
        self._raw, self._starts, self._ends = raw, starts, ends

    def __len__(self) -> int:
        return len(self._ends)

    def numbers(self, column: int) -> NDArray[np.float64]:
        """Decimal numbers; an empty cell is NaN.

        Raises:
            NotPlainError: something else than digits, one point and a sign.
        """
        start, end = self._starts[:, column], self._ends[:, column]
        raw = self._raw
        minus = raw[start] == _MINUS
        if minus.any():
            start = start + minus
        length = end - start
        least, most = int(length.min()), int(length.max())
        if most > 10:
            raise NotPlainError
        value = np.zeros(len(start), np.int64)
        places = np.zeros(len(start), np.int64)
        point = np.zeros(len(start), bool)
        pointed = False
        for at in range(most):
            if at < least:
                digit = raw[start + at] - np.uint8(48)
                inside: Any = True
            else:
                here = start + at
                inside = here < end
                digit = raw[np.minimum(here, end)] - np.uint8(48)
            is_digit = (digit < 10) & inside
            other = ~is_digit & inside
            if other.any():
                if (digit[other] != 254).any() or (point & other).any():  # 254: a point
                    raise NotPlainError
                point |= other
                pointed = True
            value = np.where(is_digit, value * 10 + digit, value)
            if pointed:
                places += is_digit & point
        found = value / _POWERS[places] if pointed else value.astype(np.float64)
        if minus.any():
            found = np.where(minus, -found, found)
        if least == 0:
            found[length == 0] = np.nan
        return found

    def days(self, column: int) -> NDArray[np.int64]:
        """Days written 2024-03-28, as days since 1970-01-01.

        Raises:
            NotPlainError: written otherwise, or no day of the calendar.
        """
        start, end = self._starts[:, column], self._ends[:, column]
        if ((end - start) != 10).any():
            raise NotPlainError
        signs = self._raw[start[:, None] + np.arange(10)]
        digits = signs.astype(np.int64) - 48
        if ((signs[:, [4, 7]] != _MINUS).any()) or (
            (digits[:, _DIGITS] < 0) | (digits[:, _DIGITS] > 9)
        ).any():
            raise NotPlainError
        year = digits[:, :4] @ np.array([1000, 100, 10, 1])
        month, day = digits[:, 5] * 10 + digits[:, 6], digits[:, 8] * 10 + digits[:, 9]
        months = (year - 1970) * 12 + month - 1
        first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
        after = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
        found: NDArray[np.int64] = first + day - 1
        if ((month < 1) | (month > 12) | (day < 1) | (found >= after)).any():
            raise NotPlainError
        return found

    def words(self, column: int) -> NDArray[np.bytes_]:
        """Ids of at most 64 bytes.

        Raises:
            NotPlainError: longer ones, or blanks around them.
        """
        start, end = self._starts[:, column], self._ends[:, column]
        most = int((end - start).max())
        if not 0 < most <= 64:
            raise NotPlainError
        at = start[:, None] + np.arange(most)
        letters = self._raw[np.minimum(at, len(self._raw) - 1)]
        letters = np.where(at < end[:, None], letters, np.uint8(0))
        if ((letters <= 32) & (letters > 0)).any():
            raise NotPlainError
        return np.ascontiguousarray(letters).view(f"S{most}").ravel()


def header(line: bytes) -> Sequence[str]:
    """The names of the first line.

    Raises:
        NotPlainError: quotes, no UTF-8, or cells that no comma parts.
    """
    try:
        text = line.decode("utf-8-sig").strip("\r\n")
    except UnicodeDecodeError:
        raise NotPlainError from None
    if '"' in text or "," not in text:
        raise NotPlainError
    return [each.strip() for each in text.split(",")]

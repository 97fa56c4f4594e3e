"""The sheets of a large workbook, written by a second process while this one reads the rows.

Making XML of a row and compressing it costs as much as reading it. The parent sends rows through a
pipe; the child is `python -m storeops.domains.export.export_process`, and its stdout is the file.
Nothing stands in its arguments. It ends when the pipe does, so also when the parent was killed, and
it holds the parent's lock until then. It writes the same `Book` that a small export writes here.

The pipe: `Words`, then for each batch the ids, their rows in pieces, None; at the end None.
"""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

from storeops.domains.export import export_xlsx
from storeops.domains.export.export_easy import Known
from storeops.domains.export.export_xlsx import Book
from storeops.errors import LimitError
from storeops.i18n import _
from storeops.reading.export_rows import Columns

_PIECE = 100  # rows a message: more leave the processor's cache
_PIPE = 1 << 20  # bytes under way, where the system allows it: one side may be busy for 50 ms
_ERRNO = 100  # exit codes of the child: 100 + errno of a file that cannot be written
_HEAD = 4  # bytes: how long a message is


class Words(NamedTuple):
    """What a book needs before its rows: the arguments of `Book`, and the words that repeat."""

    names: Sequence[str]
    headings: Sequence[str]
    worded: bool
    sheet_rows: int
    staff: dict[Any, tuple[str, str]]
    stores: dict[Any, str]
    tags: dict[str, str]


def is_worth_it() -> bool:
    """Whether a second process can help: there is a second processor, and a Python to start."""
    if sys.platform == "linux":
        processors = len(os.sched_getaffinity(0))
    else:
        processors = os.cpu_count() or 1
    return processors > 1 and bool(sys.executable) and not getattr(sys, "frozen", False)


class FarBook:
    """A `Book` in a process of its own; use it as a context manager.

    Args:
        file: open for writing; the child writes it.
        lock: handle of the lock on it, which the child holds as well.
        known: the words that repeat in its rows.
        columns: the columns, in order.

    Raises:
        OSError: the process cannot be started, or (from every method) the file not be written.
        LimitError: (from every method) the process was killed.
    """

    def __init__(self, file: IO[bytes], lock: int, known: Known, columns: Columns) -> None:
        with ExitStack() as undo:
            self._errors = undo.enter_context(tempfile.TemporaryFile())
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=self._errors,
                pass_fds=(lock,) if os.name == "posix" else (),
                env={**os.environ, "PYTHONPATH": _modules()},
                start_new_session=True,  # Ctrl-C is for the parent, which then ends the child
            )
            undo.pop_all()
        assert self._process.stdin is not None
        self._pipe = self._process.stdin
        _widen(self._pipe)
        try:
            self._send(
                (tuple(columns.names), tuple(columns.headings), columns.words,
                 export_xlsx.SHEET_ROWS, dict(known.staff), dict(known.stores), dict(known.tags))
            )  # fmt: skip
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> FarBook:
        return self

    def __exit__(self, kind: object, *_more: object) -> None:
        try:
            if kind is None:
                self._send(None)
                with suppress(BrokenPipeError):
                    self._pipe.close()
                if self._process.wait() != 0:
                    raise self._failure()
        finally:
            self._end()

    def add(self, ids: Sequence[int], rows: Iterable[tuple[int, tuple[Any, ...]]]) -> list[int]:
        """As `Book.add`."""
        self._send(list(ids))
        found = set()
        left = iter(rows)
        while piece := list(islice(left, _PIECE)):
            found.update([key for key, _row in piece])
            self._send(piece)
        self._send(None)
        return [key for key in ids if key in found]

    def _send(self, message: Any) -> None:
        data = marshal.dumps(message)
        try:
            self._pipe.write(len(data).to_bytes(_HEAD, "little") + data)
            if message is None:
                self._pipe.flush()
        except BrokenPipeError:  # nobody reads: why, its exit code says
            self._process.wait()
            raise self._failure() from None

    def _failure(self) -> Exception:
        code = self._process.returncode
        if code > _ERRNO:
            return OSError(code - _ERRNO, os.strerror(code - _ERRNO))
        if code < 0:
            return LimitError(
                _("The process that writes the sheets was killed (signal {number}).").format(
                    number=-code
                ),
                hint=_("The file was not changed. Free some memory, or export CSV."),
            )
        self._errors.seek(0)
        said = self._errors.read(10_000).decode("utf-8", "replace")
        return RuntimeError(f"the process of the sheets ended with {code}\n{said}")

    def _end(self) -> None:
        """Nothing is left of it, however far it came."""
        self._process.kill()
        with suppress(OSError):  # what the pipe still holds has nobody to read it
            self._pipe.close()
        self._process.wait()
        self._errors.close()


def _modules() -> str:
    """Where the child finds what this process has found; the folder it runs in is not asked."""
    return os.pathsep.join(each or str(Path.cwd()) for each in sys.path)


def _widen(pipe: IO[bytes]) -> None:
    if sys.platform == "linux":
        import fcntl

        with suppress(OSError):  # too many pipes
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)


# -- the child -----------------------------------------------------------------------------------


def write_book(pipe: IO[bytes], file: IO[bytes]) -> None:
    """Write what comes through the pipe.

    Raises:
        EOFError: the pipe ended before everything had come.
        OSError: the file cannot be written.
    """
    words = Words(*_receive(pipe))
    columns = Columns(words.names, words.headings, words.worded)
    with Book(file, words, columns, words.sheet_rows) as book:
        while (ids := _receive(pipe)) is not None:
            book.add(ids, _rows(pipe))


def _rows(pipe: IO[bytes]) -> Iterator[tuple[int, tuple[Any, ...]]]:
    while (piece := _receive(pipe)) is not None:
        yield from piece


def _receive(pipe: IO[bytes]) -> Any:
    head = pipe.read(_HEAD)
    size = int.from_bytes(head, "little")
    data = pipe.read(size)
    if len(head) < _HEAD or len(data) < size:
        raise EOFError
    return marshal.loads(data)  # by the same Python, our parent


def main() -> int:
    """The child; its exit code."""
    file = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints does not print into the workbook
    file.seek(0)
    file.truncate()
    try:
        write_book(sys.stdin.buffer, file)
    except EOFError:  # the parent is gone, and with it whoever wants the file
        return 1
    except OSError as error:
        return _ERRNO + error.errno if error.errno and error.errno < 256 - _ERRNO else 1
    except Exception as error:
        # where, not what: the text of an error may hold a customer's name
        frames = "".join(traceback.format_tb(error.__traceback__))
        print(f"{frames}{type(error).__name__}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

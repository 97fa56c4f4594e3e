"""The file that an export becomes: whole or not at all, private, and nobody's that was there."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO, Generic, TypeVar, cast

from storeops import os_errors
from storeops.errors import ConfigError, ConflictError, UsageError
from storeops.i18n import _
from storeops.private_file import scratch

STEP = 1_000  # rows between two words of progress
Progress = Callable[[int], None]
T = TypeVar("T")


class Taken(Generic[T]):
    """What is written, counted while it is taken.

    Args:
        items: rows, lines.
        on_progress: told how many, now and then and at the end.

    Attributes:
        count: how many so far.
    """

    def __init__(self, items: Iterable[T], on_progress: Progress | None) -> None:
        self.count = 0
        self._left = items
        self._tell = on_progress or (lambda _taken: None)

    def __iter__(self) -> Iterator[T]:
        for item in self._left:
            yield item
            self.count += 1
            if self.count % STEP == 0:
                self._tell(self.count)
        self._tell(self.count)


@contextmanager
def whole_file(path: str | Path, over: bool) -> Iterator[BinaryIO]:
    """A private file that takes its place when everything is written; links are replaced.

    A pipe or a device is written to as it is.

    Args:
        path: its name; `~` is the person's folder.
        over: replace a file of that name.

    Raises:
        UsageError: the file exists, and `over` is false.
        ConflictError: another export writes it.
        ConfigError: it cannot be written.
    """
    target = Path(path).expanduser()
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        followed = not target.is_symlink() or target.parent == Path("/dev")
        if followed and target.exists() and not target.is_file():
            with target.open("wb") as file:
                yield file
            return
        with scratch(target, alone=True) as part:
            yield part.file
            part.put(over=over)
    except BlockingIOError:
        raise ConflictError(
            _("Another export is writing {path}.").format(path=target),
            hint=_("Wait until it has ended, or choose another name."),
        ) from None
    except FileExistsError:
        raise _taken(target) from None
    except OSError as error:
        raise ConfigError(
            _("The file {path} cannot be written: {reason}.").format(
                path=target, reason=os_errors.reason(error)
            ),
            hint=_("Choose another folder, or free some space."),
        ) from error


@contextmanager
def text_file(
    path: str | Path, over: bool, stdout: IO[str] | None = None, *, bom: bool = False
) -> Iterator[IO[str]]:
    """The same for text in UTF-8; line ends stay as they are written.

    Args:
        path: its name, "-" for `stdout` where there is one.
        over: replace a file of that name.
        stdout: what "-" means.
        bom: begin with the mark that spreadsheets look for.

    Raises:
        UsageError, ConflictError, ConfigError: as `whole_file`.
    """
    if stdout is not None and path == "-":
        stdout.write("\ufeff" if bom else "")
        yield stdout
        return
    with whole_file(path, over) as whole:
        file = io.TextIOWrapper(
            cast(IO[bytes], whole),
            encoding="utf-8-sig" if bom else "utf-8",
            newline="",
            errors="replace",
        )
        try:
            yield file
            file.flush()
        finally:
            with suppress(OSError):  # told already
                file.detach()


def is_there(path: str | Path) -> bool:
    """Whether an export to this name would replace something."""
    target = Path(path).expanduser()
    return path != "-" and (target.is_symlink() or target.is_file())


def refuse_taken(path: str | Path, hint: str = "") -> None:
    """Refuse a name that would replace something.

    Raises:
        UsageError: it would; with `hint`, or the advice to choose another name.
    """
    if is_there(path):
        raise _taken(Path(path).expanduser(), hint)


def _taken(target: Path, hint: str = "") -> UsageError:
    return UsageError(
        _("{path} exists already.").format(path=target), hint=hint or _("Choose another name.")
    )

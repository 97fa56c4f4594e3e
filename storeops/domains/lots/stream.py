"""EPCIS 2.0 in JSON, event by event, at flat memory: a document, a list, one event, or lines."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from storeops import os_errors
from storeops.errors import NotFoundError, UsageError
from storeops.i18n import _

CHUNK = 1 << 20
MOST_EVENT = 4 << 20  # characters of one event
MOST_HEAD = 1 << 20  # characters before the list of events
_LIST = re.compile(r'"eventList"\s*:\s*\[')
_BLANK = re.compile(r"[\s,]*")
_LEAD = re.compile(r"\s*")


@contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """A file, unpacked when it is gzip.

    Raises:
        NotFoundError: it cannot be opened.
        UsageError: it cannot be read to its end.
    """
    try:
        with Path(path).expanduser().open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if not packed:
                yield file
                return
            with gzip.open(file) as whole:
                yield cast(IO[bytes], whole)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise UsageError(
            _("{file} is damaged, or was not written to its end.").format(file=path),
            hint=_("Copy it again; nothing was imported."),
        ) from None
    except (OSError, ValueError) as error:
        raise NotFoundError(
            _("{file} cannot be read: {error}.").format(
                file=path,
                error=os_errors.reason(error) if isinstance(error, OSError) else _("no such name"),
            ),
            hint=_("Check the path."),
        ) from None


class _Text:
    """Characters of a file as they are needed, and the line that they stand in."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        import codecs

        self._file, self._name = file, name
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self.text, self.at, self.line, self.ended = "", 0, 1, False

    def more(self) -> bool:
        """Read on; False at the end."""
        if self.ended:
            return False
        read = self._file.read(CHUNK)
        self.ended = not read
        try:
            fresh = self._decoder.decode(read, final=self.ended)
        except UnicodeDecodeError:
            raise UsageError(
                _("{file} is no UTF-8 text.").format(file=self._name),
                hint=_("EPCIS is JSON in UTF-8."),
            ) from None
        self.text = self.text[self.at :] + fresh
        self.at = 0
        return True

    def go(self, to: int) -> None:
        """What stands before `to` was read."""
        self.line += self.text.count("\n", self.at, to)
        self.at = to

    def next(self) -> str:
        """The next character that is no blank or comma; "" at the end."""
        while True:
            found = cast(re.Match[str], _BLANK.match(self.text, self.at))
            self.go(found.end())
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.more():
                return ""


def looks_like_json(path: str) -> bool:
    """Whether a file begins as JSON or XML does, not as a table.

    Raises:
        NotFoundError, UsageError: it cannot be read.
    """
    with opened(path) as file:
        head = file.read(4_000).removeprefix(b"\xef\xbb\xbf").lstrip()
    return head[:1] in (b"{", b"[", b"<")


def events(path: str) -> Iterator[tuple[int, Any]]:
    """(line, event) of every event of a file; the event is whatever JSON stands there.

    Raises:
        NotFoundError: the file cannot be opened.
        UsageError: it is no EPCIS 2.0 in JSON.
    """
    with opened(path) as file:
        text = _Text(file, path)
        text.more()
        first = text.next()
        if first == "<":
            raise UsageError(
                _("{file} is XML, as EPCIS 1.2 is written; read is EPCIS 2.0 in JSON.").format(
                    file=path
                ),
                hint=_("Ask your partner for EPCIS 2.0 (JSON-LD), or for a CSV of the papers."),
            )
        if first not in ("{", "["):
            raise UsageError(
                _("{file} is no EPCIS 2.0 in JSON.").format(file=path),
                hint=_("EPCIS is JSON in UTF-8."),
            )
        if first == "[":
            text.go(text.at + 1)
            yield from _list(text, path)
            return
        found = None
        while (found := _LIST.search(text.text, text.at)) is None:
            if len(text.text) - text.at > MOST_HEAD or not text.more():
                break
        lines_first = text.text.find("\n", text.at)
        if found is not None and not (
            -1 < lines_first < found.start() and _is_event(text.text[text.at : lines_first])
        ):
            _check_head(text.text[text.at : found.start()], path)
            text.go(found.end())
            yield from _list(text, path)
            return
        while text.next():
            yield from _unpacked(*_one(text, path), path)


def _is_event(line: str) -> bool:
    try:
        return "eventTime" in json.loads(line)
    except (ValueError, TypeError):
        return False


def _check_head(head: str, path: str) -> None:
    version = re.search(r'"schemaVersion"\s*:\s*"?([0-9.]+)', head)
    if version is not None and not version[1].startswith("2."):
        raise UsageError(
            _("{file} is EPCIS {version}; read is EPCIS 2.0 in JSON.").format(
                file=path, version=version[1]
            ),
            hint=_("Ask your partner for EPCIS 2.0 (JSON-LD), or for a CSV of the papers."),
        )


def _unpacked(line: int, found: Any, path: str) -> Iterator[tuple[int, Any]]:
    """A line may hold an event, or a whole document."""
    if isinstance(found, dict) and "epcisBody" in found:
        _check_head(json.dumps({"schemaVersion": found.get("schemaVersion", "2.0")}), path)
        body = found["epcisBody"]
        listed = body.get("eventList", []) if isinstance(body, dict) else []
        for each in listed if isinstance(listed, list) else [listed]:
            yield line, each
    else:
        yield line, found


def _list(text: _Text, path: str) -> Iterator[tuple[int, Any]]:
    while True:
        sign = text.next()
        if sign == "]":
            return
        if not sign:
            raise _broken(path, text.line, _("the list of events is not closed"))
        yield _one(text, path)


_decoder = json.JSONDecoder()


def _one(text: _Text, path: str) -> tuple[int, Any]:
    line = text.line
    while True:
        try:
            found, end = _decoder.raw_decode(text.text, text.at)
            if end < len(text.text) or text.ended or not text.more():
                text.go(end if end <= len(text.text) else len(text.text))
                return line, found
        except RecursionError:
            raise _broken(path, line, _("it is nested too deeply")) from None
        except ValueError as error:
            if len(text.text) - text.at > MOST_EVENT or text.ended or not text.more():
                at = line
                if isinstance(error, json.JSONDecodeError):
                    at += text.text.count("\n", text.at, error.pos)
                raise _broken(path, at, _("it is no JSON there")) from None


def _broken(path: str, line: int, why: str) -> UsageError:
    return UsageError(
        _("{file}, line {line}: {reason}.").format(file=path, line=line, reason=why),
        hint=_("Correct the file; nothing was imported."),
    )

"""multipart/form-data, as far as uploads need it."""

from __future__ import annotations

import dataclasses
import re

_BOUNDARY = re.compile(r'boundary="?([^";,]{1,200})"?', re.IGNORECASE)
_NAME = re.compile(r'(?:^|[;\s])name="([^"]*)"')
_FILENAME = re.compile(r'filename="([^"]*)"')


@dataclasses.dataclass(frozen=True, slots=True)
class FormPart:
    """One field: its file name ("" for none) and bytes."""

    filename: str
    data: bytes


def part(raw: bytes, content_type: str, name: str) -> FormPart | None:
    """The first field of that name; None when there is none, or the body is something else."""
    found = _BOUNDARY.search(content_type)
    if found is None or "multipart/form-data" not in content_type.lower():
        return None
    for piece in raw.split(b"--" + found[1].encode("latin-1", "replace"))[1:]:
        head, gap, data = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        text = head.decode("utf-8", "replace")
        named = _NAME.search(text)
        if gap and named and named[1] == name:
            filename = _FILENAME.search(text)
            return FormPart(filename[1] if filename else "", data.removesuffix(b"\r\n"))
    return None

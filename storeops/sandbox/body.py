"""Request bodies, read the way WeCom reads them: as far as they go (01 §1.3)."""

from __future__ import annotations

import json
from typing import Any

_decoder = json.JSONDecoder()
_SPACE = " \t\r\n"


class Body:
    """The JSON of one request. `warned` means something in it had to be guessed or dropped."""

    __slots__ = ("fields", "warned")

    def __init__(self, fields: dict[str, Any], warned: bool = False) -> None:
        self.fields = fields
        self.warned = warned

    @classmethod
    def read(cls, raw: bytes) -> Body:
        """Parse; never raises. No body at all is the same as {}."""
        if not raw.strip():
            return cls({})
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            return cls(_pairs(raw.decode("utf-8", "replace")), True)
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return cls(_pairs(text), True)
        return cls(value) if isinstance(value, dict) else cls({}, True)

    def _get(self, name: str, kinds: tuple[type, ...]) -> Any:
        value = self.fields.get(name)
        if value is None:
            return None
        if isinstance(value, bool) and bool not in kinds:
            value = None
        if not isinstance(value, kinds):
            self.warned = True
            return None
        return value

    def has(self, name: str) -> bool:
        """The field is there and not null."""
        return self.fields.get(name) is not None

    def text(self, name: str) -> str:
        """A string, "" when missing or of another type."""
        return self._get(name, (str,)) or ""

    def text_or_none(self, name: str) -> str | None:
        """A string, None when missing or of another type."""
        value: str | None = self._get(name, (str,))
        return value

    def number(self, name: str, default: int = 0) -> int:
        """An integer; a float without a fraction counts."""
        value = self._get(name, (int, float))
        if isinstance(value, float):
            if not value.is_integer():
                self.warned = True
                return default
            value = int(value)
        return default if value is None else value

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean, or 0/1."""
        value = self._get(name, (bool, int))
        return default if value is None else bool(value)

    def texts(self, name: str) -> list[str]:
        """A list of strings; elements of other types are lost with a warning."""
        return self._list(name, str)

    def numbers(self, name: str) -> list[int]:
        """A list of integers."""
        return self._list(name, int)

    def objects(self, name: str) -> list[Body]:
        """A list of objects."""
        return [Body(v) for v in self._list(name, dict)]

    def object(self, name: str) -> Body:
        """An object, empty when missing."""
        return Body(self._get(name, (dict,)) or {})

    def _list(self, name: str, kind: type) -> list[Any]:
        values = self._get(name, (list,)) or []
        good = [v for v in values if isinstance(v, kind) and not isinstance(v, bool)]
        if len(good) != len(values):
            self.warned = True
        return good


def _pairs(text: str) -> dict[str, Any]:
    """What can be understood of a broken object: its members up to the first fault."""
    found: dict[str, Any] = {}
    at = text.find("{") + 1
    if not at:
        return found
    try:
        while True:
            while text[at] in _SPACE or text[at] == ",":
                at += 1
            key, at = _decoder.raw_decode(text, at)
            while text[at] in _SPACE:
                at += 1
            if not isinstance(key, str) or text[at] != ":":
                return found
            at += 1
            while text[at] in _SPACE:
                at += 1
            found[key], at = _decoder.raw_decode(text, at)
    except (ValueError, IndexError, RecursionError):
        return found

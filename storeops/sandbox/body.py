"""Request bodies, read the way WeCom reads them: as far as they go (doc 90313).

A scalar of another JSON type is converted, with the warning: number and numeric text, true and 1,
a scalar for a list of one where WeCom was seen to take it. What cannot be converted is lost, and
what is lost counts as absent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from typing import Any, NoReturn

_SPACE = " \t\r\n"
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_decoder = json.JSONDecoder(parse_constant=_no_constant)


class Body:
    """The JSON of one request. `warned` means something in it had to be guessed or dropped.

    Readers give a default for what is absent, null or lost; those named `…_or_none` give None,
    so that an update can tell what to leave alone. `scalar_lists` are the lists that may come as
    one scalar ("*": all of them).
    """

    __slots__ = ("_outer", "_scalar_lists", "_warned", "fields")

    def __init__(
        self,
        fields: dict[str, Any],
        warned: bool = False,
        *,
        scalar_lists: Collection[str] = (),
        outer: Body | None = None,
    ) -> None:
        self.fields = fields
        self._warned = warned
        self._scalar_lists = scalar_lists
        self._outer = outer

    @classmethod
    def read(cls, raw: bytes, scalar_lists: Collection[str] = ()) -> Body:
        """Parse; never raises. No body at all is the same as {}."""
        fields, warned = _parsed(raw)
        return cls(fields, warned, scalar_lists=scalar_lists)

    @property
    def warned(self) -> bool:
        """Whether the answer carries the warning."""
        return self._warned

    def _warn(self) -> None:
        """Something here was not as it should be: the whole request is told so."""
        body: Body | None = self
        while body is not None:
            body._warned = True
            body = body._outer

    def _converted(self, value: Any, convert: Callable[[Any], tuple[Any, bool]]) -> Any:
        value, right = convert(value)
        if not right:
            self._warn()
        return value

    def _scalar(self, name: str, convert: Callable[[Any], tuple[Any, bool]]) -> Any:
        value = self.fields.get(name)
        return None if value is None else self._converted(value, convert)

    def given(self, name: str) -> bool:
        """The field is there and not null, whatever its value is worth."""
        return self.fields.get(name) is not None

    def text_or_none(self, name: str) -> str | None:
        """A string."""
        value: str | None = self._scalar(name, _text)
        return value

    def text(self, name: str) -> str:
        """A string, "" for none."""
        return self.text_or_none(name) or ""

    def number_or_none(self, name: str) -> int | None:
        """An integer; a float without a fraction counts."""
        value: int | None = self._scalar(name, _number)
        return value

    def number(self, name: str, default: int = 0) -> int:
        """An integer, the default for none."""
        value = self.number_or_none(name)
        return default if value is None else value

    def flag_or_none(self, name: str) -> bool | None:
        """A boolean, or 0/1."""
        value: bool | None = self._scalar(name, _flag)
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean, or 0/1, the default for none."""
        value = self.flag_or_none(name)
        return default if value is None else value

    def texts_or_none(self, name: str) -> list[str] | None:
        """A list of strings; elements that cannot be converted are lost."""
        return self._list(name, _text)

    def texts(self, name: str) -> list[str]:
        """A list of strings, empty for none."""
        return self._list(name, _text) or []

    def numbers_or_none(self, name: str) -> list[int] | None:
        """A list of integers; elements that cannot be converted are lost."""
        return self._list(name, _number)

    def numbers(self, name: str) -> list[int]:
        """A list of integers, empty for none."""
        return self._list(name, _number) or []

    def objects(self, name: str) -> list[Body]:
        """A list of objects, empty for none."""
        return [self._inner(fields) for fields in self._list(name, _object) or []]

    def object_or_none(self, name: str) -> Body | None:
        """An object."""
        fields = self._scalar(name, _object)
        return None if fields is None else self._inner(fields)

    def object(self, name: str) -> Body:
        """An object, empty for none."""
        return self.object_or_none(name) or self._inner({})

    def _inner(self, fields: dict[str, Any]) -> Body:
        return Body(fields, scalar_lists=self._scalar_lists, outer=self)

    def _list(self, name: str, convert: Callable[[Any], tuple[Any, bool]]) -> list[Any] | None:
        values = self.fields.get(name)
        if values is None:
            return None
        if not isinstance(values, list):
            self._warn()
            one = None
            if name in self._scalar_lists or "*" in self._scalar_lists:
                one, _ = convert(values)
            return None if one is None else [one]
        found = [self._converted(value, convert) for value in values]
        return [value for value in found if value is not None]


# Each gives (the value or None when it is lost, whether it came in the right type).


def _text(value: Any) -> tuple[str | None, bool]:
    if isinstance(value, str):
        return value, True
    if isinstance(value, bool | int | float):
        return json.dumps(value), False
    return None, False


def _number(value: Any) -> tuple[int | None, bool]:
    if isinstance(value, bool):
        return int(value), False
    if isinstance(value, int):
        return value, True
    if isinstance(value, float) and value.is_integer():
        return int(value), True
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value), False
    return None, False


def _flag(value: Any) -> tuple[bool | None, bool]:
    if isinstance(value, bool | int):
        return bool(value), True
    if isinstance(value, str) and value in _FLAGS:
        return _FLAGS[value], False
    return None, False


def _object(value: Any) -> tuple[dict[str, Any] | None, bool]:
    return (value, True) if isinstance(value, dict) else (None, False)


def _parsed(raw: bytes) -> tuple[dict[str, Any], bool]:
    """(fields, whether anything was guessed) of a body."""
    if not raw.strip():
        return {}, False
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return _pairs(raw.decode("utf-8", "replace")), True
    try:
        value = _decoder.decode(text)
    except (ValueError, RecursionError):
        return _pairs(text), True
    return (value, False) if isinstance(value, dict) else ({}, True)


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

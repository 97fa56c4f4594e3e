"""Reads answers that are not quite as promised: one odd value costs one value, one odd row one row.

Only what the strict decoder refuses comes here. Text that is cut inside a character, raw control
characters and half surrogates are replaced by U+FFFD; numbers and numeric text, bool and 0/1 are
taken for each other; times in milliseconds become seconds. What cannot be read, null as well, is
left out when its field may be absent, and its row says so (`DecodedRow.unread`), as it
does of what is always sent (`DecodedRow.always_sent`) and is not there. Identities, and fields
marked EXACT, are never guessed: their row is lost, and named.
"""

from __future__ import annotations

import functools
import json
import re
import types
from collections import Counter
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from storeops.clock import MOST_SECONDS, in_seconds
from storeops.wecom.fields import IDENTITY, NUMERIC, DecodedRow, Exact, partly
from storeops.wecom.oddities import LostRow

_HALVES = re.compile("[\ud800-\udfff]+")
_INTEGER = re.compile(r"[+-]?\d{1,19}(\.0+)?\Z")
_FLAGS = {"0": False, "1": True, "false": False, "true": True}
# raw control characters become half surrogates, like bytes that are no UTF-8
_CONTROLS = {code: 0xDC00 + code for code in range(32) if chr(code) not in "\t\n\r"}
_BLANK = "\ufeff\0 \t\r\n"


class Unreadable(Exception):
    """A value that cannot be read; its text is the path from there."""


@dataclass(frozen=True, slots=True)
class ValueKind:
    """What a field promises, taken apart."""

    base: Any
    item: ValueKind | None = None  # of a list
    optional: bool = False  # null is a value
    exact: bool = False
    null: bool = True  # of an exact one: null is left out like nothing
    identity: bool = False
    numeric: bool = True  # a text that may come as a number
    least: int | None = None
    most: int | None = None
    shortest: int = 0


@dataclass(frozen=True, slots=True)
class DecodedField:
    """A field of a dataclass."""

    name: str
    kind: ValueKind
    required: bool


def parse(body: bytes) -> Any:
    """JSON, however odd its texts are; what is no text is marked by half surrogates.

    Raises:
        ValueError, RecursionError: not JSON.
    """
    text = body.decode("utf-8", "surrogateescape").strip(_BLANK)
    return json.loads(text.translate(_CONTROLS), strict=False, parse_int=_integer)


def _integer(text: str) -> int | str:
    return int(text) if len(text) < 40 else text


def clean_text(text: str) -> str:
    """`text` without halves of characters."""
    return _HALVES.sub("\ufffd", text)


def cleaned(value: Any, odd: Counter[str], name: str = "") -> Any:
    """Any JSON with clean texts; counts the fields that were not."""
    if isinstance(value, str) and _HALVES.search(value):
        odd[clean_text(name)] += 1
        return clean_text(value)
    if isinstance(value, list):
        return [cleaned(each, odd, name) for each in value]
    if isinstance(value, dict):
        return {clean_text(key): cleaned(each, odd, key) for key, each in value.items()}
    return value


class Reader:
    """Reads one answer.

    Attributes:
        odd: values that were replaced, converted or left out, by field.
        lost: rows that cannot be read.
    """

    def __init__(self) -> None:
        self.odd: Counter[str] = Counter()
        self.lost: list[LostRow] = []

    def read(self, shape: type, raw: dict[str, Any], given: dict[str, Any]) -> Any:
        """`raw` as `shape`, a dataclass; `given` are fields that are known already.

        Raises:
            Unreadable: a field that WeCom always sends is absent, or cannot be read.
        """
        values = dict(given)
        unread: list[str] = []
        always_sent = getattr(shape, "always_sent", ())
        for each in _fields(shape):
            if each.name in given:
                continue
            if each.name not in raw:
                if each.required:
                    raise Unreadable(each.name)
                if each.name in always_sent:
                    self.odd[each.name] += 1
                    unread.append(each.name)
                continue
            value = raw[each.name]
            try:
                values[each.name], whole = self._value(each, value)
            except Unreadable as error:
                exact = each.kind.exact and (value is not None or not each.kind.null)
                if each.required or exact:
                    raise Unreadable(f"{each.name}{error}") from None
                self.odd[each.name] += 1
                whole = False
            if not whole:
                unread.append(each.name)
        if issubclass(shape, DecodedRow):
            shape = partly(shape, unread)
        return shape(**values)

    def _value(self, each: DecodedField, value: Any) -> tuple[Any, bool]:
        """The value, and whether nothing in it had to be left out."""
        kind = each.kind
        if value is None and kind.optional:
            return None, True
        if kind.base is tuple:
            return self._list(each, value)
        found = self._one(kind, value, each.name, each.required)
        return found, each.required or not (isinstance(found, DecodedRow) and found.unread)

    def _one(self, kind: ValueKind, value: Any, name: str, strict: bool) -> Any:
        if is_dataclass(kind.base):
            if not isinstance(value, dict):
                raise Unreadable
            try:
                return self.read(kind.base, value, {})  # type: ignore[arg-type]
            except Unreadable as error:
                raise Unreadable(f".{error}") from None
        found = _scalar(kind, value, strict or kind.exact)
        if type(found) is not type(value) or found != value:
            self.odd[name] += 1
        return found

    def _list(self, each: DecodedField, value: Any) -> tuple[tuple[Any, ...], bool]:
        item = each.kind.item
        assert item is not None
        if not isinstance(value, list):
            # one thing for a list of one, where the list may be absent
            if each.required or value is None or isinstance(value, dict):
                raise Unreadable
            self.odd[each.name] += 1
            value = [value] if value != "" else []
        found = []
        for number, one in enumerate(value, 1):
            odd, lost = self.odd.copy(), len(self.lost)
            try:
                found.append(self._one(item, one, each.name, each.required))
                around = _labels(item, one) or tuple(_ids(item, one).values())[:1]
                for at in range(lost, len(self.lost)):  # rows inside this one
                    inner = self.lost[at]
                    self.lost[at] = replace(inner, labels=(*inner.labels, *around))
            except Unreadable as error:
                self.odd = odd  # the row counts as one, not as the values in it
                del self.lost[lost:]
                if each.kind.exact and one is not None:
                    raise Unreadable(f"[{number - 1}]{error}") from None
                if each.required:
                    row = LostRow(each.name, number, _ids(item, one), str(error).lstrip("."))
                    self.lost.append(replace(row, labels=_labels(item, one)))
                else:
                    self.odd[each.name] += 1
        return tuple(found), len(found) == len(value)


def _scalar(kind: ValueKind, value: Any, strict: bool) -> Any:
    """`value` as str, int, float or bool; `strict`: half a text is none."""
    if kind.base is str:
        return _str(kind, value, strict)
    if kind.base is bool:
        return _bool(value)
    if isinstance(value, str):
        value = value.strip()
    if kind.base is float:
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            raise Unreadable from None
        if number != number or number in (float("inf"), float("-inf")):
            raise Unreadable
        return number
    return _int(kind, value)


def _str(kind: ValueKind, value: Any, strict: bool) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and kind.numeric:
        return str(value)
    if not isinstance(value, str) or len(value) < kind.shortest:
        raise Unreadable
    if not _HALVES.search(value):
        return value
    if strict:
        raise Unreadable
    return clean_text(value)


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | str) and (text := str(value).strip().lower()) in _FLAGS:
        return _FLAGS[text]
    raise Unreadable


def _int(kind: ValueKind, value: Any) -> int:
    if isinstance(value, str):
        if not _INTEGER.match(value):
            raise Unreadable
        value = int(value.partition(".")[0])
    elif isinstance(value, float):
        if not value.is_integer():
            raise Unreadable
        value = int(value)
    elif not isinstance(value, int):
        raise Unreadable
    number = int(value)
    if kind.most == MOST_SECONDS:
        number = in_seconds(number)
    low, high = kind.least, kind.most
    if (low is not None and number < low) or (high is not None and number > high):
        raise Unreadable
    return number


def _ids(kind: ValueKind, raw: Any) -> dict[str, str]:
    """What can be read of a row's identity."""
    found: dict[str, str] = {}
    if not is_dataclass(kind.base) or not isinstance(raw, dict):
        return found
    for each in _fields(kind.base):  # type: ignore[arg-type]
        value = raw.get(each.name)
        if is_dataclass(each.kind.base):
            found |= _ids(each.kind, value)
        elif each.kind.identity:
            try:
                found[each.name] = str(_scalar(each.kind, value, True))
            except Unreadable:
                continue
    return found


def _labels(kind: ValueKind, raw: Any) -> tuple[str, ...]:
    """What people call a row, when that can be read."""
    label = getattr(kind.base, "label", "")
    value = raw.get(label) if label and isinstance(raw, dict) else None
    return (clean_text(value),) if isinstance(value, str) and value else ()


@functools.cache
def _fields(shape: type) -> tuple[DecodedField, ...]:
    hints = get_type_hints(shape, include_extras=True)
    return tuple(
        DecodedField(
            each.name,
            _kind(hints[each.name]),
            each.default is MISSING and each.default_factory is MISSING,
        )
        for each in fields(shape)
    )


def _kind(hint: Any) -> ValueKind:
    exact = identity = numeric = optional = False
    null = True
    least = most = None
    shortest = 0
    if get_origin(hint) is Annotated:
        hint, *marks = get_args(hint)
        for mark in marks:
            if isinstance(mark, Exact):
                exact, null = True, mark.null
            elif isinstance(mark, msgspec.Meta):
                least, most = _bound(mark.ge), _bound(mark.le)
                shortest = mark.min_length or 0
            else:
                identity |= mark == IDENTITY
                numeric |= mark == NUMERIC
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = (each for each in get_args(hint) if each is not type(None))
        optional = True
        if get_origin(hint) is Annotated:
            inner = _kind(hint)
            return replace(inner, optional=True, exact=exact or inner.exact)
    item = None
    if get_origin(hint) is tuple:
        item, hint = _kind(get_args(hint)[0]), tuple
    identity |= shortest > 0
    numeric |= not (exact or identity)
    return ValueKind(hint, item, optional, exact, null, identity, numeric, least, most, shortest)


def _bound(value: int | float | None) -> int | None:
    return None if value is None else int(value)

"""Odd answers on demand: somebody else's answer, or WeCom's with one value spoilt.

Everything here works on the encoded answer, so that no rule of the API knows of it. Values that
no JSON encoder writes (bytes that are no UTF-8, raw control characters, half a surrogate) are put
in place of a mark after encoding.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from storeops.sandbox.jsontext import dumps

# Answered in WeCom's place, with HTTP 200: content type and body. Such an answer carries no
# Error-Code header, and the call is not carried out unless the fault says so.
INSTEAD: dict[str, tuple[bytes, bytes]] = {
    "html": (
        b"text/html; charset=utf-8",
        b"<!DOCTYPE html><html><head><title>Login</title></head><body>Login required</body></html>",
    ),
    "foreign_json": (b"application/json", b'{"code":401,"error":"login required"}'),
    "empty_object": (b"application/json", b"{}"),
    "null_body": (b"application/json", b"null"),
    "empty_body": (b"application/json; charset=UTF-8", b""),
}

MEANINGS = {
    "html": "a login page of somebody between us and WeCom; nothing is carried out",
    "foreign_json": "JSON of somebody else, without errcode; nothing is carried out",
    "empty_object": "`{}`; nothing is carried out",
    "null_body": "`null`; nothing is carried out",
    "empty_body": "HTTP 200 without a body; nothing is carried out",
    "no_errcode": "the right answer without errcode and errmsg",
    "errcode_as_text": "the right answer with the errcode as a string",
    "no_cursor": "the right page without its next_cursor",
    "same_cursor": "the right page whose next_cursor is the one it was asked with",
    "byte_order_mark": "the right answer behind a byte order mark",
    "cut_text": "one text is cut inside a character: bytes that are no UTF-8",
    "control_char": "one text holds a raw control character",
    "half_surrogate": "one text holds half a surrogate as an escape",
    "null_field": "one value is null",
    "missing_field": "one value is absent",
    "number_as_text": "one number comes as a string",
    "text_as_number": "one text comes as a number",
    "milliseconds": "one time comes in milliseconds",
}

_NOT_ROWS = ("errcode", "errmsg", "next_cursor", "is_last")  # spoilt only when named


def _whole(change: Callable[[dict[str, Any], str], None]) -> Callable[[dict[str, Any], str], bytes]:
    def encode(answer: dict[str, Any], cursor: str) -> bytes:
        change(answer, cursor)
        return dumps(answer)

    return encode


def _no_errcode(answer: dict[str, Any], cursor: str) -> None:
    answer.pop("errcode", None)
    answer.pop("errmsg", None)


def _errcode_as_text(answer: dict[str, Any], cursor: str) -> None:
    answer["errcode"] = str(answer["errcode"])


def _no_cursor(answer: dict[str, Any], cursor: str) -> None:
    answer.pop("next_cursor", None)


def _same_cursor(answer: dict[str, Any], cursor: str) -> None:
    if answer.get("next_cursor"):
        answer["next_cursor"] = cursor or answer["next_cursor"]


_ANSWERS: dict[str, Callable[[dict[str, Any], str], bytes]] = {
    "no_errcode": _whole(_no_errcode),
    "errcode_as_text": _whole(_errcode_as_text),
    "no_cursor": _whole(_no_cursor),
    "same_cursor": _whole(_same_cursor),
    "byte_order_mark": lambda answer, cursor: b"\xef\xbb\xbf" + dumps(answer),
}


def _cut(value: str) -> bytes:
    """The text without the last byte of its last character that has several."""
    at = max((i for i, c in enumerate(value) if ord(c) > 127), default=-1)
    if at < 0:
        return dumps(value)[:-1] + b'\xe5\xbc"'
    return dumps(value[: at + 1])[:-2] + dumps(value[at + 1 :])[1:]


# kind -> (does it fit a value?, the bytes in its place)
_VALUES: dict[str, tuple[Callable[[Any], bool], Callable[[Any], bytes]]] = {
    "cut_text": (lambda v: isinstance(v, str), _cut),
    "control_char": (lambda v: isinstance(v, str), lambda v: b'"\x01' + dumps(v)[1:]),
    "half_surrogate": (lambda v: isinstance(v, str), lambda v: dumps(v)[:-1] + b'\\ud83d"'),
    "null_field": (lambda v: v is not None, lambda v: b"null"),
    "number_as_text": (
        lambda v: isinstance(v, int) and not isinstance(v, bool),
        lambda v: b'"%d"' % v,
    ),
    "text_as_number": (
        lambda v: isinstance(v, str),
        lambda v: v.encode() if v.isdecimal() and v.isascii() and str(int(v)) == v else b"12345",
    ),
    "milliseconds": (
        lambda v: isinstance(v, int) and 10**9 <= v < 10**11,
        lambda v: b"%d" % (v * 1000),
    ),
    "missing_field": (lambda v: v is not None, lambda v: b""),
}

VALUE_KINDS = tuple(_VALUES)
assert set(INSTEAD) | set(_ANSWERS) | set(_VALUES) == set(MEANINGS)


def spoil(
    kind: str, body: bytes, *, field: str, every: bool, cursor: str, dice: random.Random
) -> bytes:
    """An answer as a fault leaves it; the same bytes when nothing in it fits.

    `field` names the values meant (`tag_id` a list, `tag_id[]` what is in it), "" any in the
    rows; one of them is drawn, or `every` is taken. `cursor` is the one the call came with.
    """
    answer = json.loads(body)
    if kind in _ANSWERS:
        return _ANSWERS[kind](answer, cursor)
    fits, odd = _VALUES[kind]
    found = [
        spot
        for spot in _values(answer)
        if (spot[2] == field if field else spot[2] not in _NOT_ROWS and _scalar(spot))
        and fits(spot[0][spot[1]])
    ]
    if not found:
        return body
    marks: list[tuple[bytes, bytes]] = []
    for container, key, _name in found if every else [dice.choice(found)]:
        if kind == "missing_field":
            del container[key]
            continue
        mark = f"odd value {len(marks)} {dice.random()}"
        marks.append((dumps(mark), odd(container[key])))
        container[key] = mark
    text = dumps(answer)
    for mark_text, value in marks:
        text = text.replace(mark_text, value)
    return text


def _scalar(spot: tuple[Any, Any, str]) -> bool:
    return not isinstance(spot[0][spot[1]], dict | list)


def _values(node: Any, name: str = "") -> Iterator[tuple[Any, Any, str]]:
    """(container, key, name of the field) of every value; those of a list are `name[]`."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield node, key, key
            yield from _values(value, key)
    elif isinstance(node, list):
        for at in range(len(node) - 1, -1, -1):  # from the end, so that they can be deleted
            if not isinstance(node[at], dict | list):
                yield node, at, name + "[]"
            yield from _values(node[at], name + "[]")

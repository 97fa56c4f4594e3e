"""What is inside a callback: the shell that carries the ciphertext, and the message itself.

Both come over the wire from anybody who finds the address. The XML reader takes no document type,
no entities and nothing from outside; sizes are bounded by whoever read the body.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storeops.events.crypto import Unreadable

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

DEEPEST = 16  # levels of elements; WeCom's own messages have five
_CONTROLS = bytes([*range(9), 11, 12, *range(14, 32)])
_ID_MAX = 200  # characters of an id that is kept in a column


@dataclass(frozen=True, slots=True)
class Message:
    """One decrypted message.

    Attributes:
        event: Event (change_external_contact …); MsgType of what is no event.
        change_type: ChangeType, "" when there is none.
        create_time: CreateTime, Unix seconds; 0 when it is missing.
        fields: every element by name: text, a mapping of elements, or a list of repeated ones.
    """

    event: str
    change_type: str
    create_time: int
    fields: Mapping[str, Any]

    def text(self, *names: str) -> str:
        """The first of these elements that holds text; "" when none does."""
        for name in names:
            value = self.fields.get(name)
            if isinstance(value, str) and value:
                return value[:_ID_MAX]
        return ""


def encrypted_part(body: bytes) -> str | None:
    """The Encrypt text of a request body, XML or JSON (doc 90968); None when there is none."""
    if body.lstrip()[:1] == b"{":
        try:
            shell = json.loads(body)
        except (ValueError, RecursionError):
            return None
        found = next((shell[name] for name in ("encrypt", "Encrypt") if name in shell), None)
        return found.strip() or None if isinstance(found, str) else None
    root = _root(body)
    if root is None:
        return None
    found = root.findtext("Encrypt")
    return (found or "").strip() or None


def read_message(opened: bytes) -> Message:
    """The message of decrypted bytes.

    Raises:
        Unreadable: it is neither XML nor a JSON object.
    """
    fields: Any
    if opened.lstrip()[:1] == b"{":
        try:
            fields = json.loads(opened)
        except (ValueError, RecursionError):
            raise Unreadable("format") from None
    else:
        root = _root(opened)
        if root is None:
            raise Unreadable("format")
        fields = _value(root, 0)
    if not isinstance(fields, dict):
        raise Unreadable("format")
    kind = fields.get("MsgType")
    event = fields.get("Event") or fields.get("InfoType")  # suites say InfoType (doc 92277)
    created = fields.get("CreateTime") or fields.get("TimeStamp") or ""
    return Message(
        event=str(event or kind or "")[:_ID_MAX],
        change_type=str(fields.get("ChangeType") or "")[:_ID_MAX],
        create_time=int(created) if str(created).isdecimal() and len(str(created)) < 12 else 0,
        fields=fields,
    )


def _root(text: bytes) -> Element | None:
    """The root element; None when it is no XML that may be read."""
    from defusedxml import DefusedXmlException  # 4 ms, only when an event comes
    from defusedxml.ElementTree import ParseError, fromstring

    # names come from strangers: the second try is without what XML cannot hold
    for each in (text, text.translate(None, _CONTROLS)):
        try:
            root: Element = fromstring(each, forbid_dtd=True)
        except (ParseError, DefusedXmlException, ValueError, LookupError):
            continue
        return root
    return None


def _value(element: Element, depth: int) -> Any:
    """Text, or a mapping of children, where repeated names become a list."""
    if depth > DEEPEST:
        raise Unreadable("format")
    if not len(element):
        return element.text or ""
    found: dict[str, Any] = {}
    for child in element:
        value = _value(child, depth + 1)
        if child.tag not in found:
            found[child.tag] = value
        elif isinstance(found[child.tag], list):
            found[child.tag].append(value)
        else:
            found[child.tag] = [found[child.tag], value]
    return found

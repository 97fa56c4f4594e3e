"""What is inside a callback: the shell that carries the ciphertext, and the message itself.

Both come over the wire from anybody who finds the address. The XML reader takes no document type,
no entities and nothing from outside; sizes are bounded by whoever read the body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storeops.events.crypto import UnreadableMessage

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

DEEPEST = 16  # levels of elements; WeCom's own messages have five
_ID_MAX = 200  # characters of an id that is kept in a column
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCE = re.compile("&#(?:x([0-9a-fA-F]+)|([0-9]+));")
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)["']""")
_SECONDS = 100_000_000_000  # from here on a time is in milliseconds


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
        """The first of these elements that holds text, of a repeated one the first; else ""."""
        return _first(self.fields, *names)


def encrypted_part(body: bytes) -> str | None:
    """The Encrypt text of a request body, XML or JSON (doc 90968); None when there is none."""
    try:
        shell = _fields(body)
    except UnreadableMessage:
        return None
    found = next((shell[name] for name in ("encrypt", "Encrypt") if name in shell), None)
    return "".join(found.split()) or None if isinstance(found, str) else None


def read_message(opened: bytes) -> Message:
    """The message of decrypted bytes.

    Raises:
        Unreadable: it is neither XML nor a JSON object.
    """
    fields = _fields(opened)
    created = _first(fields, "CreateTime", "TimeStamp")
    moment = int(created) if created.isdecimal() and len(created) < 15 else 0
    return Message(
        # suites say InfoType (doc 92277)
        event=_first(fields, "Event", "InfoType", "MsgType"),
        change_type=_first(fields, "ChangeType"),
        create_time=moment if moment < _SECONDS else moment // 1000,
        fields=fields,
    )


def _first(fields: Mapping[str, Any], *names: str) -> str:
    for name in names:
        value = fields.get(name)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, int) and not isinstance(each, bool):
                return str(each)[:_ID_MAX]
            if isinstance(each, str) and each:
                return each[:_ID_MAX]
    return ""


def _fields(content: bytes) -> dict[str, Any]:
    """The elements of an XML or JSON document, however it was written.

    Raises:
        Unreadable: it is neither.
    """
    text = _decoded(content)
    fields: Any
    if text.startswith("{"):
        try:
            fields = _well_formed(json.loads(text), 0)
        except (ValueError, RecursionError):
            raise UnreadableMessage("format") from None
    else:
        fields = _value(_root(text), 0)
    if not isinstance(fields, dict):
        raise UnreadableMessage("format")
    return fields


def _decoded(content: bytes) -> str:
    """The text of a document: UTF-8 (doc 90968), else as its mark or declaration says."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace").strip()
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        return content.decode().strip()
    except UnicodeDecodeError:
        declared = _DECLARED.match(content)
        try:
            return content.decode(declared[1].decode() if declared else "utf-8", "replace").strip()
        except LookupError:  # no such encoding
            return content.decode("utf-8", "replace").strip()


def _root(text: str) -> Element:
    from defusedxml import DefusedXmlException  # 4 ms, only when an event comes
    from defusedxml.ElementTree import ParseError, fromstring

    # names come from strangers: the second try is without what XML cannot hold
    for each in (text, _REFERENCE.sub(_sound_reference, _NO_XML.sub("", text))):
        try:
            root: Element = fromstring(each, forbid_dtd=True)
        except (ParseError, DefusedXmlException, ValueError, LookupError):
            continue
        return root
    raise UnreadableMessage("format")


def _sound_reference(found: re.Match[str]) -> str:
    number = int(found[1], 16) if found[1] else int(found[2][:9])
    sound = number < 0x110000 and not _NO_XML.match(chr(number))
    return found[0] if sound else ""


def _value(element: Element, depth: int) -> Any:
    """Text, or a mapping of children, where repeated names become a list."""
    if depth > DEEPEST:
        raise UnreadableMessage("format")
    if not len(element):
        return (element.text or "").strip()  # who prints over several lines pads the values
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


def _well_formed(value: Any, depth: int) -> Any:
    """A JSON value with sound texts: half a surrogate cannot be stored."""
    if depth > DEEPEST:
        raise UnreadableMessage("format")
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()
    if isinstance(value, list):
        return [_well_formed(each, depth + 1) for each in value]
    if isinstance(value, dict):
        return {
            _well_formed(name, depth): _well_formed(each, depth + 1) for name, each in value.items()
        }
    return value

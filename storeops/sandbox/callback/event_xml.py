"""Rows of the control log as the XML that WeCom sends (doc 92130, 90970)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

# what XML 1.0 cannot hold; names come from people
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
MESSAGE = "message"  # a member writes to the app: no event, and not from `sys` (doc 90239)
_ENVELOPE = ("seq", "create_time", "event", "change_type")
_ELEMENTS = {
    "userid": "UserID",
    "external_userid": "ExternalUserID",
    "state": "State",
    "welcome_code": "WelcomeCode",
    "chat_id": "ChatId",
    "update_detail": "UpdateDetail",
    "join_scene": "JoinScene",
    "quit_scene": "QuitScene",
    "id": "Id",
    "tag_type": "TagType",
    "department": "Department",
    "parentid": "ParentId",
    "name": "Name",
    "position": "Position",
    "order": "Order",
}


def event_xml(row: dict[str, Any], corp_id: str) -> bytes:
    """One event; the same row always gives the same bytes, so that a retry is recognisable."""
    if row["event"] == MESSAGE:
        return _message_xml(row, corp_id)
    inside = "".join(
        [
            _element("ToUserName", corp_id),
            _element("FromUserName", "sys"),
            _element("CreateTime", row["create_time"]),
            _element("MsgType", "event"),
            _element("Event", row["event"]),
            _element("ChangeType", row["change_type"]),
            *_fields(row),
        ]
    )
    return f"<xml>{inside}</xml>".encode()


def _message_xml(row: dict[str, Any], corp_id: str) -> bytes:
    inside = "".join(
        [
            _element("ToUserName", corp_id),
            _element("FromUserName", row["userid"]),
            _element("CreateTime", row["create_time"]),
            _element("MsgType", row["change_type"]),
            *(_element(name, value) for name, value in row.items() if name[:1].isupper()),
        ]
    )
    return f"<xml>{inside}</xml>".encode()


def _fields(row: dict[str, Any]) -> Iterator[str]:
    for name, value in row.items():
        if name in _ENVELOPE:
            continue
        if name == "members":
            items = "".join(_element("Item", each) for each in value)
            yield _element("MemChangeCnt", len(value))
            yield f"<MemChangeList>{items}</MemChangeList>"
        elif name in _ELEMENTS or name[:1].isupper():
            yield _element(_ELEMENTS.get(name, name), value)


def _element(name: str, value: Any) -> str:
    if isinstance(value, list | tuple):
        value = ",".join(str(each) for each in value)
    if isinstance(value, int):
        return f"<{name}>{value}</{name}>"
    text = _UNFIT.sub("", str(value)).replace("]]>", "]]]]><![CDATA[>")
    return f"<{name}><![CDATA[{text}]]></{name}>"

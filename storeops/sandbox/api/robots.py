"""Robots of groups (doc 99110): no token, a key in the query, twenty messages a minute."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

from storeops.sandbox.body import Body
from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.mail import Arrived, Robot
from storeops.sandbox.multipart import part
from storeops.sandbox.refusals import Refusal, parameter

TEXT_BYTES, MARKDOWN_BYTES, IMAGE_BYTES = 2048, 4096, 2_000_000
FILE_BYTES = 20_000_000


def _robot(call: Call) -> Robot:
    """The robot of the key: 93000 unknown, 93004 stopped, 93008 no longer in the group."""
    robot = call.world.mail.robots.get(call.query.get("key", ""))
    if robot is None:
        raise Refusal(93000)
    if robot.stopped:
        raise Refusal(93004)
    if robot.removed:
        raise Refusal(93008)
    return robot


@endpoint("webhook/send", Need.NOTHING)
def webhook_send(call: Call) -> Answer:
    """doc 99110: one message to the group."""
    robot = _robot(call)
    if call.world.mail.crowded(robot.key, call.now, call.settings.robot_minute_limit):
        raise Refusal(45009)
    kind = call.body.text("msgtype")
    reader = _KINDS.get(kind)
    if reader is None:
        raise Refusal(40008)
    body = reader(call, call.body.object(kind), robot)
    call.world.mail.inbox.append(Arrived(call.now, robot.name, kind, body))
    return Answer()


def _long(name: str, text: str, most: int) -> str:
    """Text that is too long is refused and not cut, unlike that of app messages."""
    if not text:
        raise Refusal(44004)
    size = len(text.encode())
    if size > most:
        raise Refusal(40058, f"{name} exceed max length {most}. invalid Request Parameter")
    return text


def _text(call: Call, body: Body, robot: Robot) -> str:
    return _long("text.content", body.text("content"), TEXT_BYTES)


def _markdown(call: Call, body: Body, robot: Robot) -> str:
    return _long("markdown.content", body.text("content"), MARKDOWN_BYTES)


def _image(call: Call, body: Body, robot: Robot) -> str:
    try:
        raw = base64.b64decode(body.text("base64"), validate=True)
    except (binascii.Error, ValueError):
        raise parameter("image.base64", "is not base64") from None
    if not raw or len(raw) > IMAGE_BYTES:
        raise Refusal(40009)
    if hashlib.md5(raw, usedforsecurity=False).hexdigest() != body.text("md5").lower():
        raise parameter("image.md5", "does not fit image.base64")
    if not raw.startswith((b"\x89PNG", b"\xff\xd8")):
        raise Refusal(40009)
    return f"image, {len(raw)} B"


def _file(call: Call, body: Body, robot: Robot) -> str:
    found = call.world.mail.medium(body.text("media_id"), "file", robot.key, call.now)
    if found is None:
        raise Refusal(40007)
    return found.filename


def _news(call: Call, body: Body, robot: Robot) -> str:
    return articles(body, url_wanted=True)


def articles(body: Body, *, url_wanted: bool) -> str:
    """The titles of a news card: 1 to 8 articles, 45008 for more."""
    rows: Any = body.fields.get("articles")
    if not isinstance(rows, list) or not rows:
        raise Refusal(44004)
    if len(rows) > 8:
        raise Refusal(45008)
    titles = []
    for row in rows:
        title = row.get("title") if isinstance(row, dict) else None
        if not title or (url_wanted and not row.get("url")):
            raise parameter("news.articles", "need title and url")
        titles.append(str(title))
    return "\n".join(titles)


_KINDS = {
    "text": _text,
    "markdown": _markdown,
    "markdown_v2": _markdown,
    "image": _image,
    "file": _file,
    "news": _news,
}


@endpoint("webhook/upload_media", Need.NOTHING, body=False, most_bytes=21_000_000)
def webhook_upload_media(call: Call) -> Answer:
    """doc 99110: a file for this robot's messages; an empty one is refused before the key."""
    found = part(call.raw, call.content_type, "media")
    if found is None or not found.data:
        raise Refusal(44001)
    robot = _robot(call)
    kind = call.query.get("type", "")
    if kind not in ("file", "voice"):
        raise Refusal(40004)
    if not 5 <= len(found.data) <= FILE_BYTES:
        raise Refusal(40006)
    kept = call.world.mail.keep(kind, found.filename, found.data, robot.key, call.now)
    return Answer.of(type=kind, media_id=kept.media_id, created_at=str(kept.created_at))

"""Greeting a new customer with a WelcomeCode (doc 92137)."""

from __future__ import annotations

from storeops.sandbox.body import Body
from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.mail import Arrived
from storeops.sandbox.refusals import Refusal, parameter

TEXT_BYTES = 4000
ATTACHMENTS = 9
# object → (its elements that must be there, the longest that each may be in bytes)
_KINDS: dict[str, tuple[tuple[str, ...], dict[str, int]]] = {
    "image": ((), {}),
    "link": (("title", "url"), {"title": 128, "url": 2048, "picurl": 2048, "desc": 512}),
    "miniprogram": (("title", "pic_media_id", "appid", "page"), {"title": 64}),
    "video": (("media_id",), {}),
    "file": (("media_id",), {}),
}


@endpoint("externalcontact/send_welcome_msg", Need.CUSTOMERS)
def send_welcome_msg(call: Call) -> Answer:
    """doc 92137: the text and each attachment become a message of their own."""
    body = call.body
    code = body.text("welcome_code")
    if not code:
        raise Refusal(41049)
    found = call.corp.welcomes.find(code, call.now)
    if found is None:
        raise Refusal(41050)
    if found.used_at:
        busy = call.now < found.used_at + call.settings.welcome_delivery_s
        raise Refusal(41096 if busy else 41051)
    text = body.object("text").text("content")
    if len(text.encode()) > TEXT_BYTES:
        raise parameter("text.content", f"exceed max length {TEXT_BYTES}")
    if body.given("attachments") and not body.objects("attachments"):
        raise Refusal(41088)
    attachments = body.objects("attachments")
    if len(attachments) > ATTACHMENTS:
        raise Refusal(41064)
    messages = [("text", text)] if text else []
    messages += [_attachment(call, each) for each in attachments]
    if not messages:
        raise Refusal(40063)
    found.used_at = call.now
    call.world.mail.inbox.extend(
        Arrived(call.now, found.external_userid, kind, content) for kind, content in messages
    )
    return Answer()


def _attachment(call: Call, body: Body) -> tuple[str, str]:
    """(kind, what the customer sees) of one attachment."""
    kind = body.text("msgtype")
    if kind not in _KINDS:
        raise Refusal(41065)
    inner = body.object(kind)
    wanted, most = _KINDS[kind]
    for name in wanted:
        if not inner.text(name):
            raise parameter(f"{kind}.{name}", "is missing")
    for name, size in most.items():
        if len(inner.text(name).encode()) > size:
            raise parameter(f"{kind}.{name}", f"exceed max length {size}")
    if kind == "link":
        return kind, f"{inner.text('title')}\n{inner.text('url')}"
    if kind == "miniprogram":
        _medium(call, inner.text("pic_media_id"), "image")
        return kind, f"{inner.text('title')}\n{inner.text('appid')} {inner.text('page')}"
    if inner.text("media_id"):  # it wins over an address (doc 92135)
        return kind, _medium(call, inner.text("media_id"), kind)
    if not inner.text("pic_url"):
        raise parameter(f"{kind}.media_id", "is missing")
    return kind, inner.text("pic_url")


def _medium(call: Call, media_id: str, kind: str) -> str:
    found = call.world.mail.medium(media_id, kind, "", call.now)
    if found is None:
        raise Refusal(40007)
    return found.filename

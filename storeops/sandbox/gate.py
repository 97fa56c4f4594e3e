"""The way of an API call: path, token, address, permission, throttle, then the rule."""

from __future__ import annotations

import dataclasses

from storeops.sandbox.body import Body
from storeops.sandbox.endpoints import TABLE, Answer, Call, Endpoint, Need
from storeops.sandbox.jsontext import dumps
from storeops.sandbox.organisation import App
from storeops.sandbox.refusals import BARE, WARNING, Refusal
from storeops.sandbox.world import World

LINK = "https://open.work.weixin.qq.com/devtool/query?e="


@dataclasses.dataclass(slots=True)
class Reply:
    """What goes back over the wire with HTTP 200."""

    errcode: int
    errmsg: str
    body: bytes
    filename: str | None = None  # of a file; None for JSON


def admit(world: World, spot: Endpoint, query: dict[str, str], ip: str, now: int) -> App | None:
    """Token, address, permission and frequency, in that order; raises Refusal."""
    app: App | None = None
    if spot.need is not Need.NOTHING:
        agent_id = world.tokens.check(query.get("access_token", ""), now)
        app = world.corp.apps.get(agent_id)
        if app is None:
            raise Refusal(40014)
        if app.disabled:
            raise Refusal(50003)
        if world.settings.trusted_ips and ip not in world.settings.trusted_ips:
            raise Refusal(60020)
        _permit(app, spot.need, world.settings.contact_sync_new_ip)
    world.throttle.frequency(spot.path, ip, now, world.settings, query.get("debug") == "1")
    return app


def _permit(app: App, need: Need, new_ip: bool) -> None:
    if need is Need.CONTACT_SYNC and not app.contact_sync:
        raise Refusal(48002)
    if need is Need.CUSTOMERS and not app.customers:
        raise Refusal(48002)
    if need is Need.CONTACTS and app.contact_sync and new_ip:
        raise Refusal(48009)


def carry_out(
    world: World,
    spot: Endpoint,
    app: App | None,
    query: dict[str, str],
    body: Body,
    ip: str,
    now: int,
    short: bool = False,
    raw: bytes = b"",
    content_type: str = "",
) -> Answer:
    """Run the rule; raises Refusal. A guessed body shows in the errmsg."""
    world.catch_up()
    call = Call(world, spot.path, query, body, ip, now, app, short, raw, content_type)
    return spot.handler(call)


def success(answer: Answer, spot: Endpoint, warned: bool) -> Reply:
    """Encode a success: errcode and errmsg first, except in the two IP calls."""
    if answer.file is not None:
        return Reply(0, "", answer.file, answer.filename)
    errmsg = f"{answer.errmsg}. {WARNING}" if warned else answer.errmsg
    code = b'"errcode":0,"errmsg":"%b"' % errmsg.encode()
    parts = [
        b'"%b":%b' % (k.encode(), b"[" + b",".join(v) + b"]" if isinstance(v, list) else v)
        for k, v in answer.fields.items()
    ]
    parts.insert(len(parts) if spot.lists_first else 0, code)
    return Reply(0, errmsg, b"{" + b",".join(parts) + b"}")


def failure(
    world: World, refusal: Refusal, spot: Endpoint, ip: str, now: int, warned: bool
) -> Reply:
    """Encode a failure: text, hint, address and link, and the endpoint's empty lists."""
    errmsg = (WARNING if warned else "") + refusal.text
    ip_calls = spot.lists_first  # these two were seen with the long form of 40014
    if refusal.errcode not in BARE or ip_calls:
        errmsg += (
            f", hint: [{world.hint(now)}], from ip: {ip}, more info at {LINK}{refusal.errcode}"
        )
    code = b'"errcode":%d,"errmsg":%b' % (refusal.errcode, dumps(errmsg))
    parts = [b'"%b":[]' % name.encode() for name in spot.lists]
    parts.insert(len(parts) if spot.lists_first else 0, code)
    return Reply(refusal.errcode, errmsg, b"{" + b",".join(parts) + b"}")


def find(path: str) -> Endpoint | None:
    """The endpoint of a path, or nothing: then the answer is an empty 404."""
    return TABLE.get(path)

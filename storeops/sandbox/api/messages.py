"""App messages, their recall, temporary media (doc 90236, 94867, 90253)."""

from __future__ import annotations

from collections.abc import Iterable

from storeops.sandbox.api.robots import articles
from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.ids import digest
from storeops.sandbox.mail import DUPLICATES_S, MEDIA_LIFE_S, Arrived
from storeops.sandbox.multipart import part
from storeops.sandbox.organisation import NOT_ACTIVATED, Member
from storeops.sandbox.refusals import Refusal

RECALL_S = 86_400
_WHOLE_BYTES = 20_000_000  # larger files want a Range, which this sandbox does not offer
_MEDIA_BYTES = {"image": 10_000_000, "voice": 2_000_000, "video": 10_000_000, "file": 20_000_000}


@endpoint("message/send", Need.TOKEN)
def message_send(call: Call) -> Answer:
    """doc 90236: to members, departments or everybody in sight; the bad ones are listed."""
    body, mail = call.body, call.world.mail
    if not body.number("agentid"):
        raise Refusal(40056)
    if body.number("agentid") != call.agent_id:
        raise Refusal(301002)
    wanted = (body.text("touser"), body.text("toparty"), body.text("totag"))
    if not any(wanted):
        raise Refusal(82001)
    people, bad_users, bad_parties = _receivers(call, wanted[0], wanted[1])
    bad_tags = [each for each in wanted[2].split("|") if each]  # the sandbox has none of those
    idle = [each for each in people if each.status == NOT_ACTIVATED]
    if not people:
        raise Refusal(81013)
    kind, text = content_of(call)
    number = len(mail.inbox)
    msgid = digest(call.corp.seed, "msgid", number, call.now, size=16).hex()
    window = min(body.number("duplicate_check_interval") or 1800, DUPLICATES_S)
    twice = body.number("enable_duplicate_check") == 1 and mail.repeated(
        call.agent_id, call.raw, call.now, window
    )
    for member in people:
        if twice or member in idle:
            continue
        limit = call.settings.message_minute_limit  # beyond it they are dropped silently
        if not mail.crowded((call.agent_id, member.userid), call.now, limit):
            mail.inbox.append(Arrived(call.now, member.userid, kind, text, msgid))
    answer = {"msgid": msgid}
    for name, names in (
        ("invaliduser", bad_users), ("invalidparty", bad_parties), ("invalidtag", bad_tags),
        ("unlicenseduser", [each.userid for each in idle]),
    ):  # fmt: skip
        if names:
            answer[name] = "|".join(names).lower()
    return Answer.of(**answer)


def _receivers(call: Call, users: str, parties: str) -> tuple[list[Member], list[str], list[str]]:
    """(members in sight, ids that are none, departments that are none)."""
    organisation = call.corp.organisation
    seen = [m for m in organisation.members if m.number in call.scope.members and not m.left_at]
    if users == "@all":
        return seen, [], []
    visible = {m.userid.lower(): m for m in seen}
    found: dict[str, Member] = {}
    bad_users = []
    for userid in _ids(users):
        member = visible.get(userid.lower())
        if member is None:
            bad_users.append(userid)
        else:
            found[member.userid] = member
    bad_parties = []
    for party in _ids(parties):
        number = int(party) if party.isdecimal() else -1
        if number not in call.scope.departments:
            bad_parties.append(party)
            continue
        below = organisation.subtree(number)
        found |= {m.userid: m for m in seen if set(below) & set(m.department)}
    return list(found.values()), bad_users, bad_parties


def _ids(text: str) -> Iterable[str]:
    return [each for each in text.split("|") if each]


def content_of(call: Call) -> tuple[str, str]:
    """(kind, what people see) of an app's message; text that is too long is cut.

    Raises:
        Refusal: 44004 empty, 40007 no such medium, 40008 no such kind, 45034 no address.
    """
    kind = call.body.text("msgtype")
    inner = call.body.object(kind)
    if kind in ("text", "markdown"):
        text = inner.text("content")
        if not text:
            raise Refusal(44004)
        return kind, text.encode()[:2048].decode("utf-8", "ignore")
    if kind in ("image", "voice", "file", "video"):
        found = call.world.mail.medium(inner.text("media_id"), kind, "", call.now)
        if found is None:
            raise Refusal(40007)
        return kind, found.filename
    if kind == "news":
        return kind, articles(inner, url_wanted=False)
    if kind == "textcard":
        if not inner.text("url"):
            raise Refusal(45034)
        return kind, f"{inner.text('title')}\n{inner.text('description')}"
    raise Refusal(40008)


@endpoint("message/recall", Need.TOKEN)
def message_recall(call: Call) -> Answer:
    """doc 94867: within 24 hours."""
    msgid = call.body.text("msgid")
    rows = [each for each in call.world.mail.inbox if msgid and each.msgid == msgid]
    if not rows or call.now - rows[0].at > RECALL_S:
        raise Refusal(40058)
    for each in rows:
        each.recalled = True
    return Answer()


@endpoint("media/upload", Need.TOKEN, body=False, most_bytes=21_000_000)
def media_upload(call: Call) -> Answer:
    """doc 90253: three days, for all apps of the corp; created_at comes as text."""
    kind = call.query.get("type", "")
    if kind not in _MEDIA_BYTES:
        raise Refusal(40004)
    found = part(call.raw, call.content_type, "media")
    if found is None or not found.data:
        raise Refusal(44001)
    if not 5 < len(found.data) <= _MEDIA_BYTES[kind]:
        raise Refusal(40006 if kind != "image" else 40009)
    kept = call.world.mail.keep(kind, found.filename, found.data, "", call.now)
    return Answer.of(type=kind, media_id=kept.media_id, created_at=str(kept.created_at))


@endpoint("media/get", Need.TOKEN, body=False)
def media_get(call: Call) -> Answer:
    """doc 90254: the bytes themselves, for three days; those of robots belong to the robots."""
    found = call.world.mail.media.get(call.query.get("media_id", ""))
    if found is None or found.owner or call.now >= found.created_at + MEDIA_LIFE_S:
        raise Refusal(40007)
    if found.size > _WHOLE_BYTES:
        raise Refusal(830002)
    return Answer(file=found.data, filename=found.filename)

"""Groups of members that an app makes and writes to (doc 90245 to 90248)."""

from __future__ import annotations

from storeops.sandbox.api.messages import content_of
from storeops.sandbox.endpoints import Answer, Call, Need, endpoint
from storeops.sandbox.ids import digest
from storeops.sandbox.mail import AppChat, Arrived
from storeops.sandbox.refusals import Refusal

ROOT = 1
LEAST, MOST = 2, 2000  # members
NAME = 50  # characters, then it is cut
KINDS = ("text", "markdown", "image", "voice", "file", "video", "news", "textcard")


def _chat(call: Call, chatid: str) -> AppChat:
    """The chat of this app: 86003 unknown, 86008 another app's."""
    if ROOT not in call.scope.departments:
        raise Refusal(48002)
    if not chatid:
        raise Refusal(86001)
    found = call.world.mail.chats.get(chatid)
    if found is None:
        raise Refusal(86003)
    if found.agent_id != call.agent_id:
        raise Refusal(86008)
    return found


def _members(call: Call, userids: list[str]) -> list[str]:
    """Their userids as WeCom writes them; who is not in sight is left out."""
    seen = {
        each.userid.lower(): each.userid
        for each in call.corp.organisation.members
        if each.number in call.scope.members and not each.left_at
    }
    return list(dict.fromkeys(seen[each.lower()] for each in userids if each.lower() in seen))


@endpoint("appchat/create", Need.TOKEN)
def create(call: Call) -> Answer:
    """doc 90245: an app in sight of the root department; 2 to 2,000 members."""
    if ROOT not in call.scope.departments:
        raise Refusal(48002)
    body, mail = call.body, call.world.mail
    members = _members(call, body.texts("userlist"))
    if not LEAST <= len(members) <= MOST:
        raise Refusal(86006)
    owner = body.text("owner") or members[0]
    if owner not in members:
        raise Refusal(86005)
    chatid = body.text("chatid") or digest(call.corp.seed, "appchat", len(mail.chats)).hex()
    if len(chatid) > 32 or not chatid.isascii() or not chatid.isalnum():
        raise Refusal(86001)
    if chatid in mail.chats:
        raise Refusal(86215)
    mail.chats[chatid] = AppChat(chatid, call.agent_id, body.text("name")[:NAME], owner, members)
    return Answer.of(chatid=chatid)


@endpoint("appchat/update", Need.TOKEN)
def update(call: Call) -> Answer:
    """doc 98913: name, owner, members in and out."""
    body = call.body
    chat = _chat(call, body.text("chatid"))
    out = {each.lower() for each in body.texts("del_user_list")}
    members = [each for each in chat.members if each.lower() not in out]
    members = list(dict.fromkeys([*members, *_members(call, body.texts("add_user_list"))]))
    if not LEAST <= len(members) <= MOST:
        raise Refusal(86006)
    owner = body.text("owner") or chat.owner
    if owner not in members:
        raise Refusal(86005)
    chat.members, chat.owner = members, owner
    chat.name = body.text("name")[:NAME] or chat.name
    return Answer()


@endpoint("appchat/get", Need.TOKEN, body=False)
def get(call: Call) -> Answer:
    """doc 98914."""
    chat = _chat(call, call.query.get("chatid", ""))
    return Answer.of(chat_info={
        "chatid": chat.chatid, "name": chat.name, "owner": chat.owner, "userlist": chat.members,
    })  # fmt: skip


@endpoint("appchat/send", Need.TOKEN)
def send(call: Call) -> Answer:
    """doc 90248: as an app message, to everybody in the chat at once."""
    chat = _chat(call, call.body.text("chatid"))
    if call.body.text("msgtype") not in KINDS:
        raise Refusal(40008)
    kind, text = content_of(call)
    call.world.mail.inbox.append(Arrived(call.now, chat.name or chat.chatid, kind, text))
    return Answer()

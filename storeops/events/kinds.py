"""Which events mean something to the mirror, and what of WeCom is read again for them.

Events are hints: they may be lost, repeated, reordered, and say little. So an event names a
subject, and the subject is read anew; any number of events about one subject is one reading.
"""

from __future__ import annotations

from typing import NamedTuple

from storeops.domain import guarded, load, registry
from storeops.events.message import Message

CUSTOMER, CHAT, MEMBER = "customer", "chat", "member"
TAGS, DEPARTMENTS = "tags", "departments"
_SEPARATOR = ":"

ADDED = ("add_external_contact", "add_half_external_contact")
EDITED, DELETED = "edit_external_contact", "del_external_contact"
DELETED_BY_CUSTOMER = "del_follow_user"

_KINDS: dict[tuple[str, str], str] = {
    **{
        ("change_external_contact", change): CUSTOMER
        for change in (*ADDED, EDITED, DELETED, DELETED_BY_CUSTOMER)
    },
    **{("change_external_chat", change): CHAT for change in ("create", "update", "dismiss")},
    **{
        ("change_external_tag", change): TAGS
        for change in ("create", "update", "delete", "shuffle")
    },
    **{
        ("change_contact", change): MEMBER
        for change in ("create_user", "update_user", "delete_user")
    },
    **{
        ("change_contact", change): DEPARTMENTS
        for change in ("create_party", "update_party", "delete_party")
    },
}


class EventSubject(NamedTuple):
    """What is read again: its kind, and which one; `id` is "" for what is read as a whole."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}{_SEPARATOR}{self.id}" if self.id else self.kind

    @classmethod
    def parse(cls, text: str) -> EventSubject:
        """The subject that `str` wrote."""
        kind, _separator, which = text.partition(_SEPARATOR)
        return cls(kind, which)


class Named(NamedTuple):
    """What an event is about.

    Attributes:
        subject: what is read again; None when the event is only kept.
        userid: the member it names, "" when none.
        external_userid: the customer it names, "" when none.
        reason: why it is only kept: unknown | incomplete | elsewhere.
    """

    subject: EventSubject | None
    userid: str
    external_userid: str
    reason: str = ""


def named(message: Message) -> Named:
    """What a message is about."""
    userid = message.text("UserID", "UserId")
    if not userid and message.text("MsgType") != "event":  # a member writes to the app (doc 90239)
        userid = message.text("FromUserName")
    external_userid = message.text("ExternalUserID", "ExternalUserId")
    kind = _KINDS.get((message.event, message.change_type))
    if kind is None:
        return _of_domain(message, userid, external_userid)
    if kind == TAGS and message.text("StrategyId") not in ("", "0"):
        # tags of rule groups are no corp tags; the mirror knows their ids only
        return Named(None, userid, external_userid, "elsewhere")
    which = {
        CUSTOMER: external_userid,
        CHAT: message.text("ChatId"),
        # a changed id is read under the new one; `userid` says the old
        MEMBER: message.text("NewUserID", "NewUserId") or userid,
    }.get(kind)
    if which == "" or (kind == CUSTOMER and not userid):
        return Named(None, userid, external_userid, "incomplete")
    return Named(EventSubject(kind, which or ""), userid, external_userid)


def _of_domain(message: Message, userid: str, external_userid: str) -> Named:
    """An event that a domain brings: its kind is the domain's own word for it."""
    kind = f"{message.event}/{message.change_type}" if message.change_type else message.event
    found = registry().named("events").get(kind)
    if found is None:
        return Named(None, userid, external_userid, "unknown")
    domain, where = found
    which: str | None = None
    with guarded(domain):
        which = load(where).subject(message)
    if which is None:
        return Named(None, userid, external_userid, "incomplete")
    return Named(EventSubject(kind, which), userid, external_userid)

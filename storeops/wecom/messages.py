"""Messages to people and groups: app messages, group robots, media (doc 90236, 99110, 90253).

A robot needs no token: its key in the query is the right to write to its group, so it is a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storeops.wecom.envelope import Response
from storeops.wecom.fields import Id

if TYPE_CHECKING:
    from storeops.wecom.client import WeComClient

SEND, RECALL, UPLOAD = "message/send", "message/recall", "media/upload"
MEDIA = "media/get"
CHAT_SEND, CHAT_GET = "appchat/send", "appchat/get"
WEBHOOK_SEND, WEBHOOK_UPLOAD = "webhook/send", "webhook/upload_media"
TEXT_BYTES = 2048  # of a text, and of an app's markdown: app messages are cut, robots refuse
ROBOT_MARKDOWN_BYTES = 4096
IMAGE_BYTES, FILE_BYTES = 2_000_000, 20_000_000
_PICTURES = (b"\x89PNG", b"\xff\xd8")


def is_picture(begin: bytes) -> bool:
    """Whether a file with these first bytes is one that WeCom takes as an image: PNG or JPEG."""
    return begin.startswith(_PICTURES)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMessage(Response):
    """message/send: who did not get it is named in texts with `|` between, userids in lower case.

    Attributes:
        msgid: for a recall.
        invaliduser, invalidparty, invalidtag: unknown, or outside the app's scope.
        unlicenseduser: without a licence.
    """

    msgid: str = ""
    invaliduser: str = ""
    invalidparty: str = ""
    invalidtag: str = ""
    unlicenseduser: str = ""

    def missed(self) -> dict[str, list[str]]:
        """Receivers that were left out, by WeCom's word for why."""
        found = {
            name: [each for each in getattr(self, name).split("|") if each]
            for name in ("invaliduser", "invalidparty", "invalidtag", "unlicenseduser")
        }
        return {name: ids for name, ids in found.items() if ids}


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded(Response):
    """A file that was uploaded; good for three days."""

    media_id: Id


def send(
    client: WeComClient,
    agent_id: int,
    receivers: Mapping[str, str],
    msgtype: str,
    content: Mapping[str, Any],
    *,
    once_s: int = 0,
) -> SentMessage:
    """POST message/send (doc 90236).

    Args:
        client: the client.
        agent_id: the app that the token is of.
        receivers: touser, toparty, totag: ids with `|` between; `@all` for everybody in its scope.
        msgtype: text, markdown, image, file, news …
        content: the object of that kind.
        once_s: WeCom does not deliver the same request again within so many seconds (at most
            14,400); 0 for no such check.

    Raises:
        UncertainError: it was sent, and no answer came.
        WeComError: 81013 nobody of the receivers is in sight; 301002 another app's id.
    """
    body = {
        **receivers,
        "msgtype": msgtype,
        "agentid": agent_id,
        msgtype: dict(content),
        "enable_duplicate_check": 1 if once_s else None,
        "duplicate_check_interval": once_s or None,
    }
    return client.post(SEND, SentMessage, body)


def recall(client: WeComClient, msgid: str) -> None:
    """POST message/recall (doc 94867): within 24 hours, by the app that sent it.

    Raises:
        WeComError: 40058 unknown, or too old.
    """
    client.post(RECALL, Response, {"msgid": msgid})


def upload(client: WeComClient, kind: str, filename: str, data: bytes) -> str:
    """POST media/upload (doc 90253): a media_id for app messages, good for three days.

    Args:
        client: the client.
        kind: image | voice | video | file.
        filename: as people will see it.
        data: more than 5 bytes.

    Raises:
        WeComError: 40004 kind, 40006 and 40009 size, 44001 empty.
    """
    return client.upload(UPLOAD, Uploaded, filename, data, params={"type": kind}).media_id


def download(client: WeComClient, media_id: str) -> bytes:
    """GET media/get (doc 90254): a file that was uploaded, or that a member sent to the app.

    Raises:
        WeComError: 40007 unknown, or older than three days; 830002 larger than 20 MB.
    """
    return client.download(MEDIA, {"media_id": media_id})


@dataclass(frozen=True, slots=True)
class AppChatInfo:
    """A group that an app has made: its id, its name, its members' userids."""

    chatid: Id
    name: str
    userlist: list[Id]


@dataclass(frozen=True, slots=True, kw_only=True)
class AppChatAnswer(Response):
    """appchat/get."""

    chat_info: AppChatInfo


def chat(client: WeComClient, chatid: str) -> AppChatInfo:
    """GET appchat/get (doc 98914): a group that this app has made.

    Raises:
        WeComError: 86003 unknown; 86008 another app's; 48002 the app does not see the whole corp.
    """
    return client.get(CHAT_GET, AppChatAnswer, {"chatid": chatid}).chat_info


def chat_send(client: WeComClient, chatid: str, msgtype: str, content: Mapping[str, Any]) -> None:
    """POST appchat/send (doc 90248): one message to everybody in the group.

    Arguments and errors as `send`; WeCom has no check for what is sent twice here.
    """
    body = {"chatid": chatid, "msgtype": msgtype, msgtype: dict(content)}
    client.post(CHAT_SEND, Response, body)


def robot_send(
    client: WeComClient, key: str, counted: str, msgtype: str, content: Mapping[str, Any]
) -> None:
    """POST webhook/send (doc 99110): one message to the robot's group, twenty a minute.

    Args:
        client: the client; its token is not used.
        key: the robot's key, a secret.
        counted: name that its own limit is kept under, letters and digits.
        msgtype: text, markdown, image, file, news.
        content: the object of that kind.

    Raises:
        UncertainError: it was sent, and no answer came.
        WeComError: 45009 too many; 93000 wrong key; 93004 stopped; 93008 not in the group;
            40058 too long.
    """
    body = {"msgtype": msgtype, msgtype: dict(content)}
    client.keyed(WEBHOOK_SEND, Response, key, f"{WEBHOOK_SEND}/{counted}", body)


def robot_upload(client: WeComClient, key: str, counted: str, filename: str, data: bytes) -> str:
    """POST webhook/upload_media (doc 99110): a media_id for files of this robot only.

    Arguments and errors as `robot_send`; 44001 for an empty file.
    """
    return client.upload(
        WEBHOOK_UPLOAD, Uploaded, filename, data, params={"type": "file"}, key=key,
        counted=f"{WEBHOOK_SEND}/{counted}",
    ).media_id  # fmt: skip

"""Greeting new customers (新客户欢迎语): send_welcome_msg (doc 92137)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from storeops.wecom.envelope import Response

if TYPE_CHECKING:
    from storeops.wecom.client import WeComClient

SEND_WELCOME = "externalcontact/send_welcome_msg"
LIFE_S = 20.0  # of a WelcomeCode, from the event on
TEXT_BYTES = 4000
ATTACHMENTS = 9
TITLE_BYTES, ABOUT_BYTES, URL_BYTES, PROGRAM_TITLE_BYTES = 128, 512, 2048, 64


def send_welcome(
    client: WeComClient,
    welcome_code: str,
    text: str,
    attachments: Sequence[Mapping[str, Any]] = (),
) -> None:
    """POST externalcontact/send_welcome_msg (doc 92137); it does not wait for limits.

    Args:
        client: the client.
        welcome_code: from the event, good for `LIFE_S` and one use.
        text: at most `TEXT_BYTES`; "" for attachments only.
        attachments: at most `ATTACHMENTS` objects {msgtype, <msgtype>: {…}}.

    Raises:
        UncertainError: it was sent, and no answer came.
        LimitError: there is no place for the call just now.
        WeComError: the code is over, the chat has begun, another app is greeting …
    """
    body = {
        "welcome_code": welcome_code,
        "text": {"content": text} if text else None,
        "attachments": [dict(each) for each in attachments] or None,
    }
    client.post(SEND_WELCOME, Response, body, urgent=True, wait=False)

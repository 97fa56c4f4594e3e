"""The sandbox's half of the crypto, held against the contract's vectors and against the client."""

from __future__ import annotations

from urllib.parse import parse_qs
from xml.etree import ElementTree

import pytest

from storeops.events.crypto import CallbackKeys
from storeops.events.message import encrypted_part, read_message
from storeops.sandbox.callback.envelope import Envelope, shell
from storeops.sandbox.callback.event_xml import event_xml
from storeops.sandbox.callback.posting import Receiver
from tests.events.sealing import CORP, KEY, TOKEN
from tests.events.test_crypto import ECHO, MESSAGE, SIGNED, SIGNED_ECHO, VECTOR

ENVELOPE = Envelope(TOKEN, KEY)


def test_the_contracts_vectors() -> None:
    sealed = ENVELOPE.seal(MESSAGE.encode(), CORP, b"0123456789abcdef")
    assert sealed == VECTOR
    assert ENVELOPE.signature(1767225600, "804213397", sealed) == SIGNED
    echo = ENVELOPE.seal(b"7300218845512048123", CORP, b"fedcba9876543210")
    assert echo == ECHO
    assert ENVELOPE.signature(1767225600, "804213397", echo) == SIGNED_ECHO


def test_every_length_of_message_goes_through() -> None:
    """Pads of 1 to 32 all occur."""
    keys = CallbackKeys(TOKEN, KEY, CORP)
    for length in range(70):
        message = b"m" * length
        assert keys.decrypt(ENVELOPE.seal(message, CORP)) == message


def test_the_query_is_percent_encoded() -> None:
    query = ENVELOPE.query(1, "2", "a+b/c==", echo=True)
    assert "echostr=a%2Bb%2Fc%3D%3D" in query
    assert parse_qs(query)["echostr"] == ["a+b/c=="]


def test_names_of_strangers_stay_xml() -> None:
    """CDATA ends, controls, lone surrogates, emoji: what comes out is what XML can hold."""
    name = "a]]>b<c>&d\x00\x1b[31m\ud800🧧\u202e"
    row = {"seq": 1, "create_time": 5, "event": "change_contact", "change_type": "update_user",
           "userid": "u1", "name": name, "department": [12, 15]}  # fmt: skip
    text = event_xml(row, CORP)
    assert ElementTree.fromstring(text).findtext("Name") == "a]]>b<c>&d[31m🧧\u202e"
    message = read_message(text)
    assert message.fields["Department"] == "12,15"
    assert (message.event, message.change_type, message.create_time) == (
        "change_contact", "update_user", 5,
    )  # fmt: skip
    assert event_xml(dict(row), CORP) == text


def test_the_shell_holds_what_was_sealed() -> None:
    assert encrypted_part(shell(CORP, 1000002, VECTOR)) == VECTOR


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/x", "http://example.com/x", "http://10.0.0.1/x", "ftp://127.0.0.1/",
     "http://u:p@127.0.0.1/", "http://127.0.0.1/x?y=1", "", "http://"],
)  # fmt: skip
def test_it_calls_this_machine_only(url: str) -> None:
    with pytest.raises(ValueError, match="this machine"):
        Receiver(url)

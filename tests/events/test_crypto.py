"""Signature and encryption: the contract's vectors, and everything that is not quite right."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storeops.events.crypto import CallbackKeys, UnreadableMessage
from tests.events.sealing import CORP, KEY, TOKEN, seal, sign

VECTOR = (
    "bL4hgIhW/2ZxCza0FlHcVjwg8zrI0rPJYFAhhYYvrq+tcXIZaqFc6GMgOElBaeSDnNJxctbHpE1f0zx23sAuT+f6QDuU"
    "Sa+3mhWOwN6Sgk0D/pkWmHhfSFurN5x4dwUrBTIf4gw9O3w8cbyAHDCK70RRpNMgrpeDbFwZ+rD4Zr081ZIzblmnIHvo"
    "sXJsc7PcEWk3wgTgmFSaog9R8X1kMCMMXxjPeEvkJ7dscGbt0UsLYvCKgP/80iGeDU3dRF6N5RQAn0wXmDuqaan8bcDa"
    "Ldm34QkcRYy19iQ5G7k6ENuI9FiwlWBPxOZBw1emicILu6JyeDMQ3QUJQGNBlLDHUi0eU2/FhMcfNgbFETbfs4E8zbb3"
    "V5ZY/co/9mnPalkq3QFzSoWrDbPRzND79guZRrxLL2rQyn3dug8zRex2YzJ/791IYq0feoUm4qEr7c3qte24so6FQP1b"
    "cm7gY0+mD75VfoATp8HoTwDPbtGSr9DCEZRhJ+6cYehTLxk7fsxwh646HxcK1bC95KVtRdn03m0EV7uYeC8s3Lyx19vy"
    "8kNL3kGZGHjVr2fIu1ETaoQaGSs9l0WEt+6p+DUSwe1r8dNzH328b9nuacctXDtVbdcQ5M2FGLBv7pV9RP15+Ic+sHzo"
    "qsS6uozpiFIrDEUhhmIA2wRZUSg1/fH3jGJ6zzJT823+UjkpUTtMkyFTYkcA4oe/R2D+ZHfgImyB8QSoZw=="
)
MESSAGE = (
    "<xml><ToUserName><![CDATA[wwsandbox00000001]]></ToUserName><FromUserName><![CDATA[sys]]>"
    "</FromUserName><CreateTime>1767225600</CreateTime><MsgType><![CDATA[event]]></MsgType>"
    "<Event><![CDATA[change_external_contact]]></Event><ChangeType><![CDATA[add_external_contact]]>"
    "</ChangeType><UserID><![CDATA[clerk_01]]></UserID><ExternalUserID>"
    "<![CDATA[wmSandboxCust0001]]></ExternalUserID><State><![CDATA[store_sz_012]]></State>"
    "<WelcomeCode><![CDATA[WC-demo-0001]]></WelcomeCode></xml>"
)
ECHO = "61yhWl8GKr+7BWoH3RAKpSAlfKLuRCqFo6HeXVBlPo1yPUQx1NFcbtLeSk9kLa+xBHEYsObbukDpFt6Pa3HErQ=="
SIGNED = "d82a07061b15d52f922ab2b7e1379f70a525f821"
SIGNED_ECHO = "52213a9093f7975133afb2eeb2a8019512b9850e"
KEYS = CallbackKeys(TOKEN, KEY, CORP)


def test_the_contracts_vectors() -> None:
    assert KEYS.signed(SIGNED, "1767225600", "804213397", VECTOR)
    assert KEYS.decrypt(VECTOR).decode() == MESSAGE
    assert KEYS.signed(SIGNED_ECHO, "1767225600", "804213397", ECHO)
    assert KEYS.decrypt(ECHO) == b"7300218845512048123"


def test_the_tests_own_sealing_agrees_with_the_vectors() -> None:
    assert seal(MESSAGE.encode(), random16=b"0123456789abcdef") == VECTOR
    assert sign("1767225600", "804213397", VECTOR) == SIGNED


@pytest.mark.parametrize(
    "changed",
    [("0" * 40, "1767225600", "804213397"), (SIGNED, "1767225601", "804213397"),
     (SIGNED, "1767225600", "804213398"), (SIGNED.upper(), "1767225600", "804213397"),
     ("", "1767225600", "804213397"), ("签名\udcff", "1767225600", "804213397")],
)  # fmt: skip
def test_another_signature_time_or_nonce_is_not_signed(changed: tuple[str, str, str]) -> None:
    assert not KEYS.signed(*changed, VECTOR)


@given(st.binary(max_size=300), st.integers(0, 31))
def test_every_message_comes_back(message: bytes, filler: int) -> None:
    """Pads of 1 to 32 all occur: 16-byte unpadding fails for half of them."""
    text = message + b"x" * filler
    assert KEYS.decrypt(seal(text)) == text


def reason(sealed: str, keys: CallbackKeys = KEYS) -> str:
    with pytest.raises(UnreadableMessage) as caught:
        keys.decrypt(sealed)
    return caught.value.reason


def test_what_cannot_be_read_says_why() -> None:
    assert reason("not base64!") == "base64"
    assert reason("") == "cipher"
    assert reason(base64.b64encode(b"x" * 47).decode()) == "cipher"
    assert reason(seal(b"hello", corp="ww0000000000000002")) == "receiver"
    assert reason(seal(b"hello", corp="")) == "receiver"
    assert reason(seal(b"hello", pad=0) + "A" * 4) in ("base64", "cipher")
    assert reason(VECTOR, CallbackKeys(TOKEN, KEY[::-1], CORP)) in ("padding", "length", "receiver")


def test_a_length_beyond_the_end_is_refused() -> None:
    import struct

    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    raw = base64.b64decode(KEY + "=")
    for claimed in (2**32 - 1, 40, 13):
        plain = b"r" * 16 + struct.pack(">I", claimed) + b"short message"[: claimed - 1]
        plain += bytes([32 - len(plain) % 32]) * (32 - len(plain) % 32)
        encryptor = Cipher(algorithms.AES(raw), modes.CBC(raw[:16])).encryptor()
        sealed = encryptor.update(plain) + encryptor.finalize()
        assert reason(base64.b64encode(sealed).decode()) in ("length", "receiver")


@given(st.binary(min_size=1, max_size=200))
def test_any_bytes_end_in_a_reason_and_never_in_a_crash(noise: bytes) -> None:
    size = len(noise) // 16 * 16
    for sealed in (noise.decode("latin-1"), base64.b64encode(noise[:size]).decode()):
        with pytest.raises(UnreadableMessage) as caught:
            KEYS.decrypt(sealed)
        assert caught.value.reason


def test_a_key_made_elsewhere_with_stray_bits_works() -> None:
    """43 characters carry 258 bits; the last two are stray and must not matter."""
    strays = [KEY[:-1] + last for last in "QRST"]
    canonical = {base64.b64decode(each + "=") for each in strays}
    assert len(canonical) == 1
    for each in strays:
        assert CallbackKeys(TOKEN, each, CORP).decrypt(VECTOR).decode() == MESSAGE


def test_keys_never_show_themselves() -> None:
    assert TOKEN not in repr(KEYS)
    assert KEY not in repr(KEYS)


@pytest.mark.parametrize(("token", "key"), [("", KEY), ("a b", KEY), (TOKEN, KEY[:-1]),
                                            (TOKEN, KEY + "a"), (TOKEN, "-" * 43)])  # fmt: skip
def test_what_cannot_be_a_token_or_key_is_refused(token: str, key: str) -> None:
    with pytest.raises(ValueError, match="callback token"):
        CallbackKeys(token, key, CORP)

"""Signature and encryption of callbacks (doc 90968): what proves WeCom, and what it wrapped.

Only the receiving half is here; nothing storeops answers is encrypted.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from dataclasses import dataclass, field
from hashlib import sha1

_TOKEN = re.compile(r"[A-Za-z0-9]{1,32}\Z")
_KEY = re.compile(r"[A-Za-z0-9]{43}\Z")
BLOCK = 16  # bytes of an AES block
LONGEST_PAD = 32  # WeCom pads to multiples of 32 bytes, not of 16


class UnreadableMessage(Exception):
    """Signed by WeCom, but not to be read with our key.

    Attributes:
        reason: base64 | cipher | padding | length | receiver | format.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def valid_token(token: str) -> bool:
    """Whether it can be a callback token: 1 to 32 letters and digits (doc 90930)."""
    return _TOKEN.match(token) is not None


def valid_key(text: str) -> bool:
    """Whether it can be an EncodingAESKey: 43 letters and digits (doc 90930)."""
    return _KEY.match(text) is not None


@dataclass(frozen=True, slots=True)
class CallbackKeys:
    """What a receiver needs to know; never shown.

    Attributes:
        token: the callback token.
        encoding_aes_key: 43 letters and digits.
        receiver: the corpid that messages must be addressed to.
    """

    token: str = field(repr=False)
    encoding_aes_key: str = field(repr=False)
    receiver: str

    def __post_init__(self) -> None:
        if not valid_token(self.token) or not valid_key(self.encoding_aes_key):
            raise ValueError("not a callback token and an EncodingAESKey")

    def signed(self, signature: str, timestamp: str, nonce: str, encrypted: str) -> bool:
        """Whether `signature` is the one of these values; takes the same time either way."""
        parts = sorted([self.token, timestamp, nonce, encrypted])
        wanted = sha1("".join(parts).encode("utf-8", "surrogatepass"), usedforsecurity=False)
        return hmac.compare_digest(
            wanted.hexdigest().encode(), signature.encode("utf-8", "surrogatepass")
        )

    def decrypt(self, encrypted: str) -> bytes:
        """The message inside.

        Args:
            encrypted: base64 text of echostr or Encrypt.

        Raises:
            Unreadable: it is not base64, was encrypted with another key, or is addressed to
                another corp.
        """
        try:
            sealed = base64.b64decode(encrypted, validate=True)
        except (binascii.Error, ValueError):
            raise UnreadableMessage("base64") from None
        if len(sealed) < 2 * BLOCK or len(sealed) % BLOCK:
            raise UnreadableMessage("cipher")
        opened = _unpad(self._open(sealed))
        # 16 random bytes, 4 bytes of length, the message, the receiver
        size = int.from_bytes(opened[16:20], "big")
        if len(opened) < 20 or size > len(opened) - 20:
            raise UnreadableMessage("length")
        if opened[20 + size :] != self.receiver.encode():
            raise UnreadableMessage("receiver")
        return opened[20 : 20 + size]

    def _open(self, sealed: bytes) -> bytes:
        # 12 ms, only when an event comes
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        # the last character of a key made elsewhere may carry stray bits: not decoded strictly
        key = base64.b64decode(self.encoding_aes_key + "=")
        decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:BLOCK])).decryptor()
        return decryptor.update(sealed) + decryptor.finalize()


def _unpad(padded: bytes) -> bytes:
    count = padded[-1]
    if not 1 <= count <= min(LONGEST_PAD, len(padded)) or set(padded[-count:]) != {count}:
        raise UnreadableMessage("padding")
    return padded[:-count]

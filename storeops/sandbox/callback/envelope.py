"""How WeCom wraps what it sends: signature, ciphertext, shell (doc 90930, 90968)."""

from __future__ import annotations

import base64
import os
import re
from hashlib import sha1
from urllib.parse import quote

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

_PAD_BITS = 256  # PKCS#7 to 32 bytes


class Envelope:
    """Token and key as an app's page in the console holds them; ValueError when malformed."""

    def __init__(self, token: str, encoding_aes_key: str) -> None:
        if not re.fullmatch(r"[A-Za-z0-9]{1,32}", token):
            raise ValueError("token must have 1 to 32 letters and digits")
        if not re.fullmatch(r"[A-Za-z0-9]{43}", encoding_aes_key):
            raise ValueError("encoding_aes_key must have 43 letters and digits")
        self._token = token
        self._key = base64.b64decode(f"{encoding_aes_key}=")

    def seal(self, message: bytes, receiveid: str, noise: bytes | None = None) -> str:
        """The ciphertext: 16 random bytes, the length, the message, who it is for."""
        text = b"".join(
            (
                os.urandom(16) if noise is None else noise,
                len(message).to_bytes(4, "big"),
                message,
                receiveid.encode(),
            )
        )
        pad = padding.PKCS7(_PAD_BITS).padder()
        padded = pad.update(text) + pad.finalize()
        sealer = Cipher(AES256(self._key), CBC(self._key[:16])).encryptor()
        return base64.b64encode(sealer.update(padded) + sealer.finalize()).decode("ascii")

    def signature(self, timestamp: int, nonce: str, sealed: str) -> str:
        """SHA-1 of the four values in order, lower-case hex."""
        values = [sealed, nonce, self._token, str(timestamp)]
        values.sort()
        return sha1("".join(values).encode("ascii"), usedforsecurity=False).hexdigest()

    def query(self, timestamp: int, nonce: str, sealed: str, *, echo: bool = False) -> str:
        """The query string; every value percent-encoded, the `+` of base64 too."""
        values = {
            "msg_signature": self.signature(timestamp, nonce, sealed),
            "timestamp": str(timestamp),
            "nonce": nonce,
        }
        if echo:
            values["echostr"] = sealed
        return "&".join(f"{name}={quote(value, safe='')}" for name, value in values.items())


def shell(corp_id: str, agent_id: int, sealed: str) -> bytes:
    """The body of a push."""
    return (
        f"<xml><ToUserName><![CDATA[{corp_id}]]></ToUserName>"
        f"<Encrypt><![CDATA[{sealed}]]></Encrypt>"
        f"<AgentID><![CDATA[{agent_id}]]></AgentID></xml>"
    ).encode()

"""The sender's half of callback crypto, written here once more so that tests trust nobody."""

from __future__ import annotations

import base64
import hashlib
import os
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

TOKEN = "SandboxTok3nA1"
KEY = "sAndB0xWecomCallbackKey0123456789abcdefghiQ"
CORP = "wwsandbox00000001"
HEAD = (
    "<ToUserName><![CDATA[wwsandbox00000001]]></ToUserName><FromUserName><![CDATA[sys]]>"
    "</FromUserName><CreateTime>{at}</CreateTime><MsgType><![CDATA[event]]></MsgType>"
)


def event(at: int, **fields: str) -> bytes:
    """An event's XML: `Event`, `ChangeType`, ids … in the order given."""
    inside = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in fields.items())
    return f"<xml>{HEAD.format(at=at)}{inside}</xml>".encode()


def sign(timestamp: str, nonce: str, sealed: str, token: str = TOKEN) -> str:
    return hashlib.sha1("".join(sorted([token, timestamp, nonce, sealed])).encode()).hexdigest()


def seal(
    message: bytes, corp: str = CORP, key: str = KEY, random16: bytes = b"", pad: int = 0
) -> str:
    raw = base64.b64decode(key + "=")
    plain = (random16 or os.urandom(16)) + struct.pack(">I", len(message)) + message + corp.encode()
    count = pad or 32 - len(plain) % 32
    encryptor = Cipher(algorithms.AES(raw), modes.CBC(raw[:16])).encryptor()
    done = encryptor.update(plain + bytes([count]) * count) + encryptor.finalize()
    return base64.b64encode(done).decode()


def request(
    message: bytes, nonce: str = "804213397", timestamp: str = "1767225600", **how: object
) -> tuple[dict[str, str], bytes]:
    """(query, body) of one push."""
    return shell(seal(message, **how), nonce, timestamp)  # type: ignore[arg-type]


def shell(sealed: str, nonce: str, timestamp: str) -> tuple[dict[str, str], bytes]:
    query = {
        "msg_signature": sign(timestamp, nonce, sealed),
        "timestamp": timestamp,
        "nonce": nonce,
    }
    body = (
        f"<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><AgentID><![CDATA[1000002]]></AgentID>"
        f"<Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
    )
    return query, body.encode()

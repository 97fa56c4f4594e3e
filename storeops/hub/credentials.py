"""Keys and tokens of NATS, as its server checks them: operator, accounts, users.

NATS calls this decentralised JWT authentication: the operator's key signs accounts, an account's
key signs users, and a server that knows the operator's token alone checks the rest. A user proves
itself by signing a challenge with its own seed, which no server and no head office keeps.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

UNLIMITED = -1


@dataclass(frozen=True, slots=True)
class NatsKey:
    """An Ed25519 key pair.

    Attributes:
        seed: what signs, "SO…", "SA…" or "SU…"; a secret.
        public: what others know it by, "O…", "A…" or "U…".
    """

    seed: str
    public: str

    def __repr__(self) -> str:
        return f"NatsKey({self.public})"

    def sign(self, data: bytes) -> bytes:
        """The 64 bytes of a signature."""
        import nkeys

        signature: bytes = nkeys.from_seed(bytearray(self.seed.encode())).sign(data)
        return signature


def signed(public: str, data: bytes, signature: bytes) -> bool:
    """Whether the holder of a key signed something.

    Args:
        public: of the key, "U…".
        data: what was signed.
        signature: 64 bytes.
    """
    from nacl.exceptions import BadSignatureError
    from nacl.signing import VerifyKey

    try:
        # one byte that says what the key is of, 32 of the key, two of a checksum
        raw = base64.b32decode(public + "=" * (-len(public) % 8))[1:33]
        VerifyKey(raw).verify(data, signature)
    except (BadSignatureError, ValueError, TypeError):
        return False
    return True


def new_key(kind: str) -> NatsKey:
    """A new key pair.

    Args:
        kind: operator, account or user.
    """
    import nkeys

    prefix = {
        "operator": nkeys.PREFIX_BYTE_OPERATOR,
        "account": nkeys.PREFIX_BYTE_ACCOUNT,
        "user": nkeys.PREFIX_BYTE_USER,
    }[kind]
    return key_of(nkeys.encode_seed(os.urandom(32), prefix).decode())


def key_of(seed: str) -> NatsKey:
    """The key pair of a seed.

    Raises:
        ValueError: it is none.
    """
    import nkeys

    try:
        return NatsKey(seed, nkeys.from_seed(bytearray(seed.encode())).public_key.decode())
    except (nkeys.NkeysError, ValueError, IndexError) as error:
        raise ValueError("no seed of a key") from error


def token(issuer: NatsKey, subject: str, name: str, nats: Mapping[str, Any], at: float) -> str:
    """A signed token (JWT, algorithm ed25519-nkey).

    Args:
        issuer: who signs.
        subject: public key of whom it is about.
        name: for people.
        nats: what is granted.
        at: when, Unix seconds.
    """
    claims = {
        "iat": int(at), "iss": issuer.public, "name": name, "sub": subject,
        "nats": {**nats, "version": 2},
    }  # fmt: skip
    digest = hashlib.sha256(_json(claims)).digest()
    claims["jti"] = base64.b32encode(digest).decode().rstrip("=")
    head = _encoded(_json({"typ": "JWT", "alg": "ed25519-nkey"}))
    body = f"{head}.{_encoded(_json(claims))}"
    return f"{body}.{_encoded(issuer.sign(body.encode()))}"


def operator_token(operator: NatsKey, system: str, at: float) -> str:
    """What a server's configuration says of whom it believes.

    Args:
        operator: signs itself.
        system: public key of the system account.
        at: Unix seconds.
    """
    return token(
        operator, operator.public, "storeops", {"type": "operator", "system_account": system}, at
    )


def account_token(
    operator: NatsKey,
    account: str,
    name: str,
    at: float,
    *,
    exports: Sequence[Mapping[str, Any]] = (),
    imports: Sequence[Mapping[str, Any]] = (),
    mappings: Mapping[str, str] | None = None,
    streams: bool = False,
    revoked: Mapping[str, int] | None = None,
) -> str:
    """An account: what it shares with others, and which of its users are refused.

    Args:
        operator: signs it.
        account: public key.
        name: for people.
        at: Unix seconds.
        exports: services that it offers.
        imports: services of others that it uses.
        mappings: subject of what is published or asked in it → the subject that this means.
        streams: whether it may keep streams.
        revoked: public key of a user → Unix seconds; what was issued until then is refused.
    """
    limits: dict[str, Any] = dict.fromkeys(
        ("subs", "data", "payload", "imports", "exports", "conn", "leaf"), UNLIMITED
    )
    limits["wildcards"] = True
    if streams:
        limits |= dict.fromkeys(("mem_storage", "disk_storage", "streams", "consumer"), UNLIMITED)
    nats: dict[str, Any] = {"type": "account", "limits": limits}
    if exports:
        nats["exports"] = list(exports)
    if imports:
        nats["imports"] = list(imports)
    if mappings:
        nats["mappings"] = {
            subject: [{"subject": meant, "weight": 100}] for subject, meant in mappings.items()
        }
    if revoked:
        nats["revocations"] = dict(revoked)
    return token(operator, account, name, nats, at)


def user_token(
    account: NatsKey,
    user: str,
    name: str,
    at: float,
    *,
    publish: Sequence[str] | None = None,
    subscribe: Sequence[str] | None = None,
) -> str:
    """A user: which subjects it may publish to and subscribe to.

    Args:
        account: signs it.
        user: public key.
        name: for people.
        at: Unix seconds; what is revoked later is what was issued until then.
        publish, subscribe: subjects; None for all of the account's.
    """
    nats: dict[str, Any] = {
        "type": "user", "subs": UNLIMITED, "data": UNLIMITED, "payload": UNLIMITED,
    }  # fmt: skip
    for field, subjects in (("pub", publish), ("sub", subscribe)):
        if subjects is not None:
            nats[field] = {"allow": list(subjects)} if subjects else {"deny": [">"]}
    return token(account, user, name, nats, at)


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")

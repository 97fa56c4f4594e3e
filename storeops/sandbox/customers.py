"""The people outside the corp: one row each, in columns, so that a million fit."""

from __future__ import annotations

import json
from array import array

from storeops.sandbox.ids import CUSTOMER_BYTES, CustomerIds
from storeops.sandbox.jsontext import EMPTY, dumps

WECHAT, WECOM = 1, 2


class Customers:
    """Columns over row numbers. Rows are never removed; a person without relations is just that.

    `name` holds encoded JSON strings: they are written to answers far more often than read.
    """

    __slots__ = ("company", "first_follow", "gender", "ids", "keys", "kind", "name", "no_unionid")

    def __init__(self, keys: CustomerIds) -> None:
        self.keys = keys
        self.ids = bytearray()
        self.name: list[bytes] = []
        self.kind = array("B")
        self.gender = array("B")
        self.first_follow = array("i")  # head of the chain of follows, -1 for none
        self.company: dict[int, tuple[str, str]] = {}  # WeCom users: corp name, position
        self.no_unionid: set[int] = set()

    def __len__(self) -> int:
        return len(self.kind)

    def add(self, name: str, gender: int, kind: int = WECHAT) -> int:
        """A new person; returns the row."""
        row = len(self.kind)
        self.ids += self.keys.make(row, kind)
        self.name.append(dumps(name) if name else EMPTY)
        self.kind.append(kind)
        self.gender.append(gender)
        self.first_follow.append(-1)
        return row

    def id_bytes(self, row: int) -> bytes:
        """external_userid as ASCII bytes."""
        start = row * CUSTOMER_BYTES
        return bytes(self.ids[start : start + CUSTOMER_BYTES])

    def id(self, row: int) -> str:
        """external_userid."""
        return self.id_bytes(row).decode("ascii")

    def find(self, external_userid: str) -> int:
        """The row of an external_userid, -1 when this corp has no such person."""
        try:
            raw = external_userid.encode("ascii")
        except UnicodeEncodeError:
            return -1
        row = self.keys.row_of(raw)
        return row if 0 <= row < len(self.kind) and self.id_bytes(row) == raw else -1

    def name_text(self, row: int) -> str:
        """The nickname."""
        return str(json.loads(self.name[row]))

    def unionid_bytes(self, row: int) -> bytes:
        """unionid of a WeChat user: `o`, five letters, and the id's tail backwards."""
        raw = self.id_bytes(row)
        return b"o" + raw[2:7] + raw[:9:-1]

    def find_unionid(self, unionid: str) -> int:
        """The row of a unionid, -1 for none."""
        if len(unionid) != 28 or not unionid.isascii():
            return -1
        row = self.find("wm" + self.keys.corp.decode() + unionid[:5:-1])
        return row if row >= 0 and self.unionid_bytes(row).decode() == unionid else -1

    def has_unionid(self, row: int) -> bool:
        """Whether the API would show a unionid once the corp is bound."""
        return self.kind[row] == WECHAT and row not in self.no_unionid

    def as_json(self, row: int, unionids: bool) -> bytes:
        """`external_contact` of an answer (doc 92114), ready to send."""
        raw = self.id_bytes(row)
        kind = self.kind[row]
        head = (
            b'{"external_userid":"%b","name":%b,"avatar":"https://avatar.example.test/%b/0"'
            b',"type":%d,"gender":%d' % (raw, self.name[row], raw[10:], kind, self.gender[row])
        )
        if kind == WECOM:
            corp, position = self.company.get(row, ("", ""))
            name, post = dumps(corp), dumps(position)
            return b'%b,"corp_name":%b,"corp_full_name":%b,"position":%b}' % (
                head,
                name,
                name,
                post,
            )
        if unionids and row not in self.no_unionid:
            return b'%b,"unionid":"%b"}' % (head, self.unionid_bytes(row))
        return head + b"}"

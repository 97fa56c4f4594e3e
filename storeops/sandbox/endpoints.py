"""How an API call reaches its rule: the call, the answer, and the table of endpoints."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any

from storeops.sandbox.jsontext import dumps
from storeops.sandbox.organisation import LEFT, USERID, App, Member, Scope
from storeops.sandbox.refusals import Refusal

if TYPE_CHECKING:
    from storeops.sandbox.body import Body
    from storeops.sandbox.corp import Corp
    from storeops.sandbox.settings import Settings
    from storeops.sandbox.world import World


class Need(Enum):
    """What a caller must be allowed to do."""

    NOTHING = "no token at all"
    TOKEN = "any valid token"  # noqa: S105 - a description
    CONTACTS = "read contacts"
    OPEN_CONTACTS = "read contacts, even the contact-sync secret from a new address"
    CONTACT_SYNC = "the contact-sync secret"
    CUSTOMERS = "customer contact"


@dataclasses.dataclass(slots=True)
class Answer:
    """A success. Values are encoded JSON, or a list of encoded rows; or it is a file."""

    fields: dict[str, bytes | list[bytes]] = dataclasses.field(default_factory=dict)
    errmsg: str = "ok"
    file: bytes | None = None
    filename: str = ""

    @classmethod
    def of(cls, errmsg: str = "ok", **values: Any) -> Answer:
        """Encode plain values."""
        return cls({k: dumps(v) for k, v in values.items()}, errmsg)


@dataclasses.dataclass(slots=True)
class Call:
    """One request on its way through the rules."""

    world: World
    path: str
    query: dict[str, str]
    body: Body
    ip: str
    now: int
    app: App | None = None
    short: bool = False  # a fault asks for a page shorter than wanted
    raw: bytes = b""  # the body as it came
    content_type: str = ""

    @property
    def corp(self) -> Corp:
        """The invented corp."""
        return self.world.corp

    @property
    def settings(self) -> Settings:
        """The rules in force."""
        return self.world.settings

    @property
    def agent_id(self) -> int:
        """The calling app."""
        assert self.app is not None
        return self.app.agent_id

    @property
    def scope(self) -> Scope:
        """What the calling app sees."""
        assert self.app is not None
        return self.world.corp.organisation.scope(self.app)

    @property
    def sees_personal(self) -> bool:
        """Whether mobile, email, gender, avatar … of members are shown to the caller.

        Old apps see them, and the contact-sync secret does: from a new address it comes no
        further than 48009.
        """
        assert self.app is not None
        return self.app.contact_sync or self.settings.legacy_app_fields

    def page_size(self, wanted: int) -> int:
        """Rows of this page: as wanted, or fewer when the sandbox is asked to be stingy."""
        if not self.short and not self.world.chance(self.settings.short_page_rate):
            return wanted
        return max(1, wanted // 2)

    def place(self, cursor: str, query: bytes) -> tuple[int, int]:
        """Where a cursor of this path continues; (0, 0) for no cursor."""
        if not cursor:
            return 0, 0
        life = self.settings.cursor_life_s
        return self.world.cursors.read(self.path, query, cursor, self.now, life)

    def cursor(self, query: bytes, first: int, second: int = 0) -> str:
        """A cursor of this path."""
        return self.world.cursors.issue(self.path, query, self.now, first, second)

    def page(self, total: int, limit: int, cursor: str, query: bytes) -> tuple[int, int, str]:
        """(start, end, next_cursor) of a list of known length; "" ends it."""
        start = min(self.place(cursor, query)[0], total)
        end = min(start + self.page_size(limit), total)
        return start, end, self.cursor(query, end) if end < total else ""

    def member(self, userid: str) -> Member:
        """A present member this app sees, for contact calls: 41009, 40003, 60111, 60011."""
        if not userid:
            raise Refusal(41009)
        if not USERID.fullmatch(userid):
            raise Refusal(40003)
        member = self.corp.organisation.present(userid)
        if member is None:
            raise Refusal(60111)
        if member.number not in self.scope.members:
            raise Refusal(60011)
        return member

    def contact_member(self, userid: str) -> Member:
        """A present, visible member with customer contact, for customer calls."""
        if not userid:
            raise Refusal(41009)
        if not USERID.fullmatch(userid):
            raise Refusal(40003)
        member = self.corp.organisation.find(userid)
        if member is None or member.status == LEFT:
            raise Refusal(60111)
        if member.number not in self.scope.members:
            raise Refusal(self.settings.invisible_member_errcode)
        if not member.customer_contact:
            raise Refusal(self.settings.no_contact_errcode)
        return member

    def customer(self, external_userid: str) -> int:
        """The row of a customer id: 41035 missing, 40096 malformed or foreign."""
        if not external_userid:
            raise Refusal(41035)
        row = self.corp.customers.find(external_userid)
        if row < 0:
            raise Refusal(40096, f"invalid external userid: `{external_userid}`")
        return row

    def pair(self) -> tuple[str, str]:
        """userid and external_userid of the body: 41009 or 41035 when one is missing."""
        userid, external_userid = self.body.text("userid"), self.body.text("external_userid")
        if not userid:
            raise Refusal(41009)
        if not external_userid:
            raise Refusal(41035)
        return userid, external_userid

    def follow(self, userid: str, external_userid: str) -> int:
        """The living follow of a member the app sees and a customer; 84061 for none."""
        member = self.contact_member(userid)
        row = self.customer(external_userid)
        follow = self.corp.follows.between(self.corp.customers, member.number, row)
        if follow < 0:
            raise Refusal(84061)
        return follow


Handler = Callable[[Call], Answer]


@dataclasses.dataclass(frozen=True, slots=True)
class Endpoint:
    """One path with its rule."""

    path: str
    handler: Handler
    need: Need
    body: bool  # reads a JSON body, which a GET never shows it
    lists: tuple[str, ...]  # empty lists a failure carries
    lists_first: bool
    one_customer: bool  # two writes for one customer at a time conflict (45035)
    most_bytes: int  # of a body; 0: as the settings say


TABLE: dict[str, Endpoint] = {}


def endpoint(
    path: str,
    need: Need,
    *,
    body: bool = True,
    lists: tuple[str, ...] = (),
    lists_first: bool = False,
    one_customer: bool = False,
    most_bytes: int = 0,
) -> Callable[[Handler], Handler]:
    """Register a rule under /cgi-bin/<path>."""

    def register(handler: Handler) -> Handler:
        full = "/cgi-bin/" + path
        assert full not in TABLE, full
        TABLE[full] = Endpoint(
            path, handler, need, body, lists, lists_first, one_customer, most_bytes
        )
        return handler

    return register

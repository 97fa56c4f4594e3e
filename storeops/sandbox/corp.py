"""The whole invented corp: what the API answers from and what people's acts change."""

from __future__ import annotations

from typing import Any

from storeops.sandbox.clock import Clock
from storeops.sandbox.customers import Customers
from storeops.sandbox.follows import ADMIN, BY_CUSTOMER, Follows
from storeops.sandbox.groups import GroupChat
from storeops.sandbox.handover.handovers import Handovers
from storeops.sandbox.ids import CustomerIds, corp_id, object_id
from storeops.sandbox.jsontext import EMPTY, dumps
from storeops.sandbox.organisation import LEFT, App, Member, Organisation
from storeops.sandbox.tags import ContactTag, Strategy, TagLibrary
from storeops.sandbox.ways import ContactWays
from storeops.sandbox.welcomes import Welcomes

CUSTOMER_APP = 1000002  # the self-built app most callers use
CONTACT_SYNC = 0  # 通讯录同步


class Corp:
    """State only; rules live in `api`, people's acts in `acts`. One thread touches it."""

    def __init__(self, seed: int, clock: Clock) -> None:
        self.seed = seed
        self.corp_id = corp_id(seed)
        self.name = ""
        self.clock = clock
        self.anchor = clock.now()  # the moment the chain was invented
        self.shape: dict[str, int] = {}  # stores, staff, follows as asked for
        self.organisation = Organisation()
        self.apps: dict[int, App] = {}
        self.customers = Customers(CustomerIds(seed))
        self.follows = Follows()
        self.tags = TagLibrary(seed)
        self.strategies: dict[int, Strategy] = {}
        self.contact_tags: dict[int, ContactTag] = {}
        self.groups: dict[str, GroupChat] = {}
        self.handovers = Handovers()
        self.welcomes = Welcomes(seed)
        self.contact_ways = ContactWays(seed)
        self.strangers: list[str] = []  # names of group members who are nobody's customer
        self.events: list[dict[str, Any]] = []
        self._userid_json: dict[int, bytes] = {}

    # -- people

    def member_of(self, follow: int) -> Member:
        """Who holds this follow."""
        return self.organisation.members[self.follows.member[follow]]

    def customer_id(self, follow: int) -> str:
        """external_userid of a follow."""
        return self.customers.id(self.follows.customer[follow])

    def held_by(self, member: Member) -> Any:
        """Follow numbers a member holds, ascending."""
        return self.follows.held[member.number]

    def leavers(self) -> list[Member]:
        """Members who left and still have customers nobody took, latest leaver first."""
        gone = [m for m in self.organisation.members if m.status == LEFT and self.held_by(m)]
        gone.sort(key=lambda m: (-m.left_at, m.number))
        return gone

    def leave(self, member: Member) -> list[GroupChat]:
        """Somebody leaves: customers wait to be assigned, the returned groups for an owner."""
        member.status, member.left_at = LEFT, self.clock.now()
        for department in self.organisation.departments.values():
            department.leaders = [u for u in department.leaders if u != member.userid]
        groups = [g for g in self.groups.values() if g.owner == member.number and not g.dissolved]
        for group in groups:
            group.status = 1
        self.organisation.touch()
        return groups

    def change_userid(self, member: Member, userid: str) -> None:
        """Another userid for the same person; whatever names the person names them by it."""
        old = member.userid
        del self.organisation.by_userid[old.lower()]
        member.userid = userid
        member.userid_changes += 1
        self.organisation.by_userid[userid.lower()] = member
        named = [d.leaders for d in self.organisation.departments.values()]
        named += [m.direct_leader for m in self.organisation.members]
        named += [tag.userids for tag in self.contact_tags.values()]
        named += [names for s in self.strategies.values() for names in (s.userids, s.admins)]
        named += [way.user for way in self.contact_ways.ways.values()]
        named += [n for a in self.apps.values() for n in (a.scope_members, a.hidden_members)]
        for names in named:
            names[:] = [userid if name == old else name for name in names]
        self._userid_json.clear()
        self.organisation.touch()

    def stranger_id(self, number: int) -> str:
        """external_userid of a group member who is nobody's customer."""
        return object_id("wm", self.seed, "stranger", number)

    def new_chat_id(self) -> str:
        """The next chat_id."""
        return object_id("wr", self.seed, "group", len(self.groups))

    def emit(self, event: str, change: str, **fields: Any) -> dict[str, Any]:
        """Queue what WeCom would call back about; API writes never come here (doc 96361)."""
        row = {
            "seq": len(self.events) + 1,
            "create_time": self.clock.now(),
            "event": event,
            "change_type": change,
            **fields,
        }
        self.events.append(row)
        return row

    # -- rows of answers

    def batch_row(self, follow: int, unionids: bool) -> bytes:
        """One row of batch/get_by_user (doc 92994)."""
        f = self.follows
        extra = self._extras(follow)
        return (
            b'{"external_contact":%b,"follow_info":{"userid":%b,"remark":%b,"description":%b'
            b',"createtime":%d,"tag_id":[%b]%b,"remark_mobiles":[%b],"add_way":%d%b}}'
            % (
                self.customers.as_json(f.customer[follow], unionids),
                self._userid(f.member[follow]),
                f.remark[follow],
                f.description.get(follow, EMPTY),
                f.created[follow],
                self.tags.id_list(f.tags[follow]),
                self._company(follow),
                self._mobiles(follow),
                f.add_way[follow],
                extra,
            )
        )

    def follow_user_row(self, follow: int) -> bytes:
        """One element of follow_user of externalcontact/get (doc 92114)."""
        f = self.follows
        tags = self.tags.objects(f.tags[follow])
        personal = f.personal.get(follow)
        if personal:
            own = b",".join(dumps({"group_name": "", "tag_name": p, "type": 2}) for p in personal)
            tags = tags + b"," + own if tags else own
        return (
            b'{"userid":%b,"remark":%b,"description":%b,"createtime":%d,"tags":[%b]%b'
            b',"remark_mobiles":[%b],"add_way":%d%b}'
            % (
                self._userid(f.member[follow]),
                f.remark[follow],
                f.description.get(follow, EMPTY),
                f.created[follow],
                tags,
                self._company(follow),
                self._mobiles(follow),
                f.add_way[follow],
                self._extras(follow),
            )
        )

    def oper_userid(self, follow: int) -> str:
        """Who began the relation; "" when unknown."""
        flags = self.follows.flags[follow]
        if not self.follows.add_way[follow]:
            return ""
        if flags & BY_CUSTOMER:
            return self.customer_id(follow)
        if flags & ADMIN:
            return self.organisation.members[0].userid
        return self.member_of(follow).userid

    def _extras(self, follow: int) -> bytes:
        """oper_userid, state and wechat_channels, each only where there is one."""
        f = self.follows
        parts = b""
        if f.add_way[follow]:
            parts += b',"oper_userid":' + (
                b'"%b"' % self.customers.id_bytes(f.customer[follow])
                if f.flags[follow] & BY_CUSTOMER
                else self._userid(0 if f.flags[follow] & ADMIN else f.member[follow])
            )
        if f.state[follow]:
            parts += b',"state":' + dumps(f.states[f.state[follow]])
        if follow in f.channels:
            nickname, source = f.channels[follow]
            parts += b',"wechat_channels":' + dumps({"nickname": nickname, "source": source})
        return parts

    def _company(self, follow: int) -> bytes:
        text = self.follows.company.get(follow)
        return b',"remark_corp_name":' + text if text else b""

    def _mobiles(self, follow: int) -> bytes:
        numbers = self.follows.mobiles.get(follow)
        return b",".join(dumps(n) for n in numbers) if numbers else b""

    def _userid(self, member: int) -> bytes:
        text = self._userid_json.get(member)
        if text is None:
            text = self._userid_json[member] = dumps(self.organisation.members[member].userid)
        return text

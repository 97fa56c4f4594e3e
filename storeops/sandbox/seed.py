"""A believable chain, the same for the same seed and day: shops, guides, customers, groups."""

from __future__ import annotations

import random
from itertools import accumulate

from storeops.sandbox import ways
from storeops.sandbox.clock import DAY, Clock, day_start
from storeops.sandbox.corp import CONTACT_SYNC, CUSTOMER_APP, Corp
from storeops.sandbox.customers import WECHAT, WECOM
from storeops.sandbox.follows import ADMIN, BY_CUSTOMER
from storeops.sandbox.groups import INVITED, LINK, QR, GroupChat, Seat
from storeops.sandbox.ids import secret
from storeops.sandbox.jsontext import dumps
from storeops.sandbox.organisation import ACTIVE, LEFT, NOT_ACTIVATED, App, Department, Member
from storeops.sandbox.people import People, nasty_nicknames
from storeops.sandbox.tags import CONSOLE, ContactTag

# add_way with its share of new customers in a shop
_WAYS = [(1, 52), (4, 12), (3, 9), (16, 7), (0, 6), (2, 5), (10, 4), (202, 3), (24, 2)]
_WAY_LIST = [way for way, _ in _WAYS]
_WAY_WEIGHTS = list(accumulate(weight for _, weight in _WAYS))
_WAY_STORES = 40
_LEAVER_DAYS = (3, 12, 400, 40, 180, 95, 330)  # since leaving; one is past the year's deadline


def build(seed: int, stores: int, staff: int, follows: int, clock: Clock) -> Corp:
    """Invent a corp with exactly so many stores, present members and listed follows.

    Leavers and their unassigned customers (about one in 60) come on top. ValueError when a
    number makes no chain.
    """
    if not 1 <= stores <= 20_000:
        raise ValueError("stores must be between 1 and 20000")
    if not 2 <= staff <= 50_000:
        raise ValueError("staff must be between 2 and 50000")
    if not 0 <= follows <= 5_000_000:
        raise ValueError("follows must be between 0 and 5000000")
    return _Chain(seed, stores, staff, follows, clock).build()


class _Chain:
    def __init__(self, seed: int, stores: int, staff: int, follows: int, clock: Clock) -> None:
        self.dice = random.Random(f"chain/{seed}")
        self.people = People(self.dice)
        self.corp = Corp(seed, clock)
        # Everything is dated from today's midnight, so that one day gives one chain.
        self.today = self.corp.anchor = day_start(clock.now())
        self.corp.shape = {"seed": seed, "stores": stores, "staff": staff, "follows": follows}
        self.stores, self.staff, self.wanted = stores, staff, follows
        self.store_nodes: list[int] = []
        self.by_store: dict[int, list[Member]] = {}
        self.leavers: list[Member] = []
        self.in_store: dict[int, list[int]] = {}  # customer rows by store
        self.tag_choices: list[tuple[int, ...]] = []
        self._surname, self._gender = "", 0  # of the customer being written down

    def build(self) -> Corp:
        self._departments()
        self._members()
        self._apps()
        self._tags()
        self._follows()
        self._groups()
        self._hurt()
        self._contact_ways()
        return self.corp

    # -- the organisation

    def _departments(self) -> None:
        corp, data = self.corp, self.people.data
        corp.name = "春木零售"
        nodes = corp.organisation.departments
        nodes[1] = Department(1, corp.name, 0, 100_000_000)
        nodes[2] = Department(2, "总部", 1, 1000)
        next_id = 3
        regions = data["cities"][: max(1, min(len(data["cities"]), self.stores // 3 + 1))]
        region_ids: list[int] = []
        for at, (region, _) in enumerate(regions):
            nodes[next_id] = Department(next_id, f"{region}大区", 1, 900 - at)
            region_ids.append(next_id)
            next_id += 1
        for number in range(self.stores):
            at = number % len(regions)
            cities = regions[at][1]
            city = cities[number // len(regions) % len(cities)]
            place = data["places"][number // (len(regions) * len(cities)) % len(data["places"])]
            name = f"{city}{place}店 {number + 1:04d}"
            nodes[next_id] = Department(next_id, name, region_ids[at], 1_000_000 - number)
            self.store_nodes.append(next_id)
            next_id += 1
        corp.organisation.touch()

    def _member(self, userid: str, departments: list[int], position: str, lead: bool) -> Member:
        organisation, dice = self.corp.organisation, self.dice
        gender = 2 if dice.random() < 0.74 else 1
        number = self.corp.follows.add_member()
        member = Member(
            userid,
            self.people.full_name(gender),
            number,
            departments,
            [0] * len(departments),
            [int(lead)] * len(departments),
            position,
            mobile=self.people.mobile(),
            email=f"{userid}@shop.example.test",
            gender=str(gender),
            main_department=departments[0],
            last_login=self.today - dice.randrange(20) * DAY,
        )
        organisation.add_member(member)
        return member

    def _members(self) -> None:
        organisation, dice = self.corp.organisation, self.dice
        boss = self._member("u_boss", [1], "总经理", lead=True)
        organisation.departments[1].leaders.append(boss.userid)
        boss.customer_contact = False
        office = self._member("u_office", [2], "运营", lead=False)
        office.customer_contact = False
        office.direct_leader = [boss.userid]
        for number in range(self.staff - 2):
            store = self.store_nodes[number % self.stores]
            lead = number < self.stores
            departments = [store]
            if not lead and dice.random() < 0.02 and self.stores > 1:
                departments.append(dice.choice([n for n in self.store_nodes if n != store][:50]))
            position = "店长" if lead else dice.choice(self.people.data["positions"])
            member = self._member(f"g{number + 1:05d}", departments, position, lead)
            if len(departments) > 1:
                member.is_leader = [int(lead), 0]
            if lead:
                organisation.departments[store].leaders.append(member.userid)
                member.direct_leader = [boss.userid]
            elif leaders := organisation.departments[store].leaders:
                member.direct_leader = [leaders[0]]
            if dice.random() < 0.01:
                member.real_name = False
            if dice.random() < 0.01:
                member.status, member.customer_contact = NOT_ACTIVATED, False
            self.by_store.setdefault(store, []).append(member)
        for number in range(max(4, self.staff // 60)):
            store = self.store_nodes[number % self.stores]
            member = self._member(f"left{number + 1:04d}", [store], "导购", lead=False)
            member.status = LEFT
            days = _LEAVER_DAYS[number % len(_LEAVER_DAYS)]
            member.left_at = self.today - days * DAY + 3600 * (9 + number % 9)
            member.last_login = member.left_at - 3 * DAY
            self.leavers.append(member)
        organisation.touch()
        first = self.store_nodes[0]
        self.corp.contact_tags[1] = ContactTag(1, "培训师", CUSTOMER_APP, ["u_office"], [2])
        self.corp.contact_tags[2] = ContactTag(2, "店长群", CUSTOMER_APP, [], [first])
        self.corp.contact_tags[3] = ContactTag(3, "后台标签", CONSOLE, ["u_boss"], [])

    def _apps(self) -> None:
        seed, apps = self.corp.seed, self.corp.apps
        region = self.corp.organisation.children(1)[-1]
        for agent_id, name, customers, departments, sync in (
            (CUSTOMER_APP, "门店助手", True, [1], False),
            (1000003, "大区助手", True, [region], False),
            (1000004, "问卷", False, [1], False),
            (CONTACT_SYNC, "通讯录同步", False, [1], True),
        ):
            key = secret(seed, agent_id)
            apps[agent_id] = App(agent_id, name, key, customers, departments, contact_sync=sync)

    def _tags(self) -> None:
        tags, dice = self.corp.tags, self.dice
        made = self.today - 500 * DAY
        groups = self.people.data["tag_groups"]
        for at, (group_name, maker, names) in enumerate(groups):
            owner = CUSTOMER_APP if maker == "app" else CONSOLE
            group = tags.add_group(group_name, made + at, len(groups) - at, owner)
            for order, name in enumerate(names):
                tags.add_tag(group, name, made + at, len(names) - order, owner)
        by_group = [[tags.tags[t].number for t in g.tags] for g in tags.groups.values()]
        level, others = by_group[0], by_group[1:]
        for _ in range(400):
            chosen = [dice.choices(level, weights=[60, 25, 12, 3])[0]]
            for group_tags in dice.sample(others, dice.choice((0, 1, 1, 2, 3))):
                chosen.append(dice.choice(group_tags))
            self.tag_choices.append(tuple(sorted(chosen)))

    # -- customers and follows

    def _follows(self) -> None:
        dice = self.dice
        holders = [m for members in self.by_store.values() for m in members]
        holders = [m for m in holders if m.customer_contact and m.status == ACTIVE]
        idle = set() if len(holders) < 4 else {m.number for m in holders if dice.random() < 0.02}
        if len(holders) >= 4 and not idle:
            idle = {holders[-1].number}  # there is always somebody without customers
        busy = [m for m in holders if m.number not in idle]
        shares = [dice.lognormvariate(0, 0.7) for _ in busy]
        rest, weight = self.wanted, sum(shares)
        for member, share in zip(busy, shares, strict=True):
            count = rest if member is busy[-1] else min(rest, round(rest * share / weight))
            weight -= share
            rest -= count
            self._serve(member, count)
        for at, leaver in enumerate(self.leavers[:-1]):
            self._serve(leaver, max(3, self.wanted // 60 // len(self.leavers)) + at % 3)

    def _serve(self, member: Member, count: int) -> None:
        """Give one member so many customers, about one in eight shared within the shop."""
        corp, dice, data = self.corp, self.dice, self.people.data
        people, follows = corp.customers, corp.follows
        store = member.department[0]
        pool = self.in_store.setdefault(store, [])
        latest = member.left_at or self.today
        span = 700 * DAY
        mine: set[int] = set()
        random_, choice = dice.random, dice.choice
        for age in sorted((random_() ** 1.5 for _ in range(count)), reverse=True):
            customer = choice(pool) if pool and random_() < 0.13 else -1
            if customer < 0 or customer in mine:
                customer = self._person()
                pool.append(customer)
            else:
                self._surname = ""  # the colleague knows it, this guide only writes a word
            mine.add(customer)
            way = dice.choices(_WAY_LIST, cum_weights=_WAY_WEIGHTS)[0]
            flags = ADMIN if way == 202 else BY_CUSTOMER if way == 1 and random_() < 0.7 else 0
            state = 0
            if way in (1, 16) and random_() < 0.6:
                state = follows.state_number(
                    f"store{store}" if random_() < 0.7 else choice(data["states"])
                )
            follow = follows.add(
                people, customer, member.number, latest - 60 - int(age * span), way, flags, state
            )
            if way == 10:
                follows.channels[follow] = (choice(data["channels"]), 1 + int(random_() * 3))
            self._notes(follow, customer)

    def _person(self) -> int:
        corp, dice, data = self.corp, self.dice, self.people.data
        roll = dice.random()
        gender = 2 if roll < 0.66 else 1 if roll < 0.92 else 0
        name, surname = self.people.nickname(gender)
        kind = WECOM if dice.random() < 0.02 else WECHAT
        row = corp.customers.add(name, gender, kind)
        if kind == WECOM:
            corp.customers.name[row] = f'"{surname}{self.people.given(gender)}"'.encode()
            post = (dice.choice(data["companies"]), dice.choice(data["company_posts"]))
            corp.customers.company[row] = post
        elif dice.random() < 0.01:
            corp.customers.no_unionid.add(row)
        self._surname = surname
        self._gender = gender
        return row

    def _notes(self, follow: int, customer: int) -> None:
        """Remark, description, mobiles, company, tags: what a guide wrote down."""
        dice, follows, data = self.dice, self.corp.follows, self.people.data
        roll = dice.random()
        if roll < 0.55:
            remark = self.people.remark(self._surname, self._gender) if self._surname else ""
            follows.set_remark(follow, remark or dice.choice(data["remark_suffixes"]))
        if roll < 0.12:
            follows.set_description(follow, dice.choice(data["descriptions"]))
        if 0.3 < roll < 0.5:
            numbers = (self.people.mobile(),)
            follows.set_mobiles(follow, numbers + ((self.people.mobile(),) if roll < 0.31 else ()))
        if roll > 0.98 and self.corp.customers.kind[customer] == WECHAT:
            follows.set_company(follow, dice.choice(data["companies"])[:20])
        if roll < 0.7:
            follows.set_tags(follow, dice.choice(self.tag_choices))
        if dice.random() < 0.03:
            follows.personal[follow] = (dice.choice(data["personal_tags"]),)
        if dice.random() < 0.02:
            gone = self.today - dice.randrange(30) * DAY
            follows.deleted_by_customer_at[follow] = max(gone, follows.created[follow])

    # -- group chats

    def _groups(self) -> None:
        dice = self.dice
        for store in self.store_nodes:
            members = [m for m in self.by_store.get(store, []) if m.customer_contact]
            pool = self.in_store.get(store, [])
            if not members or len(pool) < 3:
                continue
            for number in range(1 + (len(pool) > 60)):
                owner = members[number % len(members)]
                size = min(len(pool), 3 + int(dice.random() ** 2 * 90))
                self._group(store, number, owner, members, dice.sample(pool, size))
        for leaver in (self.leavers[0], self.leavers[-1]):  # the last owns a group, no customers
            store = leaver.department[0]
            pool = self.in_store.get(store, [])
            group = self._group(store, 2, leaver, [leaver], pool[:5])
            group.status = 1

    def _group(
        self, store: int, number: int, owner: Member, members: list[Member], pool: list[int]
    ) -> GroupChat:
        corp, dice, data = self.corp, self.dice, self.people.data
        made = (owner.left_at or self.today) - (5 + dice.randrange(300)) * DAY
        shop = corp.organisation.departments[store].name
        name = "" if dice.random() < 0.05 else f"{shop}{dice.choice(data['group_names'])}"
        group = GroupChat(corp.new_chat_id(), name, owner.number, made)
        if dice.random() < 0.3:
            group.notice = dice.choice(data["group_notices"])
        group.seats.append(Seat(1, owner.number, made, INVITED, owner.number))
        for colleague in members[:4]:
            if colleague is not owner:
                group.seats.append(Seat(1, colleague.number, made + 60, INVITED, owner.number))
                if dice.random() < 0.3:
                    group.admins.append(colleague.number)
        span = max(1, (owner.left_at or self.today) - made)
        for customer in pool:
            joined = made + int(dice.random() * span)
            scene = dice.choices((INVITED, LINK, QR), (3, 2, 5))[0]
            invitor = owner.number if scene == INVITED else -1
            state = f"store{store}" if scene == QR and dice.random() < 0.3 else ""
            nickname = "群里的" + data["nick_words"][0] if dice.random() < 0.03 else ""
            group.seats.append(Seat(2, customer, joined, scene, invitor, nickname, state))
        for _ in range(dice.randrange(3)):
            corp.strangers.append(self.people.nickname(2)[0])
            group.seats.append(Seat(2, -len(corp.strangers), made + 120, QR))
        group.seats.sort(key=lambda s: s.join_time)
        corp.groups[group.chat_id] = group
        return group

    # -- contact ways

    def _contact_ways(self) -> None:
        """A code for each of the first shops, campaigns of larger chains, and a leaver's own."""
        book, organisation = self.corp.contact_ways, self.corp.organisation
        made = self.today - 300 * DAY
        for at, store in enumerate(self.store_nodes[:_WAY_STORES]):
            users = [m.userid for m in self.by_store.get(store, []) if ways.fit(m)][:20]
            if users:
                shop = organisation.departments[store].name
                book.add(
                    ways.MULTI, ways.QR, made + at * DAY, remark=shop[:30], state=f"store{store}",
                    user=users,
                )  # fmt: skip
        leads = [m.userid for m in organisation.members if m.position == "店长" and ways.fit(m)]
        if self.stores < 10:
            return
        for at, state in enumerate(self.people.data["states"]):
            book.add(
                ways.MULTI, ways.QR, made + (60 + at) * DAY, remark=f"活动 {state}", state=state,
                user=leads[:20],
            )  # fmt: skip
        gone = self.leavers[0]
        book.add(
            ways.SINGLE, ways.QR, gone.left_at - 90 * DAY, remark=f"{gone.name} 名片",
            state=f"store{gone.department[0]}", user=[gone.userid],
        )  # fmt: skip

    def _hurt(self) -> None:
        """Give some customers nicknames, and some follows remarks, that break careless code."""
        corp, names = self.corp, nasty_nicknames()
        rows = self.dice.sample(range(len(corp.customers)), min(len(names), len(corp.customers)))
        for row, name in zip(rows, names, strict=False):
            corp.customers.name[row] = dumps(name)
            follow = corp.customers.first_follow[row]
            if row % 3 == 0:
                corp.follows.set_remark(follow, name[:20])

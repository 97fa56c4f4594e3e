"""Acts about customers and follows."""

from __future__ import annotations

from typing import Any

from storeops.sandbox import ways
from storeops.sandbox.act import Act, act
from storeops.sandbox.customers import WECHAT
from storeops.sandbox.follows import BY_CUSTOMER
from storeops.sandbox.jsontext import EMPTY, dumps
from storeops.sandbox.people import People


@act("follow_add")
def follow_add(a: Act) -> dict[str, Any]:
    """A member gains a customer: a known one when external_userid is given, else a new person."""
    corp, people = a.corp, People(a.dice)
    member = a.member()
    if not member.customer_contact:
        raise ValueError(f"{member.userid} has no customer contact")
    if "external_userid" in a.given:
        row = a.customer()
        known = corp.follows.between(corp.customers, member.number, row)
        if known >= 0:
            return _added_again(a, known)
    else:
        gender = a.number("gender", a.dice.choice((1, 2, 2)))
        kind = a.number("type", WECHAT)
        if gender not in (0, 1, 2) or kind not in (1, 2):
            raise ValueError("gender must be 0, 1 or 2, and type 1 or 2")
        row = corp.customers.add(a.text("name", people.nickname(gender)[0]), gender, kind)
    way = a.number("add_way", 1)
    if not 0 <= way <= 255:
        raise ValueError("add_way must be between 0 and 255")
    state = corp.follows.state_number(a.text("state"))
    now = corp.clock.now()
    flags = BY_CUSTOMER if way == 1 else 0
    follow = corp.follows.add(corp.customers, row, member.number, now, way, flags, state)
    if "remark" in a.given:
        corp.follows.set_remark(follow, a.text("remark"))
    extra = {"state": a.text("state")} if a.text("state") else {}
    # none for a WeCom user of another corp, nor where the console greets
    if corp.customers.kind[row] == WECHAT and a.flag("greets", True):
        pair = a.pair(follow)
        extra["welcome_code"] = corp.welcomes.give(pair["userid"], pair["external_userid"], now)
    corp.emit("change_external_contact", "add_external_contact", **a.pair(follow), **extra)
    return {**a.pair(follow), "createtime": now}


def _added_again(a: Act, follow: int) -> dict[str, Any]:
    """A customer who had deleted the member comes back: the same relation, added now."""
    corp, follows = a.corp, a.corp.follows
    if not follows.deleted_by_customer_at.pop(follow, 0):
        raise ValueError(f"{corp.member_of(follow).userid} follows that customer already")
    follows.created[follow] = corp.clock.now()
    corp.emit("change_external_contact", "add_external_contact", **a.pair(follow))
    return {**a.pair(follow), "createtime": follows.created[follow]}


@act("customer_new")
def customer_new(a: Act) -> dict[str, Any]:
    """A person nobody knew adds a member."""
    if "external_userid" in a.given:
        raise ValueError("a new customer has no external_userid yet; use follow_add")
    return follow_add(a)


@act("scan")
def scan(a: Act) -> dict[str, Any]:
    """A customer adds one of the members of a contact way (config_id, else a drawn one)."""
    corp = a.corp
    named = a.text("config_id")
    if named and named not in corp.contact_ways.ways:
        raise ValueError(f"no contact way {named}")
    every = list(corp.contact_ways.ways)
    drawn = [named] if named else a.dice.sample(every, k=len(every))
    for config_id in drawn:
        way = corp.contact_ways.ways[config_id]
        reached = sorted(ways.members(corp.organisation, way.user, way.party))
        fitting = [m for n in reached if ways.fit(m := corp.organisation.members[n])]
        if fitting:
            a.given |= {"userid": a.dice.choice(fitting).userid, "state": way.state, "add_way": 1}
            return {**follow_add(a), "config_id": config_id, "state": way.state}
    raise ValueError("nobody can be added by that contact way")


@act("follow_delete")
def follow_delete(a: Act) -> dict[str, Any]:
    """A member deletes a customer."""
    follow = a.follow()
    pair = a.pair(follow)
    a.corp.follows.end(follow)
    a.corp.emit("change_external_contact", "del_external_contact", **pair)
    return pair


@act("deleted_by_customer")
def deleted_by_customer(a: Act) -> dict[str, Any]:
    """A customer deletes a member; the relation stays, one-sided."""
    follow = a.follow()
    now = a.corp.clock.now()
    a.corp.follows.deleted_by_customer_at[follow] = now
    a.corp.emit("change_external_contact", "del_follow_user", **a.pair(follow))
    return {**a.pair(follow), "deleted_by_customer_at": now}


@act("customer_rename")
def customer_rename(a: Act) -> dict[str, Any]:
    """A customer changes the WeChat nickname; WeCom calls nobody back for that."""
    follow = a.follow()
    row = a.corp.follows.customer[follow]
    name = a.text("name", People(a.dice).nickname(2)[0])
    a.corp.customers.name[row] = dumps(name) if name else EMPTY
    return {"external_userid": a.corp.customers.id(row), "name": name}


@act("remark_edit")
def remark_edit(a: Act) -> dict[str, Any]:
    """A member edits remark, description, mobiles or company in the client."""
    follow = a.follow()
    follows = a.corp.follows
    done: dict[str, Any] = a.pair(follow)
    fields = {"remark", "description", "remark_mobiles", "remark_company"} & set(a.given)
    if "remark" in fields or not fields:
        people = People(a.dice)
        text = a.text("remark", people.remark(people.surname(), 2))
        follows.set_remark(follow, text)
        done["remark"] = text
    if "description" in fields:
        follows.set_description(follow, a.text("description"))
        done["description"] = a.text("description")
    if "remark_mobiles" in fields:
        follows.set_mobiles(follow, tuple(a.texts("remark_mobiles")))
        done["remark_mobiles"] = a.texts("remark_mobiles")
    if "remark_company" in fields:
        follows.set_company(follow, a.text("remark_company"))
        done["remark_company"] = a.text("remark_company")
    a.edited(follow)
    return done


@act("tag_mark")
def tag_mark(a: Act) -> dict[str, Any]:
    """A member sets or takes corp tags (add, remove: tag ids) on one relation."""
    follow = a.follow()
    library, follows = a.corp.tags, a.corp.follows
    add, remove = a.texts("add"), a.texts("remove")
    if not add and not remove:
        living = [t.id for t in library.by_number if not t.deleted]
        if not living:
            raise ValueError("the library is empty")
        add = [a.dice.choice(living)]
    numbers = set(follows.tags[follow])
    for tag_id in (*add, *remove):
        tag = library.tags.get(tag_id)
        if tag is None or tag.deleted:
            raise ValueError(f"no tag {tag_id}")
        (numbers.add if tag_id in add else numbers.discard)(tag.number)
    follows.set_tags(follow, tuple(sorted(numbers)))
    a.edited(follow)
    return {**a.pair(follow), "add": add, "remove": remove}


@act("personal_tag")
def personal_tag(a: Act) -> dict[str, Any]:
    """A member sets (add) or takes (remove) tags of their own."""
    follow = a.follow()
    personal = a.corp.follows.personal
    add, remove = a.texts("add"), a.texts("remove")
    if not add and not remove:
        add = [a.dice.choice(People(a.dice).data["personal_tags"])]
    names = dict.fromkeys((*personal.get(follow, ()), *add))
    kept = tuple(n for n in names if n not in remove)
    if kept:
        personal[follow] = kept
    else:
        personal.pop(follow, None)
    a.edited(follow)
    return {**a.pair(follow), "personal_tags": list(kept)}

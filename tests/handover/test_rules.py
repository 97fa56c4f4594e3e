"""Who takes whom: every rule, caps, the same answer twice, and a reason per row."""

from __future__ import annotations

from collections import Counter

import pytest

from storeops.changes.sheets import Source
from storeops.errors import NothingToDoError, UsageError

DAY = 86_400


def _to_owners(desk, made):
    return dict(
        desk.app.data.execute(
            "SELECT external_userid, json_extract(extra, '$.to') FROM plan_row"
            " WHERE plan_id = ? AND external_userid <> ''",
            (made.plan.id,),
        ).fetchall()
    )


def _whys(desk, made):
    return [
        row[0]
        for row in desk.app.data.execute(
            "SELECT json_extract(extra, '$.why') FROM plan_row WHERE plan_id = ? AND code = ''",
            (made.plan.id,),
        )
    ]


def _people(desk, count):
    """A giver with customers and takers of other places."""
    staff = [m["userid"] for m in desk.staff()]
    return staff[0], staff[1 : count + 1]


@pytest.mark.parametrize("rule", ["least-loaded", "round-robin", "weighted", "capacity"])
def test_a_rule_gives_everybody_to_somebody_and_says_why(desk, rule):
    from_owner, to_owners = _people(desk, 3)
    made = desk.plan(from_owner, to=to_owners, rule=rule)
    assert made.plan.blocked == 0
    counts = Counter(_to_owners(desk, made).values())
    assert set(counts) <= set(to_owners)
    assert all(_whys(desk, made))
    again = desk.plan(from_owner, to=to_owners, rule=rule)
    assert _to_owners(desk, again) == _to_owners(desk, made)


def test_round_robin_is_even_and_weights_are_kept(desk):
    from_owner, to_owners = _people(desk, 3)
    counts = Counter(
        _to_owners(desk, desk.plan(from_owner, to=to_owners, rule="round-robin")).values()
    )
    assert max(counts.values()) - min(counts.values()) <= 1
    made = desk.plan(from_owner, to=to_owners[:2], rule="weighted", weights={to_owners[0]: 3})
    counts = Counter(_to_owners(desk, made).values())
    assert counts[to_owners[0]] == pytest.approx(3 * counts[to_owners[1]], abs=3)


def test_least_loaded_evens_out_what_people_have(desk):
    from_owner, to_owners = _people(desk, 4)
    made = desk.plan(from_owner, to=to_owners)
    by_userid = {share.userid: share for share in made.shares}
    after = [by_userid[t].load + by_userid[t].customers for t in to_owners if t in by_userid]
    assert max(after) - min(after) <= 1 + made.friends


def test_same_store_stays_in_the_shop(desk):
    by_store = {}
    for member in desk.staff():
        by_store.setdefault(member["main_department"], []).append(member["userid"])
    from_owner, *colleagues = max(by_store.values(), key=len)
    made = desk.plan(from_owner, rule="same-store")
    assert made.plan.blocked == 0
    assert set(_to_owners(desk, made).values()) <= set(colleagues)


def test_same_store_without_colleagues_blocks_and_says_so(desk):
    by_store = {}
    for member in desk.staff():
        by_store.setdefault(member["main_department"], []).append(member["userid"])
    from_owner, *colleagues = max(by_store.values(), key=len)
    for each in colleagues:
        desk.member(each, customer_contact=False)
    desk.sync()
    made = desk.plan(from_owner, rule="same-store")
    assert desk.blocked(made) == {"no_taker": made.plan.rows}


def test_caps_per_taker_and_per_day(desk):
    from_owner, to_owners = _people(desk, 2)
    made = desk.plan(from_owner, to=to_owners, rule="round-robin", cap=3, groups=False)
    assert Counter(_to_owners(desk, made).values())[to_owners[0]] == 3
    assert desk.blocked(made) == {"no_taker": made.plan.rows - 6}
    made = desk.plan(from_owner, to=to_owners, per_day=4, groups=False)
    desk.apply(made)
    later = desk.plan(from_owner, to=to_owners, per_day=4, groups=False)
    assert later.plan.ready == 0
    retry = desk.app.data.execute(
        "SELECT min(retry_at) FROM plan_row WHERE plan_id = ? AND code = 'no_taker'",
        (later.plan.id,),
    ).fetchone()[0]
    now = desk.app.clock.now()
    assert now < retry <= now + DAY
    desk.advance(DAY)
    assert desk.plan(from_owner, to=to_owners, per_day=4, groups=False).plan.ready == 8


def test_by_tag_and_by_date(desk):
    from_owner, (first, second) = _people(desk, 2)
    rows = {e: r for (u, e), r in desk.follows().items() if u == from_owner}
    common = Counter(t for r in rows.values() for t in r["tag_id"]).most_common(1)[0][0]
    made = desk.plan(from_owner, rule="by-tag", map=[(common, first), ("*", second)])
    for external, to_owner in _to_owners(desk, made).items():
        assert to_owner == (first if common in rows[external]["tag_id"] else second)
    made = desk.plan(from_owner, rule="by-tag", map=[(common, first)])
    untagged = sum(common not in r["tag_id"] for e, r in rows.items())
    assert desk.blocked(made) == {"no_taker": untagged}
    moments = sorted(r["createtime"] for r in rows.values())
    from storeops.times import day

    middle = day(moments[len(moments) // 2])
    made = desk.plan(from_owner, rule="by-date", map=[(middle, first), ("*", second)])
    for external, to_owner in _to_owners(desk, made).items():
        assert to_owner == (first if day(rows[external]["createtime"]) >= middle else second)


def test_a_file_says_who_takes_whom(desk, tmp_path):
    from_owner, (first, second) = _people(desk, 2)
    ids = desk.customers(from_owner)[:4]
    file = tmp_path / "who.csv"
    file.write_text(
        "客户ID,原负责人,接替人\n"
        f"{ids[0]},{from_owner},{first}\n{ids[1]},{from_owner},{second}\n"
        f"{ids[2]},{from_owner},nobody-here\nwm-no-such,{from_owner},{first}\n{ids[3]},{from_owner},\n",
        encoding="utf-8-sig",
    )
    with pytest.raises(UsageError, match="Nobody was named"):
        desk.plan(file=Source(str(file)))
    made = desk.plan(file=Source(str(file)), to=second)
    assert _to_owners(desk, made) == {ids[0]: first, ids[1]: second, ids[3]: second}
    assert [p["line"] for p in made.plan.problems if not p["warning"]] == [4, 5]


def test_where_and_again_choose_customers(desk):
    from_owner, (first, second) = _people(desk, 2)
    who = desk.customers(from_owner, without=first)
    desk.will(who[:3], "refuse")
    made = desk.hand_over(from_owner, to=first, groups=False)
    desk.advance(DAY)
    desk.watch()
    assert desk.tally(made)["refused"] == 3
    again = desk.plan(again=made.plan.name, to=second)
    assert set(_to_owners(desk, again)) == set(who[:3])
    tagged = [e for (u, e), r in desk.follows().items() if u == second and r["tag_id"]]
    desk.sync()
    made = desk.plan(second, to=first, where="has:tag", groups=False)
    assert set(tagged) <= set(_to_owners(desk, made))


def test_contradictions_are_refused(desk):
    leaver, from_owner = desk.leavers()[0]["userid"], desk.staff()[0]["userid"]
    to_owner = desk.staff()[1]["userid"]
    with pytest.raises(UsageError, match="has left"):
        desk.plan(leaver, to=to_owner, kind="on_job")
    with pytest.raises(UsageError, match="has not left"):
        desk.plan(from_owner, to=to_owner, kind="resigned")
    with pytest.raises(UsageError, match="Nobody was named to take over"):
        desk.plan(from_owner)
    with pytest.raises(UsageError, match="no rule"):
        desk.plan(from_owner, to=to_owner, rule="by-magic")


def test_the_farewell_is_filled_in_and_measured(desk):
    from_owner, (to_owner, _other) = _people(desk, 2)
    made = desk.plan(
        from_owner, to=to_owner, message="{from} 之后由 {to}（{store}）为您服务", groups=False
    )
    text = made.plan.params["messages"][f"{from_owner}>{to_owner}"]
    name = {m["userid"]: m["name"] for m in desk.staff()}
    assert name[from_owner] in text
    assert name[to_owner] in text
    with pytest.raises(UsageError, match="characters long"):
        desk.plan(from_owner, to=to_owner, message="长" * 201)
    for odd in ("{name} 您好", "{from!r}", "{to:>999999999}", "{from.__class__}", "{}", "再见 {"):
        with pytest.raises(UsageError, match="placeholder"):
            desk.plan(from_owner, to=to_owner, message=odd)
    braces = desk.plan(from_owner, to=to_owner, message="{{{to}}}", groups=False)
    assert braces.plan.params["messages"][f"{from_owner}>{to_owner}"].startswith("{")
    with pytest.raises(UsageError, match="carries no farewell"):
        desk.plan(desk.leavers()[0]["userid"], to=to_owner, message="再见")
    desk.apply(made)
    assert desk.tally(made) == {"waiting": made.plan.ready}


def test_who_found_no_taker_is_offered_to_another_colleague(desk):
    by_store = {}
    for member in desk.staff():
        by_store.setdefault(member["main_department"], []).append(member["userid"])
    from_owner, first, *others = max(by_store.values(), key=len)
    assert others
    who = desk.customers(from_owner, without=first)[:4]
    desk.will(who, "refuse")
    made = desk.hand_over(from_owner, to=first, groups=False)
    desk.advance(DAY)
    desk.watch()
    again = desk.plan(again=made.plan.name)
    assert set(_to_owners(desk, again)) == set(who)
    assert set(_to_owners(desk, again).values()) <= set(others)
    pressed = desk.plan(again=made.plan.name, to=first)
    assert set(_to_owners(desk, pressed).values()) == {first}, "a person may insist"


def test_who_is_gone_is_said_and_not_offered_again(desk):
    from_owner, first, second = (each["userid"] for each in desk.staff()[:3])
    who = desk.customers(from_owner, without=first)[:2]
    desk.will(who, "refuse")
    made = desk.hand_over(from_owner, to=first, groups=False)
    desk.advance(DAY)
    desk.watch()
    lose = "UPDATE follow SET status = 'missing' WHERE customer_id IN (SELECT id FROM customer WHERE external_userid = ?)"  # noqa: E501
    desk.app.data.execute(lose, (who[0],))
    again = desk.plan(again=made.plan.name, to=second)
    assert set(_to_owners(desk, again)) == {who[1]}
    assert "1 customer of plan" in again.plan.problems[0]["message"]
    desk.app.data.execute(lose, (who[1],))
    with pytest.raises(NothingToDoError, match="2 customers of plan") as raised:
        desk.plan(again=made.plan.name, to=second)
    assert raised.value.details["plan_id"] is None


def test_words_of_a_plan_count_what_there_is(desk, cli):
    owner = next(
        g["owner"] for g in desk.control.export("groups")
        if g["owner"] in {m["userid"] for m in desk.staff()}
    )  # fmt: skip
    to_owner = next(m["userid"] for m in desk.staff() if m["userid"] != owner)
    for each in desk.control.export("groups"):
        if each["owner"] == owner:
            last = each["chat_id"]
    for each in list(desk.control.export("groups")):
        if each["owner"] == owner and each["chat_id"] != last:
            desk.control.act("group_dissolve", chat_id=each["chat_id"])
    desk.sync()
    desk.sync()
    text = cli("handover", "plan", "--from", owner, "--to", to_owner, "--only-groups").out
    assert "1 group chat of" in text
    assert ": 1 group chat  (has" in text
    assert "0 customers" not in text
    assert "1 call;" in text
    text = cli("handover", "plan", "--from", owner, "--to", owner, "--no-groups").out
    assert "Choose somebody else." in text


def test_a_members_name_stays_on_its_line(desk, cli):
    from_owner, to_owner = (m["userid"] for m in desk.staff()[:2])
    for userid in (from_owner, to_owner):
        desk.control.act("staff_edit", userid=userid, name="\x1b[31m王\n      0 calls; done\u202e")
    desk.sync()
    text = cli("handover", "plan", "--from", from_owner, "--to", to_owner, "--no-groups").out
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not any(line.startswith("      0 calls; done") for line in text.splitlines())


def test_one_relation_that_cannot_move_does_not_hold_the_customers_other_one(desk, tmp_path):
    """A customer of two members: only the relation with who left too long ago is barred."""
    present = {m["userid"] for m in desk.staff()}
    old = desk.leavers()[0]
    holders = {}
    for owner, external in desk.follows():
        holders.setdefault(external, []).append(owner)
    shared, from_owner = next(
        (e, next(u for u in people if u in present)) for e, people in holders.items()
        if old["userid"] in people and present & set(people)
    )  # fmt: skip
    to_owner = next(u for u in present if u not in holders[shared])
    desk.advance(old["left_at"] + 366 * DAY - desk.control.now())
    for userid in (from_owner, to_owner):
        desk.member(userid, last_login=int(desk.control.now()))
    file = tmp_path / "both.csv"
    rows = "".join(f"{shared},{userid},{to_owner}\n" for userid in (old["userid"], from_owner))
    file.write_text("external_userid,userid,takeover_userid\n" + rows)
    made = desk.plan(file=Source(str(file)))
    assert desk.blocked(made) == {"leaver_too_long": 1}
    desk.apply(made)
    desk.advance(DAY)
    desk.watch()
    assert desk.tally(made) == {"blocked": 1, "done": 1}

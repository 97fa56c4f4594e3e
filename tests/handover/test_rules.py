"""Who takes whom: every rule, caps, the same answer twice, and a reason per row."""

from __future__ import annotations

from collections import Counter

import pytest

from storeops.changes.sheets import Source
from storeops.errors import NothingToDoError, UsageError

DAY = 86_400


def _to_owners(corp, made):
    return dict(
        corp.app.data.execute(
            "SELECT external_userid, json_extract(extra, '$.to') FROM plan_row"
            " WHERE plan_id = ? AND external_userid <> ''",
            (made.plan.id,),
        ).fetchall()
    )


def _whys(corp, made):
    return [
        row[0]
        for row in corp.app.data.execute(
            "SELECT json_extract(extra, '$.why') FROM plan_row WHERE plan_id = ? AND code = ''",
            (made.plan.id,),
        )
    ]


def _people(corp, count):
    """A giver with customers and takers of other places."""
    staff = [m["userid"] for m in corp.staff()]
    return staff[0], staff[1 : count + 1]


@pytest.mark.parametrize("rule", ["least-loaded", "round-robin", "weighted", "capacity"])
def test_a_rule_gives_everybody_to_somebody_and_says_why(corp, rule):
    from_owner, to_owners = _people(corp, 3)
    made = corp.plan(from_owner, to=to_owners, rule=rule)
    assert made.plan.blocked == 0
    counts = Counter(_to_owners(corp, made).values())
    assert set(counts) <= set(to_owners)
    assert all(_whys(corp, made))
    assert {each.userid for each in made.shares} == set(to_owners), "also who gets nobody"
    again = corp.plan(from_owner, to=to_owners, rule=rule)
    assert _to_owners(corp, again) == _to_owners(corp, made)


def test_round_robin_is_even_and_weights_are_kept(corp):
    from_owner, to_owners = _people(corp, 3)
    counts = Counter(
        _to_owners(corp, corp.plan(from_owner, to=to_owners, rule="round-robin")).values()
    )
    assert max(counts.values()) - min(counts.values()) <= 1
    made = corp.plan(from_owner, to=to_owners[:2], rule="weighted", weights={to_owners[0]: 3})
    counts = Counter(_to_owners(corp, made).values())
    assert counts[to_owners[0]] == pytest.approx(3 * counts[to_owners[1]], abs=3)


def test_least_loaded_evens_out_what_people_have(corp):
    from_owner, to_owners = _people(corp, 4)
    made = corp.plan(from_owner, to=to_owners)
    by_userid = {share.userid: share for share in made.shares}
    after = [by_userid[t].load + by_userid[t].customers for t in to_owners if t in by_userid]
    assert max(after) - min(after) <= 1 + made.friends


def test_same_store_stays_in_the_shop(corp):
    by_store = {}
    for member in corp.staff():
        by_store.setdefault(member["main_department"], []).append(member["userid"])
    from_owner, *colleagues = max(by_store.values(), key=len)
    made = corp.plan(from_owner, rule="same-store")
    assert made.plan.blocked == 0
    assert set(_to_owners(corp, made).values()) <= set(colleagues)


def test_same_store_without_colleagues_blocks_and_says_so(corp):
    by_store = {}
    for member in corp.staff():
        by_store.setdefault(member["main_department"], []).append(member["userid"])
    from_owner, *colleagues = max(by_store.values(), key=len)
    for each in colleagues:
        corp.member(each, customer_contact=False)
    corp.sync()
    made = corp.plan(from_owner, rule="same-store")
    assert corp.blocked(made) == {"no_taker": made.plan.rows}


def test_caps_per_taker_and_per_day(corp):
    from_owner, to_owners = _people(corp, 2)
    made = corp.plan(from_owner, to=to_owners, rule="round-robin", cap=3, groups=False)
    assert Counter(_to_owners(corp, made).values())[to_owners[0]] == 3
    assert corp.blocked(made) == {"no_taker": made.plan.rows - 6}
    made = corp.plan(from_owner, to=to_owners, per_day=4, groups=False)
    corp.apply(made)
    later = corp.plan(from_owner, to=to_owners, per_day=4, groups=False)
    assert later.plan.ready == 0
    retry = corp.app.data.execute(
        "SELECT min(retry_at) FROM plan_row WHERE plan_id = ? AND code = 'no_taker'",
        (later.plan.id,),
    ).fetchone()[0]
    now = corp.app.clock.now()
    assert now < retry <= now + DAY
    corp.advance(DAY)
    assert corp.plan(from_owner, to=to_owners, per_day=4, groups=False).plan.ready == 8


def test_by_tag_and_by_date(corp):
    from_owner, (first, second) = _people(corp, 2)
    rows = {e: r for (u, e), r in corp.follows().items() if u == from_owner}
    common = Counter(t for r in rows.values() for t in r["tag_id"]).most_common(1)[0][0]
    made = corp.plan(from_owner, rule="by-tag", map=[(common, first), ("*", second)])
    for external, to_owner in _to_owners(corp, made).items():
        assert to_owner == (first if common in rows[external]["tag_id"] else second)
    made = corp.plan(from_owner, rule="by-tag", map=[(common, first)])
    untagged = sum(common not in r["tag_id"] for e, r in rows.items())
    assert corp.blocked(made) == {"no_taker": untagged}
    moments = sorted(r["createtime"] for r in rows.values())
    from storeops.times import day

    middle = day(moments[len(moments) // 2])
    made = corp.plan(from_owner, rule="by-date", map=[(middle, first), ("*", second)])
    for external, to_owner in _to_owners(corp, made).items():
        assert to_owner == (first if day(rows[external]["createtime"]) >= middle else second)


def test_a_file_says_who_takes_whom(corp, tmp_path):
    from_owner, (first, second) = _people(corp, 2)
    ids = corp.customers(from_owner)[:4]
    file = tmp_path / "who.csv"
    file.write_text(
        "客户ID,原负责人,接替人\n"
        f"{ids[0]},{from_owner},{first}\n{ids[1]},{from_owner},{second}\n"
        f"{ids[2]},{from_owner},nobody-here\nwm-no-such,{from_owner},{first}\n{ids[3]},{from_owner},\n",
        encoding="utf-8-sig",
    )
    with pytest.raises(UsageError, match="Nobody was named"):
        corp.plan(file=Source(str(file)))
    made = corp.plan(file=Source(str(file)), to=second)
    assert _to_owners(corp, made) == {ids[0]: first, ids[1]: second, ids[3]: second}
    assert [p["line"] for p in made.plan.problems if not p["warning"]] == [4, 5]


def test_where_and_again_choose_customers(corp):
    from_owner, (first, second) = _people(corp, 2)
    who = corp.customers(from_owner, without=first)
    corp.decide(who[:3], "refuse")
    made = corp.hand_over(from_owner, to=first, groups=False)
    corp.advance(DAY)
    corp.watch()
    assert corp.row_counts(made)["refused"] == 3
    again = corp.plan(again=made.plan.name, to=second)
    assert set(_to_owners(corp, again)) == set(who[:3])
    tagged = [e for (u, e), r in corp.follows().items() if u == second and r["tag_id"]]
    corp.sync()
    made = corp.plan(second, to=first, where="has:tag", groups=False)
    assert set(tagged) <= set(_to_owners(corp, made))


def test_contradictions_are_refused(corp):
    leaver, from_owner = corp.leavers()[0]["userid"], corp.staff()[0]["userid"]
    to_owner = corp.staff()[1]["userid"]
    with pytest.raises(UsageError, match="has left"):
        corp.plan(leaver, to=to_owner, kind="on_job")
    with pytest.raises(UsageError, match="has not left"):
        corp.plan(from_owner, to=to_owner, kind="resigned")
    with pytest.raises(UsageError, match="Nobody was named to take over"):
        corp.plan(from_owner)
    with pytest.raises(UsageError, match="no rule"):
        corp.plan(from_owner, to=to_owner, rule="by-magic")


def test_the_farewell_is_filled_in_and_measured(corp):
    from_owner, (to_owner, _other) = _people(corp, 2)
    made = corp.plan(
        from_owner, to=to_owner, message="{from} 之后由 {to}（{store}）为您服务", groups=False
    )
    text = made.plan.params["messages"][f"{from_owner}>{to_owner}"]
    name = {m["userid"]: m["name"] for m in corp.staff()}
    assert name[from_owner] in text
    assert name[to_owner] in text
    with pytest.raises(UsageError, match="characters long"):
        corp.plan(from_owner, to=to_owner, message="长" * 201)
    for odd in ("{name} 您好", "{from!r}", "{to:>999999999}", "{from.__class__}", "{}", "再见 {"):
        with pytest.raises(UsageError, match="placeholder"):
            corp.plan(from_owner, to=to_owner, message=odd)
    braces = corp.plan(from_owner, to=to_owner, message="{{{to}}}", groups=False)
    assert braces.plan.params["messages"][f"{from_owner}>{to_owner}"].startswith("{")
    with pytest.raises(UsageError, match="carries no farewell"):
        corp.plan(corp.leavers()[0]["userid"], to=to_owner, message="再见")
    corp.apply(made)
    assert corp.row_counts(made) == {"waiting": made.plan.ready}


def test_who_found_no_taker_is_offered_to_another_colleague(corp):
    by_store = {}
    for member in corp.staff():
        by_store.setdefault(member["main_department"], []).append(member["userid"])
    from_owner, first, *others = max(by_store.values(), key=len)
    assert others
    who = corp.customers(from_owner, without=first)[:4]
    corp.decide(who, "refuse")
    made = corp.hand_over(from_owner, to=first, groups=False)
    corp.advance(DAY)
    corp.watch()
    again = corp.plan(again=made.plan.name)
    assert set(_to_owners(corp, again)) == set(who)
    assert set(_to_owners(corp, again).values()) <= set(others)
    pressed = corp.plan(again=made.plan.name, to=first)
    assert set(_to_owners(corp, pressed).values()) == {first}, "a person may insist"


def test_who_is_gone_is_said_and_not_offered_again(corp):
    from_owner, first, second = (each["userid"] for each in corp.staff()[:3])
    who = corp.customers(from_owner, without=first)[:2]
    corp.decide(who, "refuse")
    made = corp.hand_over(from_owner, to=first, groups=False)
    corp.advance(DAY)
    corp.watch()
    lose = "UPDATE follow SET status = 'missing' WHERE customer_id IN (SELECT id FROM customer WHERE external_userid = ?)"  # noqa: E501
    corp.app.data.execute(lose, (who[0],))
    again = corp.plan(again=made.plan.name, to=second)
    assert set(_to_owners(corp, again)) == {who[1]}
    assert "1 customer of plan" in again.plan.problems[0]["message"]
    corp.app.data.execute(lose, (who[1],))
    with pytest.raises(NothingToDoError, match="2 customers of plan") as raised:
        corp.plan(again=made.plan.name, to=second)
    assert raised.value.details["plan_id"] is None


def test_words_of_a_plan_count_what_there_is(corp, cli):
    owner = next(
        g["owner"] for g in corp.control.export("groups")
        if g["owner"] in {m["userid"] for m in corp.staff()}
    )  # fmt: skip
    to_owner = next(m["userid"] for m in corp.staff() if m["userid"] != owner)
    for each in corp.control.export("groups"):
        if each["owner"] == owner:
            last = each["chat_id"]
    for each in list(corp.control.export("groups")):
        if each["owner"] == owner and each["chat_id"] != last:
            corp.control.act("group_dissolve", chat_id=each["chat_id"])
    corp.sync()
    corp.sync()
    text = cli("handover", "plan", "--from", owner, "--to", to_owner, "--only-groups").out
    assert "1 group chat of" in text
    assert ": 1 group chat  (has" in text
    assert "0 customers" not in text
    assert "1 call;" in text
    text = cli("handover", "plan", "--from", owner, "--to", owner, "--no-groups").out
    assert "Choose somebody else." in text


def test_a_members_name_stays_on_its_line(corp, cli):
    from_owner, to_owner = (m["userid"] for m in corp.staff()[:2])
    for userid in (from_owner, to_owner):
        corp.control.act("staff_edit", userid=userid, name="\x1b[31m王\n      0 calls; done\u202e")
    corp.sync()
    text = cli("handover", "plan", "--from", from_owner, "--to", to_owner, "--no-groups").out
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not any(line.startswith("      0 calls; done") for line in text.splitlines())


def test_one_relation_that_cannot_move_does_not_hold_the_customers_other_one(corp, tmp_path):
    """A customer of two members: only the relation with who left too long ago is barred."""
    present = {m["userid"] for m in corp.staff()}
    old = corp.leavers()[0]
    holders = {}
    for owner, external in corp.follows():
        holders.setdefault(external, []).append(owner)
    shared, from_owner = next(
        (e, next(u for u in people if u in present)) for e, people in holders.items()
        if old["userid"] in people and present & set(people)
    )  # fmt: skip
    to_owner = next(u for u in present if u not in holders[shared])
    corp.advance(old["left_at"] + 366 * DAY - corp.control.now())
    for userid in (from_owner, to_owner):
        corp.member(userid, last_login=int(corp.control.now()))
    file = tmp_path / "both.csv"
    rows = "".join(f"{shared},{userid},{to_owner}\n" for userid in (old["userid"], from_owner))
    file.write_text("external_userid,userid,takeover_userid\n" + rows)
    made = corp.plan(file=Source(str(file)))
    assert corp.blocked(made) == {"leaver_too_long": 1}
    corp.apply(made)
    corp.advance(DAY)
    corp.watch()
    assert corp.row_counts(made) == {"blocked": 1, "done": 1}

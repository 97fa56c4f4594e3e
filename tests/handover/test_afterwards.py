"""After the move: tags and remarks, notes, the way back, report, quota, leavers."""

from __future__ import annotations

import pytest

from storeops.changes import apply as changes
from storeops.domains.handover.back import plan_back
from storeops.domains.handover.leavers import coverage, leaver, leavers
from storeops.domains.handover.report import quota, report, waiting
from storeops.domains.handover.restore import plan_restore
from storeops.errors import ConflictError, PolicyError

DAY = 86_400
QUIET = {
    "handover_at_once_rate": 0, "handover_early_rate": 0, "handover_refuse_rate": 0,
    "handover_delete_rate": 0,
}  # fmt: skip


def _done(corp, from_owner, to_owner, **request):
    made = corp.hand_over(from_owner, to=to_owner, groups=False, **request)
    corp.advance(DAY)
    corp.watch()
    return made


def _restore(corp, made):
    found = plan_restore(corp.app.ledger, corp.app.client, made.plan.name)
    for plan in found.plans:
        changes.apply(corp.app.ledger, plan.name)
    corp.app.worker().run()
    return found


@pytest.mark.parametrize("resigned", [False, True])
def test_tags_and_remarks_that_did_not_travel_are_put_back(make_corp, resigned):
    corp = make_corp(handover_tags_travel=False, handover_remark_travels=False, **QUIET)
    from_owner = corp.staff()[0]["userid"]
    to_owner = corp.staff()[1]["userid"]
    before = corp.follows()
    if resigned:
        corp.control.act("staff_leave", userid=from_owner)
        corp.sync()
    made = _done(corp, from_owner, to_owner)
    assert made.plan.ready > 10
    found = _restore(corp, made)
    assert found.tags > 3
    assert found.remarks > 3
    after = corp.follows()
    for (owner, external), old in before.items():
        if owner != from_owner or (to_owner, external) in before:
            continue
        new = after[to_owner, external]
        assert sorted(new["tag_id"]) == sorted(old["tag_id"])
        for name in ("remark", "description", "remark_mobiles"):
            assert new[name] == old[name], name
    again = plan_restore(corp.app.ledger, corp.app.client, made.plan.name)
    assert (again.tags, again.remarks, again.plans) == (0, 0, [])


def test_what_travelled_needs_nothing(corp):
    from_owner, to_owner = (m["userid"] for m in corp.staff()[:2])
    made = _done(corp, from_owner, to_owner)
    found = plan_restore(corp.app.ledger, corp.app.client, made.plan.name)
    assert found.plans == []
    assert found.same + made.friends >= made.plan.ready - found.tags


def test_a_relation_that_cannot_be_read_is_named_and_the_others_are_put_back(make_corp):
    corp = make_corp(handover_tags_travel=False, handover_remark_travels=False, **QUIET)
    from_owner, to_owner = (m["userid"] for m in corp.staff()[:2])
    made = _done(corp, from_owner, to_owner)
    for path in ("externalcontact/batch/get_by_user", "externalcontact/get"):
        corp.control.fault("null_field", path, field="userid", first=1)
    found = plan_restore(corp.app.ledger, corp.app.client, made.plan.name)
    assert len(found.lost) == 1
    assert "cannot be read" in str([each.as_dict() for each in found.plans])
    assert found.unread == 0
    assert found.tags > 3


def test_an_old_friend_keeps_the_own_remark_and_gains_tags(make_corp):
    corp = make_corp(handover_tags_travel=False, handover_remark_travels=False, **QUIET)
    rows = corp.follows()
    holders = {}
    people = {m["userid"] for m in corp.staff()}
    for owner, external in rows:
        if owner in people:
            holders.setdefault(external, []).append(owner)
    friend, (from_owner, to_owner) = next(
        (e, sorted(h)[:2]) for e, h in holders.items()
        if len(h) > 1 and rows[sorted(h)[0], e]["tag_id"] and rows[sorted(h)[1], e]["remark"]
    )  # fmt: skip
    made = _done(corp, from_owner, to_owner)
    assert corp.statuses(made)[friend] == "done", "no add event comes, and yet it is known"
    _restore(corp, made)
    after = corp.follows()[to_owner, friend]
    assert after["remark"] == rows[to_owner, friend]["remark"]
    assert set(after["tag_id"]) == {
        *rows[to_owner, friend]["tag_id"],
        *rows[from_owner, friend]["tag_id"],
    }


def test_personal_tags_become_notes(corp):
    from_owner, to_owner = (m["userid"] for m in corp.staff()[:2])
    who = corp.customers(from_owner, without=to_owner)[0]
    corp.control.act("personal_tag", userid=from_owner, external_userid=who, add=["爱喝茶"])
    made = _done(corp, from_owner, to_owner)
    from storeops.notebook.notes import notes_of

    assert corp.statuses(made)[who] == "done"
    assert any("爱喝茶" in note.text for note in notes_of(corp.app.data, who))


def test_a_handover_cannot_be_undone_but_has_a_way_back(corp):
    from_owner, to_owner = (m["userid"] for m in corp.staff()[:2])
    made = _done(corp, from_owner, to_owner)
    from storeops.changes.undo import plan_undo

    with pytest.raises(PolicyError, match="cannot be undone"):
        plan_undo(corp.app.ledger, made.plan.name)
    back = plan_back(corp.app.ledger, made.plan.name)
    assert back.plan.ready == made.plan.ready
    assert "90 days" in back.plan.problems[0]["message"]
    corp.apply(back)
    corp.advance(DAY)
    corp.watch()
    assert corp.row_counts(back) == {"done": back.plan.ready}
    now = corp.app.clock.now()
    exhausted = quota(corp.app.data, now, exhausted=True)
    assert len(exhausted) == made.plan.ready
    assert all(each.frees_at > now for each in exhausted)
    assert len(quota(corp.app.data, now, userid=from_owner)) == made.plan.ready
    assert quota(corp.app.data, now, userid=corp.staff()[-1]["userid"]) == []
    with pytest.raises(ConflictError):
        plan_back(corp.app.ledger, corp.plan(to_owner, to=from_owner, groups=False).plan.name)


def test_the_report_adds_up(corp):
    from_owner, *to_owners = (m["userid"] for m in corp.staff()[:3])
    refuses = corp.customers(from_owner)[:4]
    corp.decide(refuses, "refuse", 600)
    made = corp.hand_over(from_owner, to=to_owners, rule="round-robin", groups=False)
    assert sum(each.rows for each in waiting(corp.app.data, corp.app.clock.now())) == (
        made.plan.ready
    )
    corp.advance(DAY)
    corp.watch()
    for by in ("taker", "owner", "store", "plan", "outcome"):
        lines = report(corp.app.data, by=by)
        assert sum(each.rows for each in lines) == made.plan.ready
        assert sum(each.ends["refused"] for each in lines) == 4
    assert report(corp.app.data)[0].hours == 24.0
    corp.sync()
    assert sum(each.confirmed for each in report(corp.app.data)) == made.plan.ready - 4
    assert {each.key for each in report(corp.app.data, by="outcome")} == {"done", "refused"}
    assert sum(each.lost for each in report(corp.app.data)) == 0
    alone, holder = next(
        (row["external_userid"], row["takeover_userid"]) for row in corp.results(made)
        if row["status"] == "done"
        and len([who for (who, each) in corp.follows() if each == row["external_userid"]]) == 1
    )  # fmt: skip
    corp.control.act("follow_delete", userid=holder, external_userid=alone)
    corp.sync()
    corp.sync()
    assert sum(each.lost for each in report(corp.app.data)) == 1


def test_leavers_with_countdown_and_those_who_only_own_groups(corp):
    now = corp.control.now()
    owner = next(
        g["owner"] for g in corp.control.export("groups")
        if g["owner"] in {m["userid"] for m in corp.staff()}
    )  # fmt: skip
    to_owner = next(m["userid"] for m in corp.staff() if m["userid"] != owner)
    rest = [e for (u, e) in corp.follows() if u == owner]
    for each in rest:
        corp.control.act("follow_delete", userid=owner, external_userid=each)
    corp.sync()
    corp.sync()
    corp.control.act("staff_leave", userid=owner)
    corp.sync()
    found = {each.userid: each for each in leavers(corp.app.data, now)}
    truth = {m["userid"]: m for m in corp.leavers()}
    for userid, member in truth.items():
        assert found[userid].customers == member["customers"]
        assert found[userid].days_left == (member["left_at"] + 365 * DAY - now) // DAY
    only_groups = found[owner]
    assert (only_groups.customers, only_groups.settled) == (0, False)
    assert only_groups.group_chats > 0
    assert coverage(corp.app.data).complete
    order = [each.left_at for each in leavers(corp.app.data, now)]
    assert order == sorted(order)
    made = corp.hand_over(owner, to=to_owner)
    assert made.plan.ready == only_groups.group_chats
    assert corp.row_counts(made) == {"waiting": made.plan.ready}
    corp.advance(700)
    corp.watch()
    assert corp.row_counts(made) == {"done": made.plan.ready}
    assert leaver(corp.app.data, owner, now).settled
    assert owner not in {each.userid for each in leavers(corp.app.data, now)}


def test_what_nobody_had_read_is_not_called_as_before(corp, cli):
    """A leaver who left before the first sync: the list of unassigned names no tags or remarks."""
    leaver_, to_owner = corp.leavers()[0]["userid"], corp.staff()[0]["userid"]
    made = _done(corp, leaver_, to_owner)
    assert corp.row_counts(made) == {"done": made.plan.ready}
    found = plan_restore(corp.app.ledger, corp.app.client, made.plan.name)
    assert (found.same, found.unknown, found.plans) == (0, made.plan.ready, [])
    text = cli("handover", "restore", made.plan.name).out
    assert f"nothing is known to lack: {made.plan.ready}" in text


def test_more_than_a_thousand_visible_members_are_said_to_limit_what_is_known(corp, cli):
    """Then groupchat/list wants its owners named (81017): a leaver nobody ever saw stays unseen."""
    answer = cli("leaver", "list", "--json")
    assert answer.json["coverage"]["groups_partial"] is False
    assert "1,000 members" not in answer.err
    now = int(corp.app.clock.now())
    with corp.app.data.atomic() as connection:
        connection.executemany(
            "INSERT INTO staff (userid, first_seen_at, updated_at) VALUES (?, ?, ?)",
            [(f"x{number:04d}", now, now) for number in range(1001)],
        )
    answer = cli("leaver", "list", "--json")
    assert answer.json["coverage"]["groups_partial"] is True
    assert "More than 1,000 members are visible" in answer.err

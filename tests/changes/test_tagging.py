"""Tags from wish to undo, on the sandbox."""

import pytest

from storeops.changes import apply, plans, row_results
from storeops.changes.follow_requests import FollowRequest, select_follows
from storeops.changes.undo import plan_undo
from storeops.domains.tags.tag_plan import plan_tags
from storeops.errors import ConflictError, NotFoundError, NothingToDoError, PartialError, UsageError
from storeops.mirror.tag_names import TagNames
from storeops.operations import completion_values
from storeops.reading.customers import Selection


def living(corp):
    names = TagNames(corp.app.data)
    return [tag for tag in names.tags.values() if not tag.deleted and tag.kind == 1]


def tag_everybody(corp, add=(), remove=(), where="!id:none"):
    app = corp.app
    selected = select_follows(
        app.data, FollowRequest(Selection(where=where), follows="all"), app.clock.now()
    )
    return plan_tags(app.ledger, selected, add=add, remove=remove)


def tags_on(truth):
    return {pair: set(row["tag_id"]) for pair, row in truth.items()}


def test_apply_then_undo_puts_every_tag_back(corp):
    one, other = living(corp)[:2]
    before = tags_on(corp.truth())
    plan = tag_everybody(corp, [one.tag_id], [other.path], where="status:active")
    assert plan.ready > 50
    assert tags_on(corp.truth()) == before, "planning writes nothing"

    applied = apply.apply(corp.app.ledger, plan.name)
    assert applied.jobs == applied.rows == plan.ready
    report = corp.run(plan_id=plan.id)
    assert report.rows == {"done": plan.ready}
    rows = list(row_results.results(corp.app.data, plan.id))
    assert {row.status for row in rows} <= {"done", "blocked"}
    after = tags_on(corp.truth())
    for row in rows:
        has = after[row.userid, row.external_userid]
        if row.status == "done":
            assert one.tag_id in has
            assert other.tag_id not in has

    undo = plan_undo(corp.app.ledger, plan.name)
    assert undo.ready == plan.ready
    offered = completion_values.values(corp.app.data, "plan", undo.name)
    assert offered == [(undo.name, f"Undo {plan.name}: {plan.heading}")]
    apply.apply(corp.app.ledger, undo.name)
    corp.run(plan_id=undo.id)
    assert tags_on(corp.truth()) == before
    assert plans.row_counts(corp.app.data, plan.id).get("undone") == plan.ready
    with pytest.raises(ConflictError, match=f"undone already, by {undo.name}"):
        plan_undo(corp.app.ledger, plan.name)

    redo = plan_undo(corp.app.ledger, undo.name)
    apply.apply(corp.app.ledger, redo.name)
    corp.run(plan_id=redo.id)
    assert tags_on(corp.truth()) == after
    assert plans.row_counts(corp.app.data, plan.id).get("done") == plan.ready


def test_a_title_does_not_grow_without_end(corp):
    """One undo is undone by the next, and so on: each title holds the one before."""
    (tag,) = living(corp)[:1]
    plan = tag_everybody(corp, [tag.tag_id], where=f"id:{next(iter(corp.truth()))[1]}")
    for _time in range(12):
        apply.apply(corp.app.ledger, plan.name)
        corp.run(plan_id=plan.id)
        plan = plan_undo(corp.app.ledger, plan.name)
        assert len(plan.title) < 2_500
        assert plan.heading.startswith("Undo tag-")


def test_the_mirror_follows_at_once(corp):
    from storeops.sync.run import run_sync

    (tag,) = living(corp)[:1]
    plan = tag_everybody(corp, [tag.tag_id], where="status:active")
    apply.apply(corp.app.ledger, plan.name)
    corp.run(plan_id=plan.id)
    result = run_sync(corp.app)
    follows = next(each for each in result.scopes if each.scope == "follows")
    assert (follows.added, follows.changed) == (0, 0), "the mirror knew it before the sync"
    source = corp.app.data.execute(
        "SELECT DISTINCT source FROM timeline WHERE field = 'tag'"
    ).fetchall()
    assert source == [("job",)]


def test_what_is_so_already_is_left_out(corp):
    (tag,) = living(corp)[:1]
    plan = tag_everybody(corp, [tag.tag_id], where="status:active")
    apply.apply(corp.app.ledger, plan.name)
    corp.run(plan_id=plan.id)
    with pytest.raises(NothingToDoError) as caught:
        tag_everybody(corp, [tag.tag_id], where="status:active")
    assert [each["code"] for each in caught.value.details["problems"]] == ["already"]


def test_rows_that_changed_are_blocked_and_can_be_skipped(corp):
    from storeops.sync.run import run_sync

    (tag,) = living(corp)[:1]
    plan = tag_everybody(corp, [tag.tag_id], where="status:active")
    row = next(row_results.results(corp.app.data, plan.id))
    corp.sandbox.control.act(
        "tag_mark", userid=row.userid, external_userid=row.external_userid, add=[tag.tag_id]
    )
    run_sync(corp.app)
    with pytest.raises(ConflictError) as error:
        apply.apply(corp.app.ledger, plan.name)
    assert error.value.exit_code == 9
    assert error.value.details["changed_rows"] == [row.row]
    assert any("--skip-changed" in step for step in error.value.next_steps)
    assert corp.sandbox.control.calls().get("externalcontact/mark_tag", {}).get("calls", 0) == 0
    blocked = list(row_results.results(corp.app.data, plan.id, statuses=("blocked",)))
    assert [(each.row, each.status) for each in blocked] == [(row.row, "blocked")]

    applied = apply.apply(corp.app.ledger, plan.name, skip_changed=True)
    assert applied.skipped == 1
    assert applied.rows == plan.ready - 1


def test_other_peoples_other_tags_make_no_row_stale(corp):
    from storeops.sync.run import run_sync

    one, other = living(corp)[:2]
    plan = tag_everybody(corp, [one.tag_id], where="status:active")
    row = next(row_results.results(corp.app.data, plan.id))
    corp.sandbox.control.act(
        "tag_mark", userid=row.userid, external_userid=row.external_userid, add=[other.tag_id]
    )
    run_sync(corp.app)
    assert apply.apply(corp.app.ledger, plan.name).rows == plan.ready


def test_undo_is_partial_where_somebody_put_a_tag_back_by_hand(corp):
    from storeops.sync.run import run_sync

    one, other = living(corp)[:2]
    plan = tag_everybody(corp, [one.tag_id, other.tag_id], where="status:active")
    apply.apply(corp.app.ledger, plan.name)
    corp.run(plan_id=plan.id)
    rows = [
        each
        for each in row_results.results(corp.app.data, plan.id, statuses=("done",))
        if len(each.extra["add"]) == 2
    ]
    partly, wholly = rows[:2]
    for row, gone in ((partly, [one.tag_id]), (wholly, [one.tag_id, other.tag_id])):
        corp.sandbox.control.act(
            "tag_mark", userid=row.userid, external_userid=row.external_userid, remove=gone
        )
    run_sync(corp.app)
    undo = plan_undo(corp.app.ledger, plan.name)
    found = {each.extra["undoes"]: each for each in row_results.results(corp.app.data, undo.id)}
    assert found[partly.row].extra["partly"] is True
    assert found[partly.row].extra["remove"] == [other.tag_id]
    assert found[wholly.row].code == "changed_since"
    assert {each["code"] for each in undo.problems} >= {"partly"}
    with pytest.raises(ConflictError, match="already undoes"):
        plan_undo(corp.app.ledger, plan.name)


def test_follows_must_be_clear_when_several_members_follow(make_corp):
    corp = make_corp(stores=2, staff=6, follows=400)
    app = corp.app
    shared = app.data.execute(
        "SELECT count(*) FROM (SELECT customer_id FROM follow WHERE status = 'active'"
        " GROUP BY customer_id HAVING count(*) > 1)"
    ).fetchone()[0]
    assert shared, "the chain has customers of several members"
    with pytest.raises(UsageError, match="several members"):
        select_follows(app.data, FollowRequest(Selection(where="status:active")), app.clock.now())
    every = select_follows(
        app.data, FollowRequest(Selection(where="status:active"), follows="all"), app.clock.now()
    )
    newest = select_follows(
        app.data, FollowRequest(Selection(where="status:active"), follows="newest"), app.clock.now()
    )
    assert len(every.relations) > len(newest.relations)
    assert len({each.customer_id for each in newest.relations}) == len(newest.relations)
    owner = every.relations[0].userid
    mine = select_follows(app.data, FollowRequest(Selection(owner=(owner,))), app.clock.now())
    assert {each.userid for each in mine.relations} == {owner}


def test_tag_names(corp):
    names = TagNames(corp.app.data)
    tag = living(corp)[0]
    assert names.find(tag.tag_id) == names.find(tag.path) == tag
    with pytest.raises(NotFoundError) as error:
        names.find(tag.path + "x")
    assert tag.path in error.value.hint
    group = corp.app.data.execute("SELECT id FROM tag_group ORDER BY id DESC").fetchone()[0]
    with corp.app.data.atomic() as connection:
        connection.execute(
            "INSERT INTO tag (tag_id, group_id, name) VALUES ('etTwin', ?, ?)", (group, tag.name)
        )
    names = TagNames(corp.app.data)
    with pytest.raises(UsageError) as ambiguous:
        names.find(tag.name)
    assert ["etTwin" in each for each in ambiguous.value.details["candidates"]].count(True) == 1
    assert tag.path in ambiguous.value.message


def test_leavers_and_lost_relations_are_blocked_with_a_way_out(corp):
    (tag,) = living(corp)[:1]
    plan = tag_everybody(corp, [tag.tag_id], where="status:unassigned")
    assert plan.ready == 0
    rows = list(row_results.results(corp.app.data, plan.id))
    assert rows
    assert {each.code for each in rows} == {"unassigned"}
    assert all(each.next_step for each in rows)
    with pytest.raises(PartialError, match="no row that could be sent"):
        apply.apply(corp.app.ledger, plan.name)


def test_who_is_followed_by_nobody_any_more_is_counted(corp):
    """Chosen customers whose follows are all over are left out with a line that says so."""
    (tag,) = living(corp)[:1]
    db = corp.app.data
    with db.atomic():
        gone = [row[0] for row in db.execute("SELECT id FROM customer ORDER BY id LIMIT 3")]
        for key in gone:
            db.execute("UPDATE follow SET status = 'lost' WHERE customer_id = ?", (key,))
    plan = tag_everybody(corp, [tag.tag_id])
    (problem,) = [each for each in plan.problems if each["code"] == "no_relation"]
    assert (problem["count"], problem["warning"]) == (3, True)
    assert problem["message"].startswith("3 chosen customers are followed by nobody any more")

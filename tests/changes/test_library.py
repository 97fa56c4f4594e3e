"""The tag library: every refusal ends in a sentence that a shop assistant understands."""

import pytest

from storeops import i18n
from storeops.changes import apply, plans, row_results
from storeops.changes.follow_requests import FollowRequest, select_follows
from storeops.changes.undo import plan_undo
from storeops.domains.tags import tag_library
from storeops.domains.tags.tag_library_plan import add_tags, change_group, change_tag
from storeops.domains.tags.tag_plan import plan_tags
from storeops.errors import NotFoundError, NothingToDoError, StoreOpsError, UsageError
from storeops.mirror.tag_names import TagNames
from storeops.reading.customers import Selection
from storeops.retrying import Waits


def carry(corp, plan):
    apply.apply(corp.app.ledger, plan.name)
    corp.run(plan_id=plan.id)
    return plans.row_counts(corp.app.data, plan.id)


def foreign_tag(corp):
    """A tag that somebody made in the console."""
    made = corp.sandbox.control.act("tag_create", group="后台", name="别人的")
    from storeops.sync.run import run_sync

    run_sync(corp.app, scopes=["tags"])
    return made["tag_id"]


def test_a_group_lives_and_dies(corp):
    ledger = corp.app.ledger
    plan = add_tags(ledger, "Level", ["Gold", "Silver"], new_group=True, order=9)
    assert carry(corp, plan) == {"done": 1}
    names = TagNames(corp.app.data)
    gold = names.find("Level/Gold")
    assert carry(corp, add_tags(ledger, "Level", ["Bronze"])) == {"done": 1}
    assert carry(corp, change_tag(ledger, "Level/Gold", "rename", name="Platin")) == {"done": 1}
    assert TagNames(corp.app.data).find("Level/Platin").tag_id == gold.tag_id
    moved = change_tag(ledger, "Level/Platin", "move", order=77)
    assert carry(corp, moved) == {"done": 1}
    assert TagNames(corp.app.data).find("Level/Platin").order == 77
    assert carry(corp, change_group(ledger, "Level", "rename", name="Stufe")) == {"done": 1}
    undo = plan_undo(ledger, moved.name)
    assert carry(corp, undo) == {"done": 1}
    assert TagNames(corp.app.data).find("Stufe/Platin").order != 77
    assert carry(corp, change_tag(ledger, "Stufe/Bronze", "delete")) == {"done": 1}
    with pytest.raises(NotFoundError):
        TagNames(corp.app.data).find("Stufe/Bronze")
    assert carry(corp, change_group(ledger, "Stufe", "delete")) == {"done": 1}
    with pytest.raises(NotFoundError):
        TagNames(corp.app.data).find(gold.tag_id)


def test_undo_of_adding_deletes_and_of_deleting_says_why_not(corp):
    ledger = corp.app.ledger
    added = add_tags(ledger, "Level", ["Gold"], new_group=True)
    carry(corp, added)
    undo = plan_undo(ledger, added.name)
    assert carry(corp, undo) == {"done": 1}
    assert plans.row_counts(corp.app.data, added.id) == {"undone": 1}
    back = plan_undo(ledger, undo.name)
    row = next(row_results.results(corp.app.data, back.id))
    assert (back.ready, row.code) == (0, "deleted")
    assert "cannot be put back" in row.meaning


def test_a_lost_answer_makes_no_second_tag(corp):
    corp.sandbox.control.fault("lost", "externalcontact/add_corp_tag", first=1)
    plan = add_tags(corp.app.ledger, "Level", ["Gold"], new_group=True)
    assert carry(corp, plan) == {"done": 1}
    calls = corp.sandbox.control.calls()["paths"]["externalcontact/add_corp_tag"]["calls"]
    assert calls == 1
    assert TagNames(corp.app.data).find("Level/Gold")


def failing(corp):
    """name → a function that ends in the refusal."""
    ledger = corp.app.ledger
    some = next(t for t in TagNames(corp.app.data).tags.values() if not t.deleted)

    def verdict(plan):
        row = next(row_results.results(corp.app.data, plan.id))
        assert row.status == "blocked"
        return row.meaning, row.next_step

    def refused(plan):
        carry(corp, plan)
        row = next(row_results.results(corp.app.data, plan.id))
        assert row.status == "failed"
        return row.meaning, row.next_step

    def raised(call):
        try:
            call()
        except StoreOpsError as error:
            return error.message, error.hint
        raise AssertionError("no error")

    def ambiguous():
        with corp.app.data.atomic() as connection:
            group = connection.execute("SELECT max(id) FROM tag_group").fetchone()[0]
            connection.execute(
                "INSERT INTO tag (tag_id, group_id, name) VALUES ('etTwin', ?, ?)",
                (group, some.name),
            )
        return raised(lambda: TagNames(corp.app.data).find(some.name))

    def crowded(errcode):
        selected = select_follows(
            corp.app.data,
            FollowRequest(Selection(where="status:active"), follows="all"),
            corp.app.clock.now(),
        )
        del selected.relations[1:]
        try:
            plan = plan_tags(ledger, selected, add=[some.tag_id])
        except NothingToDoError:
            plan = plan_tags(ledger, selected, remove=[some.tag_id])
        corp.sandbox.control.fault("errcode", "externalcontact/mark_tag", errcode=errcode)
        apply.apply(ledger, plan.name)
        report = corp.app.worker().run(plan_id=plan.id, seconds=0.5)
        del report
        corp.sandbox.control.clear_faults()
        from storeops.wecom.errcodes import lookup

        code = lookup(errcode)
        return code.meaning, code.advice

    def other_name():
        return next(
            t
            for t in TagNames(corp.app.data).tags.values()
            if t.group_id == some.group_id and t.tag_id != some.tag_id
        ).name

    return {
        "rename_taken": lambda: verdict(
            change_tag(ledger, some.tag_id, "rename", name=other_name())
        ),
        "ambiguous": ambiguous,
        "foreign": lambda: refused(change_tag(ledger, foreign_tag(corp), "rename", name="x")),
        "full": lambda: verdict(add_tags(ledger, some.group, ["one more"])),
        "long": lambda: verdict(change_tag(ledger, some.tag_id, "rename", name="字" * 31)),
        "empty": lambda: verdict(change_tag(ledger, some.tag_id, "rename", name="  ")),
        "45035": lambda: crowded(45035),
        "40068": lambda: crowded(40068),
        "unknown": lambda: raised(lambda: TagNames(corp.app.data).find("No such tag")),
    }


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize(
    "case",
    ["rename_taken", "ambiguous", "foreign", "full", "long", "empty", "45035", "40068", "unknown"],
)
def test_refusals_are_sentences_in_both_languages(corp, monkeypatch, case, language):
    if case == "full":
        monkeypatch.setattr(tag_library, "LIBRARY_LIMIT", 3)
    monkeypatch.setattr("storeops.retrying.CROWDED", Waits(8, 0.01, 0.01))
    i18n.use(language)
    message, step = failing(corp)[case]()
    assert len(message) > 5
    assert step
    chinese = any("\u4e00" <= char <= "\u9fff" for char in message)
    if language == "zh_CN":
        words = [word for word in message.split() if word.isascii() and len(word) > 12]
        assert chinese
        assert not words or case in ("foreign",), message
    elif case not in ("rename_taken", "ambiguous", "foreign", "long"):
        assert not chinese, message


def test_a_foreign_tag_is_remembered_and_blocked_the_next_time(corp):
    tag = foreign_tag(corp)
    ledger = corp.app.ledger
    plan = change_tag(ledger, tag, "rename", name="meins")
    assert [each["code"] for each in plan.problems] == ["maybe_foreign"]
    assert carry(corp, plan) == {"failed": 1}
    again = change_tag(ledger, tag, "rename", name="meins")
    assert again.ready == 0
    row = next(row_results.results(corp.app.data, again.id))
    assert (row.code, row.errcode) == ("foreign", 81011)


def refused_tag(corp):
    """A tag of which WeCom has said that it is another's."""
    tag = foreign_tag(corp)
    assert carry(corp, change_tag(corp.app.ledger, tag, "rename", name="meins")) == {"failed": 1}
    return tag


def test_a_refusal_is_checked_anew_on_demand(corp):
    tag = refused_tag(corp)
    assert change_tag(corp.app.ledger, tag, "rename", name="meins").ready == 0
    anew = change_tag(corp.app.ledger, tag, "rename", name="meins", recheck=True)
    assert anew.ready == 1
    assert carry(corp, anew) == {"failed": 1}, "asked, not believed"


def test_a_refusal_ages(corp):
    from storeops.changes import remembered

    tag = refused_tag(corp)
    corp.sandbox.control.advance(remembered.AGE_S - 3600)
    corp.app.client.get("get_api_domain_ip", dict)
    assert change_tag(corp.app.ledger, tag, "rename", name="meins").ready == 0
    corp.sandbox.control.advance(7200)
    corp.app.client.get("get_api_domain_ip", dict)
    assert change_tag(corp.app.ledger, tag, "rename", name="meins").ready == 1


def test_a_refusal_of_one_app_is_not_believed_of_another(corp):
    from dataclasses import replace

    from storeops import config
    from storeops.app import App

    tag = refused_tag(corp)
    config.save_profile(replace(corp.app.profile, agent_id=1000077))
    other = App.open("t")
    try:
        assert change_tag(other.ledger, tag, "rename", name="meins").ready == 1
    finally:
        other.close()


def test_a_tag_deleted_meanwhile_blocks_its_rows(corp):
    from storeops.sync.run import run_sync

    some = next(t for t in TagNames(corp.app.data).tags.values() if not t.deleted)
    selected = select_follows(
        corp.app.data,
        FollowRequest(Selection(where="status:active"), follows="all"),
        corp.app.clock.now(),
    )
    plan = plan_tags(corp.app.ledger, selected, add=[some.tag_id])
    corp.sandbox.control.act("tag_delete", id=some.tag_id)
    run_sync(corp.app, scopes=["tags"])
    with pytest.raises(StoreOpsError) as error:
        apply.apply(corp.app.ledger, plan.name)
    assert error.value.exit_code == 9
    row = next(row_results.results(corp.app.data, plan.id))
    assert row.errcode == 40068
    assert row.next_step


def test_names_given_wrongly(corp):
    ledger = corp.app.ledger
    with pytest.raises(UsageError, match="first tag"):
        add_tags(ledger, "Level", [], new_group=True)
    with pytest.raises(UsageError, match="twice"):
        add_tags(ledger, "Level", ["a", "a"], new_group=True)
    with pytest.raises(NotFoundError, match="no group"):
        add_tags(ledger, "Level", ["a"])
    group = next(iter(TagNames(corp.app.data).tags.values())).group
    with pytest.raises(UsageError, match="exists already"):
        add_tags(ledger, group, ["a"], new_group=True)

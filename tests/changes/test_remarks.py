"""Remarks from wish to undo, with WeCom's traps."""

import pytest

from storeops.changes import apply, drafts, plans, row_results, sheets
from storeops.changes.follow_requests import FollowRequest, of_sheet, select_follows
from storeops.changes.journal_lines import lines
from storeops.changes.undo import plan_undo
from storeops.domains.remarks.remark_drafts import draft_remarks
from storeops.domains.remarks.remark_plan import SHEET_FIELDS, plan_remarks
from storeops.domains.tags.tag_drafts import draft_tags
from storeops.errors import UsageError
from storeops.reading.customers import Selection

FIELDS = ("remark", "description", "remark_corp_name", "remark_mobiles")


def everybody(corp, where="status:active"):
    return select_follows(
        corp.app.data, FollowRequest(Selection(where=where), follows="all"), corp.app.clock.now()
    )


def written(corp):
    return {pair: {key: row[key] for key in FIELDS} for pair, row in corp.truth().items()}


def carry(corp, plan):
    apply.apply(corp.app.ledger, plan.name)
    corp.run(plan_id=plan.id)
    return plans.row_counts(corp.app.data, plan.id)


def test_write_then_undo_puts_every_remark_back(corp):
    before = written(corp)
    plan = plan_remarks(
        corp.app.ledger, everybody(corp), {"remark": "{store}", "description": "{staff} {date}"},
        cut=True,
    )  # fmt: skip
    assert carry(corp, plan) == {"done": plan.ready} | (
        {"blocked": plan.blocked} if plan.blocked else {}
    )
    after = written(corp)
    changed = list(row_results.results(corp.app.data, plan.id, statuses=("done",)))
    for row in changed:
        now = after[row.userid, row.external_userid]
        for key, value in row.after.items():
            assert now[key] == value
            assert "{" not in value
    assert len(changed) > 50

    undo = plan_undo(corp.app.ledger, plan.name)
    carry(corp, undo)
    now = written(corp)
    blocked = {
        (each.userid, each.external_userid)
        for each in row_results.results(corp.app.data, undo.id, statuses=("blocked",))
    }
    assert {pair: now[pair] for pair in now if pair not in blocked} == {
        pair: before[pair] for pair in before if pair not in blocked
    }
    for each in row_results.results(corp.app.data, undo.id, statuses=("blocked",)):
        assert each.code == "all_empty"
        assert each.meaning


def test_phone_numbers_are_replaced_cleared_and_put_back(corp, tmp_path):
    selected = everybody(corp)
    first, second = selected.relations[:2]
    path = tmp_path / "in.csv"
    path.write_text(
        "external_userid,userid,备注手机号\n"
        f"{first.external_userid},{first.userid},138 0000 0001;13800000002\n"
        f"{second.external_userid},{second.userid},not a phone\n"
    )
    before = written(corp)
    asked = sheets.Source(str(path), mapping={"备注手机号": "remark_mobiles"})
    found = of_sheet(corp.app.data, sheets.read(asked, SHEET_FIELDS))
    plan = plan_remarks(corp.app.ledger, found, {})
    assert [(each["code"], each["line"]) for each in plan.problems] == [("bad_phone", 3)]
    assert carry(corp, plan) == {"done": 1}
    pair = (first.userid, first.external_userid)
    assert written(corp)[pair]["remark_mobiles"] == ["13800000001", "13800000002"]
    journal = repr(list(lines(corp.app.data, limit=None)))
    assert "13800000001" not in journal
    assert "138****0001" in journal

    again = of_sheet(corp.app.data, sheets.read(asked, SHEET_FIELDS))
    clear = plan_remarks(corp.app.ledger, again, {"remark_mobiles": []})
    assert clear.ready == 0, "the file's own numbers win"
    mine = Selection(where=f"id:{first.external_userid}", owner=(first.userid,))
    only = select_follows(corp.app.data, FollowRequest(mine), corp.app.clock.now())
    clear = plan_remarks(corp.app.ledger, only, {"remark_mobiles": []})
    assert carry(corp, clear) == {"done": 1}
    assert written(corp)[pair]["remark_mobiles"] == []
    carry(corp, plan_undo(corp.app.ledger, clear.name))
    assert written(corp)[pair]["remark_mobiles"] == ["13800000001", "13800000002"]
    carry(corp, plan_undo(corp.app.ledger, plan.name))
    assert written(corp) == before


def test_lengths_are_counted_in_characters_and_shown_before(corp):
    selected = everybody(corp)
    plan = plan_remarks(corp.app.ledger, selected, {"remark": "字" * 21})
    assert plan.ready == 0
    row = next(row_results.results(corp.app.data, plan.id))
    assert (row.code, row.errcode) == ("too_long", 40058)
    assert "21" in row.meaning
    assert "20" in row.meaning
    assert plan_remarks(corp.app.ledger, selected, {"remark": "字" * 20}).blocked == 0
    cut = plan_remarks(corp.app.ledger, selected, {"remark": "字" * 21}, cut=True)
    assert {each.after["remark"] for each in row_results.results(corp.app.data, cut.id)} == {
        "字" * 20
    }


def test_a_call_that_would_leave_all_fields_empty_is_not_sent(corp):
    plan = plan_remarks(corp.app.ledger, everybody(corp), {"remark": ""})
    rows = list(row_results.results(corp.app.data, plan.id))
    assert {each.code for each in rows} <= {"", "all_empty"}
    alone = [each for each in rows if each.code == "all_empty"]
    company = [each for each in rows if each.code == ""]
    assert alone
    for each in company:
        assert each.extra["carry"], "a field that is not empty goes along"
    if plan.ready:
        carry(corp, plan)
        now = written(corp)
        assert {now[each.userid, each.external_userid]["remark"] for each in company} == {""}


@pytest.mark.parametrize(
    ("text", "named"), [("{nam}", "{nam}"), ("{name", "not closed"), ("{0}", "{0}")]
)
def test_placeholders_are_checked_before_anything(corp, text, named):
    with pytest.raises(UsageError) as error:
        plan_remarks(corp.app.ledger, everybody(corp), {"remark": text})
    assert named in error.value.message


def test_names_that_look_like_placeholders_are_text(corp):
    with corp.app.data.atomic() as connection:
        connection.execute("UPDATE customer SET name = '{x!r:>99}'")
    plan = plan_remarks(corp.app.ledger, everybody(corp), {"remark": "{name}"})
    row = next(row_results.results(corp.app.data, plan.id))
    assert row.after["remark"] == "{x!r:>99}"


def test_drafts_gather_and_freeze(corp):
    ledger = corp.app.ledger
    tags = [row[0] for row in ledger.db.execute("SELECT tag_id FROM tag ORDER BY id LIMIT 2")]
    selected = everybody(corp)
    draft, count = draft_tags(ledger, selected, add=[tags[0]])
    assert draft.status == "draft"
    assert draft.rows == count
    same, _count = draft_tags(ledger, selected, add=[tags[1]])
    assert same.id == draft.id
    row = next(
        each for each in row_results.results(ledger.db, draft.id) if len(each.extra["add"]) == 2
    )
    assert row.extra["add"] == sorted(tags)
    draft_tags(ledger, selected, remove=[tags[1]])
    kept = {tuple(each.extra["add"]) for each in row_results.results(ledger.db, draft.id)}
    assert (tags[1],) not in kept
    with pytest.raises(UsageError, match="draft"):
        apply.apply(ledger, draft.name)
    smaller = drafts.remove(ledger, draft.name, [1])
    assert smaller.rows == plans.by_id(ledger.db, draft.id).rows
    plan = drafts.freeze(ledger, draft.name, reason="by hand")
    assert plan.hash
    assert plan.reason == "by hand"
    assert drafts.find(ledger, "tag") is None
    counts = carry(corp, plan)
    assert counts["done"] == plan.ready
    remarks, _count = draft_remarks(ledger, selected, {"remark": "A"})
    remarks, _count = draft_remarks(ledger, selected, {"description": "B"})
    row = next(row_results.results(ledger.db, remarks.id))
    assert dict(row.after) == {"remark": "A", "description": "B"}

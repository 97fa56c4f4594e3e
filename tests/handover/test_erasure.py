"""A person who is erased is in no file any more, not even in pages that are free."""

from __future__ import annotations

import json
import shlex

import pytest

from storeops import paths
from storeops.changes.sheets import Source
from storeops.changes.undo import plan_undo
from storeops.changes.verify import verify
from storeops.errors import ConflictError, NotFoundError, UsageError
from storeops.operations.erasure import erase_person
from storeops.reading.customers import Selection

DAY = 86_400
NAME, RENAMED, REMARK, DESCRIPTION = "欧阳擦除石", "司徒抹去山", "东门老茶客擦", "住在桂花巷十七号"
NICKNAME, TAG, PHONE, OLD_PHONE = "群里的抹去客", "爱喝陈年普洱", "13987650421", "13987650777"
WORDS = (NAME, RENAMED, REMARK, DESCRIPTION, NICKNAME, TAG, PHONE, OLD_PHONE)


def _left(corp, *words):
    """Which words still stand in which file of the profile, as bytes."""
    found = []
    for file in sorted(paths.profile_dir(corp.profile).rglob("*")):
        if not file.is_file():
            continue
        content = file.read_bytes()
        found += [
            (file.name, word)
            for word in words
            if word.encode() in content or json.dumps(word)[1:-1].encode() in content
        ]
    return found


@pytest.fixture
def known(corp):
    """(external_userid, giver, taker): somebody of whom every table knows something."""
    app, act = corp.app, corp.control.act
    from_owner, to_owner = (m["userid"] for m in corp.staff()[:2])
    who = corp.customers(from_owner, without=to_owner)[0]
    pair = {"userid": from_owner, "external_userid": who}
    act("customer_rename", external_userid=who, name=NAME)
    act("remark_edit", **pair, remark=REMARK, description=DESCRIPTION, remark_mobiles=[OLD_PHONE])
    corp.sync(full=True)
    act("customer_rename", external_userid=who, name=RENAMED)
    act("remark_edit", **pair, remark_mobiles=[PHONE])
    act("personal_tag", **pair, add=[TAG])
    chat = next(
        row["chat_id"] for row in corp.control.export("groups") if row["owner"] == from_owner
    )  # fmt: skip
    corp.sync(full=True)
    with app.data.atomic() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO group_member (group_id, member, type, name, group_nickname)"
            " SELECT id, ?, 2, ?, ? FROM group_chat WHERE chat_id = ?",
            (who, RENAMED, NICKNAME, chat),
        )
    return who, from_owner, to_owner


def _busy_life(corp, who, from_owner, to_owner, tmp_path):
    """Plans, notes, views, marks, a handover: whatever people do with a customer."""
    from storeops.changes.follow_requests import FollowRequest, select_follows
    from storeops.domains.remarks.remark_plan import plan_remarks
    from storeops.domains.tags.tag_plan import plan_tags
    from storeops.notebook import notes

    app = corp.app
    now = app.clock.now()
    notes.add_note(app.data, who, f"{RENAMED}，{PHONE}，喜欢安静", "me", now)
    selected = select_follows(
        app.data, FollowRequest(Selection(where=PHONE, owner=(from_owner,))), now
    )
    assert [each.external_userid for each in selected.relations] == [who]
    request = {"remark": f"{REMARK}二", "remark_mobiles": [PHONE]}
    command = f"storeops remark plan --where {PHONE} --remark {REMARK}二"
    remarks = plan_remarks(app.ledger, selected, request, command=command)
    assert REMARK in remarks.title
    corp.apply(remarks.name)
    tag = app.data.execute("SELECT tag_id FROM tag WHERE kind = 1 LIMIT 1").fetchone()[0]
    tags = plan_tags(
        app.ledger, selected, add=[tag], command=f"storeops tag plan --where {RENAMED}"
    )
    corp.apply(tags.name)
    app.data.execute(
        "INSERT INTO view (name, filter, created_at, updated_at) VALUES ('x', ?, 0, 0)",
        (PHONE,),
    )
    made = corp.hand_over(from_owner, to=to_owner, groups=False)
    corp.advance(DAY)
    corp.watch()
    assert corp.statuses(made)[who] == "done"
    file = tmp_path / "again.csv"
    lines = ["external_userid,userid,takeover_userid", f"{who}9,{to_owner},", f"{who},{to_owner},"]
    file.write_text("\n".join(lines))
    again = corp.plan(file=Source(str(file)), to=from_owner)
    from storeops.changes.control import cancel_plan

    cancel_plan(app.ledger, again.plan.name)
    return made


def test_nothing_of_an_erased_person_is_left_in_any_file(corp, known, tmp_path):
    who, from_owner, to_owner = known
    made = _busy_life(corp, who, from_owner, to_owner, tmp_path)
    present = {word for _file, word in _left(corp, who, *WORDS)}
    assert present >= {who, RENAMED, REMARK, PHONE, TAG}
    others = corp.app.data.execute("SELECT count(*) FROM customer").fetchone()[0]
    erased = erase_person(corp.app.ledger, who, reason="asked for")
    assert erased.clean
    assert (
        min(
            erased.lines,
            erased.rows,
            erased.facts,
            erased.others["notes"],
            erased.others["handovers"],
        )
        >= 1
    )
    assert _left(corp, who, *WORDS) == []
    assert corp.app.data.execute("SELECT count(*) FROM customer").fetchone()[0] == others - 1
    proof = verify(corp.app.data, corp.app.ledger.journal)
    assert proof.whole, proof.findings
    assert proof.erased == erased.lines
    assert corp.row_counts(made)["done"] == made.plan.ready
    search = "SELECT count(*) FROM search_text WHERE search_text MATCH ?"
    assert corp.app.data.execute(search, ('"擦除"',)).fetchone()[0] == 0
    with pytest.raises(NotFoundError):
        erase_person(corp.app.ledger, who)


def test_nothing_of_a_long_description_with_a_quote_is_left(corp, known):
    from storeops.changes.follow_requests import FollowRequest, select_follows
    from storeops.domains.remarks.remark_plan import plan_remarks

    who, from_owner, _taker = known
    app, text = corp.app, f'叫自己“D\'Artagnan "B"”，{"说来话长，" * 25}'
    selected = select_follows(
        app.data, FollowRequest(Selection(where=PHONE, owner=(from_owner,))), app.clock.now()
    )
    command = shlex.join(["storeops", "remark", "plan", "--where", PHONE, "--description", text])
    plan = plan_remarks(app.ledger, selected, {"description": text}, command=command)
    corp.apply(plan.name)
    corp.apply(plan_undo(app.ledger, plan.name).name)
    assert {word for _file, word in _left(corp, "D'A", "说来话长")} == {"D'A", "说来话长"}
    erase_person(app.ledger, who)
    assert _left(corp, "D'A", "Artagnan", "说来话长") == []
    assert verify(app.data, app.ledger.journal).whole


def test_events_about_the_person_go_too(corp, known):
    who, *_rest = known
    inbox = corp.app.inbox
    with inbox.atomic() as connection:
        for number, subject in ((1, who), (2, "wmSomebodyElse")):
            connection.execute(
                "INSERT INTO event (id, identity, received_at, external_userid, message, status)"
                " VALUES (?, ?, 0, ?, ?, 'handled')",
                (
                    number,
                    bytes([number]),
                    subject,
                    f"<Remark>{NICKNAME}{subject}</Remark>".encode(),
                ),
            )
            connection.execute(
                "INSERT INTO delivery (event_id, received_at, msg_signature, timestamp, nonce,"
                " body) VALUES (?, 0, 's', 't', 'n', ?)",
                (number, subject.encode()),
            )
    erased = erase_person(corp.app.ledger, who, inbox=lambda: corp.app.inbox)
    assert erased.events == 1
    assert _left(corp, who) == []
    assert inbox.execute("SELECT count(*) FROM event").fetchone()[0] == 1
    assert inbox.execute("SELECT count(*) FROM delivery").fetchone()[0] == 1


def test_life_goes_on_after_an_erasure(corp, known, tmp_path):
    """WeCom is the source: whoever is still followed there comes back, as a new face."""
    who, from_owner, to_owner = known
    made = _busy_life(corp, who, from_owner, to_owner, tmp_path)
    erase_person(corp.app.ledger, who)
    from storeops.domains.handover.report import quota, report
    from storeops.domains.handover.restore import plan_restore

    assert sum(line.ends["done"] for line in report(corp.app.data)) == made.plan.ready
    assert who not in {each.external_userid for each in quota(corp.app.data, corp.app.clock.now())}
    plan_restore(corp.app.ledger, corp.app.client, made.plan.name)
    corp.sync(full=True)
    back = corp.app.data.execute(
        "SELECT name FROM customer WHERE external_userid = ?", (who,)
    ).fetchone()
    assert back == (RENAMED,)


def test_nobody_is_not_erased(corp):
    """Rows of plans that are of no customer (messages, codes) have no id: they stay."""
    for nobody in ("", " "):
        with pytest.raises(UsageError):
            erase_person(corp.app.ledger, nobody)


def test_open_work_is_finished_first(corp, known):
    who, from_owner, to_owner = known
    corp.hand_over(from_owner, to=to_owner, groups=False)
    with pytest.raises(ConflictError, match="still has something to do"):
        erase_person(corp.app.ledger, who)
    assert corp.app.data.execute(
        "SELECT name FROM customer WHERE external_userid = ?", (who,)
    ).fetchone() == (RENAMED,)

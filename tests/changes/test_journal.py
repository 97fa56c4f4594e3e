"""The journal is found out whatever is done to it, and one person can be erased."""

import json
import sqlite3
import threading

import pytest

from storeops.changes import apply, control, plans
from storeops.changes.erase import erase
from storeops.changes.follow_requests import FollowRequest, select_follows
from storeops.changes.journal import JournalLine
from storeops.changes.journal_lines import lines
from storeops.changes.restore import make_safe
from storeops.changes.verify import verify
from storeops.domains.tags.tag_plan import plan_tags
from storeops.errors import ConflictError
from storeops.reading.customers import Selection
from storeops.sync.run import run_sync


def carry_out(corp):
    """Sync, and carry one plan out."""
    app = corp.app
    assert run_sync(app).outcome == "complete"
    tag = app.data.execute("SELECT tag_id FROM tag LIMIT 1").fetchone()[0]
    selected = select_follows(
        app.data, FollowRequest(Selection(where="status:active"), follows="all"), app.clock.now()
    )
    plan = plan_tags(app.ledger, selected, add=[tag], reason="spring")
    apply.apply(app.ledger, plan.name)
    corp.run(plan_id=plan.id)


@pytest.fixture
def done(make_corp):
    """A corp in which one plan was carried out."""
    corp = make_corp(begun=carry_out)
    corp.plan = plans.get(corp.app.data, *corp.app.data.execute("SELECT name FROM plan").fetchone())
    return corp


def prove(corp):
    return verify(corp.app.data, corp.app.ledger.journal)


def tamper(corp, sql, *values):
    """Another program at the file, behind our back."""
    connection = sqlite3.connect(corp.app.data.path)
    with connection:
        connection.execute(sql, values)
    connection.close()


def found(corp):
    return [(each.code, each.seq) for each in prove(corp).findings]


def test_a_whole_journal_names_every_row_once(done):
    proof = prove(done)
    assert proof.whole
    assert proof.unsealed == 0
    entries = list(lines(done.app.data, limit=None, oldest_first=True))
    assert [each.seq for each in entries] == list(range(1, proof.lines + 1))
    assert [each.kind for each in entries[:2]] == ["plan.made", "plan.applied"]
    assert entries[0].payload["reason"] == "spring"
    answered = sorted(each.row for each in entries if each.kind == "row.answer")
    assert answered == list(range(1, done.plan.ready + 1))
    intended = {
        row
        for each in entries
        if each.kind == "call.intent"
        for _job, _try, rows in each.payload["jobs"]
        for row in rows
    }
    assert intended == set(answered)


@pytest.mark.parametrize(
    "column", ["payload", "who", "machine", "kind", "plan", "subject", "salt", "digest", "hash"]
)
def test_one_changed_byte_is_named(done, column):
    value = done.app.data.execute(f"SELECT {column} FROM journal WHERE seq = 5").fetchone()[0]
    if isinstance(value, bytes):
        changed = bytes([value[0] ^ 1]) + value[1:]
    else:
        changed = (value or "x")[:-1] + chr(ord((value or "x")[-1]) ^ 1)
    tamper(done, f"UPDATE journal SET {column} = ? WHERE seq = 5", changed)
    assert ("changed", 5) in found(done)


@pytest.mark.parametrize(("column", "value"), [("at", 1.5), ("row", 77)])
def test_a_changed_number_is_named(done, column, value):
    tamper(done, f"UPDATE journal SET {column} = ? WHERE seq = 5", value)
    assert ("changed", 5) in found(done)


def test_a_deleted_line_is_named(done):
    tamper(done, "DELETE FROM journal WHERE seq = 7")
    assert ("removed", 7) in found(done)


def test_a_cut_tail_is_named(done):
    last = prove(done).lines
    tamper(done, "DELETE FROM journal WHERE seq > ?", last - 3)
    findings = prove(done).findings
    assert (findings[0].code, findings[0].seq) == ("cut", last - 2)
    assert [each.code for each in findings[1:]] == ["plan"], "its answers are not in the journal"
    assert str(last) in findings[0].message


def test_swapped_lines_are_named(done):
    tamper(done, "UPDATE journal SET seq = -1 WHERE seq = 5")
    tamper(done, "UPDATE journal SET seq = 5 WHERE seq = 6")
    tamper(done, "UPDATE journal SET seq = 6 WHERE seq = -1")
    assert {("changed", 5), ("changed", 6)} <= set(found(done))


def test_a_rewritten_chain_does_not_fit_the_seal(done):
    from storeops.changes.journal import GENESIS, digest_of, hash_of

    before = GENESIS
    rows = done.app.data.execute("SELECT * FROM journal ORDER BY seq").fetchall()
    for seq, at, kind, who, machine, plan, row, subject, payload, salt, digest, _hash in rows:
        if seq == 4:
            payload = json.dumps({"forged": True})
            digest = digest_of(salt, subject, payload)
        before = hash_of(before, seq, at, kind, who, machine, plan, row, digest)
        tamper(
            done,
            "UPDATE journal SET payload = ?, digest = ?, hash = ? WHERE seq = ?",
            payload, digest, before, seq,
        )  # fmt: skip
    assert found(done) == [("changed", len(rows))]


def test_a_forged_or_lost_seal_is_named(done):
    folder = done.app.ledger.journal.folder
    seal = folder / "journal.seal"
    text = seal.read_text()
    assert seal.stat().st_mode & 0o777 == 0o600
    assert (folder / "journal.key").stat().st_mode & 0o777 == 0o600
    value = json.loads(text)
    seal.write_text(json.dumps({**value, "count": value["count"] - 1}))
    assert found(done) == [("seal", None)]
    seal.unlink()
    assert found(done) == [("seal", None)]
    seal.write_text(text)
    (folder / "journal.key").unlink()
    assert found(done) == [("seal", None)]


def test_one_person_is_erased_and_the_chain_stays_whole(done):
    app = done.app
    person = app.data.execute(
        "SELECT subject FROM journal WHERE subject IS NOT NULL LIMIT 1"
    ).fetchone()[0]
    gone = erase(app.ledger, person, reason="asked for")
    assert gone.lines >= 1
    assert gone.rows >= 1
    proof = prove(done)
    assert proof.whole
    assert proof.erased == gone.lines
    for table in ("journal", "plan_row"):
        dump = repr(app.data.execute(f"SELECT * FROM {table}").fetchall())
        assert person not in dump


def test_emptying_a_line_is_not_erasure(done):
    tamper(done, "UPDATE journal SET payload = NULL, salt = NULL, subject = NULL WHERE seq = 5")
    assert ("erased_without_note", 5) in found(done)


def test_a_person_with_open_work_is_not_erased(corp):
    app = corp.app
    tag = app.data.execute("SELECT tag_id FROM tag LIMIT 1").fetchone()[0]
    selected = select_follows(
        app.data, FollowRequest(Selection(where="status:active"), follows="all"), app.clock.now()
    )
    plan = plan_tags(app.ledger, selected, add=[tag])
    with pytest.raises(ConflictError, match=plan.name):
        erase(app.ledger, selected.relations[0].external_userid)


@pytest.mark.parametrize(
    ("column", "value"),
    [("after", '{"tags":["etOther"]}'), ("userid", "somebody"), ("code", "x"), ("extra", "{}")],
)
def test_an_altered_plan_is_refused_and_named(corp, column, value):
    app = corp.app
    tag = app.data.execute("SELECT tag_id FROM tag LIMIT 1").fetchone()[0]
    selected = select_follows(
        app.data, FollowRequest(Selection(where="status:active"), follows="all"), app.clock.now()
    )
    plan = plan_tags(app.ledger, selected, add=[tag])
    tamper(corp, f"UPDATE plan_row SET {column} = ? WHERE row = 3", value)
    with pytest.raises(ConflictError, match="row 3"):
        apply.apply(app.ledger, plan.name)
    assert ("plan", None) in found(corp)


def test_a_plan_altered_together_with_its_hash_is_refused(corp):
    from storeops.changes import rows as plan_rows

    app = corp.app
    tag = app.data.execute("SELECT tag_id FROM tag LIMIT 1").fetchone()[0]
    selected = select_follows(
        app.data, FollowRequest(Selection(where="status:active"), follows="all"), app.clock.now()
    )
    plan = plan_tags(app.ledger, selected, add=[tag])
    tamper(corp, "DELETE FROM plan_row WHERE row = 3")
    tamper(corp, "UPDATE plan SET rows = rows - 1, ready = ready - 1, calls = calls - 1")
    altered = plans.get(app.data, plan.name)
    _wrong, digests = plan_rows.altered(app.data, plan.id)
    tamper(corp, "UPDATE plan SET hash = ?", plans.hash_of(altered, digests))
    with pytest.raises(ConflictError, match="altered"):
        apply.apply(app.ledger, plan.name)


def test_a_row_altered_after_apply_is_not_sent(corp):
    app = corp.app
    tag = app.data.execute("SELECT tag_id FROM tag LIMIT 1").fetchone()[0]
    selected = select_follows(
        app.data, FollowRequest(Selection(where="status:active"), follows="all"), app.clock.now()
    )
    plan = plan_tags(app.ledger, selected, add=[tag])
    apply.apply(app.ledger, plan.name)
    tamper(corp, "UPDATE plan_row SET userid = 'somebody' WHERE row = 3")
    report = corp.run(plan_id=plan.id)
    assert report.rows["done"] == plan.ready - 1
    assert plans.row_counts(app.data, plan.id) == {"done": plan.ready - 1, "failed": 1}


def test_many_threads_append_one_chain(corp):
    app = corp.app

    def write(name):
        for number in range(25):
            app.ledger.journal.write(app.data, [JournalLine("test", payload={"n": number})], 1.0)
        app.data.close_thread()

    threads = [threading.Thread(target=write, args=(each,)) for each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    proof = prove(corp)
    assert (proof.whole, proof.lines, proof.unsealed) == (True, 100, 0)


def test_after_a_restore_nothing_is_repeated_blindly(corp, tmp_path):
    app = corp.app
    tag = app.data.execute("SELECT tag_id FROM tag LIMIT 1").fetchone()[0]
    selected = select_follows(
        app.data, FollowRequest(Selection(where="status:active"), follows="all"), app.clock.now()
    )
    plan = plan_tags(app.ledger, selected, add=[tag])
    other = plan_tags(app.ledger, selected, add=[tag], title="not applied")
    apply.apply(app.ledger, plan.name)
    backup = sqlite3.connect(tmp_path / "backup.db")
    app.data.connection.backup(backup)
    corp.run(plan_id=plan.id)
    sent = corp.sandbox.control.calls()["paths"]["externalcontact/mark_tag"]["calls"]
    backup.backup(app.data.connection)
    backup.close()

    assert [each.code for each in prove(corp).findings] == ["cut"]
    restored = make_safe(app.ledger)
    app.ledger.journal.seal(app.data, app.clock.now())
    assert restored.held == {plan.name: plan.ready}
    assert restored.cancelled == (other.name,)
    assert plans.get(app.data, other.name).status == "cancelled"
    assert [each.code for each in prove(corp).findings] == ["lost"], "named for ever"
    corp.run(plan_id=plan.id)
    assert plans.row_counts(app.data, plan.id) == {"unknown": plan.ready}
    control.pause(app.ledger, plan.name, resume=True)
    corp.run(plan_id=plan.id)
    assert plans.row_counts(app.data, plan.id) == {"done": plan.ready}
    calls = corp.sandbox.control.calls()["paths"]["externalcontact/mark_tag"]["calls"]
    assert calls == sent, "all were found done; none was sent again"

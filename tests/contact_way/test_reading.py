"""Contact ways in the mirror: read whole, partly, again; listed, found, filtered by."""

from __future__ import annotations

from typing import Any

import pytest

from storeops.errors import NotFoundError, UsageError

QR = {"type": 2, "scene": 2}


def make(codes: Any, **fields: Any) -> str:
    """A way that another app makes."""
    from storeops.wecom import contact_ways

    return contact_ways.add(codes.app.client, {**QR, **fields}).config_id


def test_a_sync_reads_them_as_they_are_and_asks_twice_for_nothing(codes: Any) -> None:
    assert codes.mirror_of_ways() == codes.truth() != {}
    asked = codes.calls("get_contact_way")
    again = codes.read()
    assert (again.outcome, again.changed, again.seen) == ("complete", 0, len(codes.ways()))
    assert codes.calls("get_contact_way") == asked
    new = make(codes, user=[codes.staff()[0]], state="new")
    codes.read()
    assert codes.calls("get_contact_way") == asked + 1
    assert codes.mirror_of_ways()[new] == codes.truth()[new]
    full = codes.read(full=True)
    assert (full.outcome, full.changed) == ("complete", 0)
    assert codes.calls("get_contact_way") == asked + 1 + len(codes.ways())


def test_what_another_app_changed_is_seen_a_day_later_and_at_once_with_full(codes: Any) -> None:
    from storeops.wecom import contact_ways

    first = next(iter(codes.ways()))
    contact_ways.update(codes.app.client, first, {"remark": "改"})
    assert codes.read().changed == 0
    codes.control.call("POST", "clock", {"advance_s": 21 * 3600})
    assert codes.read().changed == 1
    contact_ways.update(codes.app.client, first, {"remark": "再改"})
    assert codes.read(full=True).changed == 1
    assert codes.mirror_of_ways() == codes.truth()


def test_a_way_is_gone_when_wecom_says_so_and_keeps_its_name(codes: Any, cli: Any) -> None:
    from storeops.wecom import contact_ways

    first = next(iter(codes.ways()))
    contact_ways.delete(codes.app.client, first)
    assert codes.read().lost == 1
    assert codes.mirror_of_ways() == codes.truth()
    gone = cli("contact-way", "list", "--status", "gone", "--json").json["items"]
    assert [(each["config_id"], each["status"]) for each in gone] == [(first, "gone")]
    assert gone[0]["remark"]
    assert gone[0]["gone_at"]


def test_one_that_cannot_be_read_makes_it_partial_and_stays_known(codes: Any, cli: Any) -> None:
    before = codes.mirror_of_ways()
    codes.control.fault("errcode", "externalcontact/get_contact_way", first=1, errcode=40058)
    scope = codes.read(full=True)
    assert scope.outcome == "partial"
    assert [each.errcode for each in scope.failures] == [40058]
    assert codes.mirror_of_ways() == before
    answer = cli("contact-way", "list", "--json")
    assert answer.json["complete"] is False
    assert "sync status" in answer.err
    codes.control.fault("errcode", "externalcontact/list_contact_way", first=1, errcode=48002)
    assert codes.read().outcome == "failed"
    assert codes.mirror_of_ways() == before


def test_a_way_is_found_by_id_name_and_state(codes: Any) -> None:
    from storeops.domains.contact_way.ways import find

    user = codes.staff()[0]
    one = make(codes, user=[user], remark="海报", state="expo")
    two = make(codes, user=[user], remark="海报", state="expo-2")
    codes.read()
    db = codes.app.data
    assert find(db, one, 0.0).state == "expo"
    assert find(db, "expo-2", 0.0).config_id == two
    assert find(db, one[:8], 0.0).config_id == one
    with pytest.raises(UsageError, match=one):
        find(db, "海报", 0.0)
    with pytest.raises(NotFoundError):
        find(db, "没有", 0.0)


def test_who_came_by_it(codes: Any, cli: Any) -> None:
    config = make(codes, user=[codes.staff()[0]], remark="门口 海报", state="door-1")
    codes.sync()
    came = [codes.act("scan", config_id=config)["external_userid"] for _n in range(3)]
    codes.sync()
    (way,) = cli("contact-way", "list", "--state", "door-*", "--json").json["items"]
    assert (way["customers"], way["status"]) == (3, "ok")
    for where in ('contact-way:"门口 海报"', f"活码:{config}", "state:door-1"):
        rows = cli("customer", "list", "--where", where, "--json").json["items"]
        assert {each["external_userid"] for each in rows} == set(came)
    without = cli("customer", "list", "--where", '!contact-way:"门口 海报"', "--all", "--json")
    everybody = cli("customer", "list", "--all", "--json").json["items"]
    assert len(without.json["items"]) == len(everybody) - 3
    twin = make(codes, user=[codes.staff()[0]], remark="门口 海报", state="door-2")
    codes.read()
    for name, count in ((twin, 0), (config, 3), ('"门口 海报"', 3)):
        found = cli("customer", "list", "--where", f"contact-way:{name}", "--json").json["items"]
        assert len(found) == count, name
    # as `contact-way show` takes them: by state, too
    for word, count in (("door-1", 3), ("活码:door-1", 3), ("door-2", 0)):
        where = word if ":" in word else f"contact-way:{word}"
        found = cli("customer", "list", "--where", where, "--json").json["items"]
        assert len(found) == count, where
    wrong = cli("customer", "list", "--where", "contact-way:door-11", "--json")
    assert wrong.code == 2
    assert "door-1" in wrong.err
    far = cli("customer", "list", "--where", f"contact-way:{config[:1]}zzzzzz", "--json")
    assert (far.code, config in far.err) == (2, False)  # an id is nobody's slip of the pen
    assert "contact-way list" in far.err


def test_a_leaver_makes_ways_stale_or_dead_and_the_morning_says_so(codes: Any, cli: Any) -> None:
    first, second = codes.staff()[:2]
    alone = make(codes, user=[first], remark="alone")
    both = make(codes, user=[first, second], remark="both")
    codes.act("staff_leave", userid=first)
    codes.sync(2)
    stale = cli("contact-way", "list", "--stale", "--user", first, "--json").json["items"]
    assert {each["config_id"]: (each["status"], each["unfit"]) for each in stale} == {
        **{each["config_id"]: ("stale", [first]) for each in stale},
        alone: ("dead", [first]),
        both: ("stale", [first]),
    }
    text = cli("status").out
    assert "contact-way list --stale" in text
    steps = [line.split("plan ")[1] for line in
             cli("contact-way", "list", "--stale").err.splitlines() if "plan " in line]  # fmt: skip
    assert f"replace {first} --by STAFF" in steps
    assert any(first in each.split() for each in steps if "--by" not in each)
    codes.act("staff_leave", userid=second)
    codes.sync(2)
    # each shop's code gets a guide of its own
    steps = cli("contact-way", "list", "--stale").err
    assert f"replace {first} --by STAFF" in steps
    assert f"replace {' '.join(sorted((first, second)))} --by STAFF" in steps
    codes.app.data.execute("UPDATE contact_way SET user = '[]' WHERE config_id = ?", (alone,))
    assert f"plan update {alone} --user STAFF" in cli("contact-way", "show", alone).err
    shown = cli("contact-way", "show", "both", "--json").json
    assert (shown["reach"], shown["user"]) == (0, [first, second])


def test_a_list_and_its_parts(codes: Any, cli: Any) -> None:
    first = cli("contact-way", "list", "--limit", "1", "--json").json
    assert (len(first["items"]), first["has_more"], first["complete"]) == (1, True, True)
    rest = cli("contact-way", "list", "--after", first["next"], "--all", "--json").json["items"]
    assert {each["config_id"] for each in first["items"] + rest} == set(codes.ways())
    assert cli("contact-way", "list", "--status", "odd", "--json").code == 2
    assert cli("contact-way", "list", "--stale", "--status", "ok", "--json").code == 2
    text = cli("contact-way", "list", "--lang", "zh_CN").out
    assert "名称" in text


def test_an_answer_asked_for_before_a_job_wrote_is_older_than_what_the_job_wrote(
    codes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storeops.domains.contact_way import facts

    first = next(iter(codes.ways()))
    read = facts.read

    def after_a_job(connection: Any, way: Any, now: int, began: int) -> Any:
        if way.config_id == first:
            facts.write(connection, first, {"remark": "a job's"}, began + 1)
        return read(connection, way, now, began)

    monkeypatch.setattr(facts, "read", after_a_job)
    codes.read(full=True)
    assert codes.mirror_of_ways()[first][0] == "a job's"


def test_an_answer_asked_for_before_a_job_deleted_brings_no_code_back(
    codes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storeops.domains.contact_way import facts

    first = next(iter(codes.ways()))
    read, waiting = facts.read, [first]

    def after_a_job(connection: Any, way: Any, now: int, began: int) -> Any:
        if way.config_id in waiting:
            waiting.remove(first)
            facts.gone(connection, first, began)  # as a job that ended after the answer came
        return read(connection, way, now, began)

    monkeypatch.setattr(facts, "read", after_a_job)
    codes.read(full=True)
    assert (waiting, first in codes.mirror_of_ways()) == ([], False)


def test_a_dead_code_raises_one_alarm_until_it_is_mended(codes: Any, cli: Any) -> None:
    before = {each["key"] for each in _dead(cli)}
    first, second = codes.staff()[:2]
    alone = make(codes, user=[first], remark="王小明的码")
    make(codes, user=[first, second], remark="both")
    codes.act("staff_leave", userid=first)
    codes.sync(2)
    (alarm,) = [each for each in _dead(cli) if each["key"] not in before]
    assert alarm["key"] == alone
    assert alarm["next_step"] == f"storeops contact-way show {alone}"
    assert "王小明" not in alarm["text"]  # the name of a code may be a customer's
    assert f"replace {first} --by STAFF" in cli(*alarm["next_step"].split()[1:]).err
    from storeops.wecom import contact_ways

    contact_ways.delete(codes.app.client, alone)
    codes.read()
    assert {each["key"] for each in _dead(cli)} == before


def test_a_code_of_who_was_hired_since_members_were_read_raises_no_alarm(
    codes: Any, cli: Any
) -> None:
    first, second = codes.staff()[:2]
    left = make(codes, user=[first])
    codes.act("staff_leave", userid=first)
    codes.sync(2)
    way = make(codes, user=[second])
    codes.app.data.execute("UPDATE staff SET userid = 'another' WHERE userid = ?", (second,))
    before = {each["key"] for each in _dead(cli)}
    codes.read()
    assert left in before  # a leaver is known to be one, and stays told
    assert {each["key"] for each in _dead(cli)} == before
    preview = cli("alert", "test", "--kind", "contact_way_dead", "--json").json["items"]
    assert {each["key"] for each in preview} == before
    codes.sync(2)
    assert {each["key"] for each in _dead(cli)} == before
    codes.app.data.execute(
        "UPDATE contact_way SET user = '[\"nobody\"]' WHERE config_id = ?", (way,)
    )
    assert {each["key"] for each in _dead(cli)} == before | {way}
    codes.read()  # no proof any more, and none of the contrary
    assert {each["key"] for each in _dead(cli)} == before | {way}


def test_a_code_that_names_nobody_is_told_in_a_whole_sentence(codes: Any, cli: Any) -> None:
    way = make(codes, user=[codes.staff()[0]])
    codes.sync(2)
    codes.app.data.execute("UPDATE contact_way SET user = '[]' WHERE config_id = ?", (way,))
    (alarm,) = [each for each in _dead(cli) if each["key"] == way]
    assert alarm["text"].startswith("A contact way names nobody")


def _dead(cli: Any) -> list[dict[str, Any]]:
    cli("alert", "check")
    found = cli("alert", "list", "--kind", "contact_way_dead", "--json").json["items"]
    return list(found)


def test_an_erased_customer_stands_in_no_code(codes: Any, cli: Any) -> None:
    from storeops.domains.contact_way import forget

    way = make(codes, user=[codes.staff()[0]], state="tel-13912345678", remark="wm_someone x")
    codes.read()
    with codes.app.data.atomic() as connection:
        assert forget.forget_customer(connection, "wm_someone", {"13912345678"}) == 1
        assert forget.forget_customer(connection, "wm_someone", {"13912345678"}) == 0
    assert codes.mirror_of_ways()[way][:2] == ("… x", "tel-…")


def test_a_few_digits_in_the_phone_field_of_who_is_erased_stand_in_no_code(
    codes: Any, cli: Any
) -> None:
    way = make(codes, user=[codes.staff()[0]], state="store_sz_012", remark="12")
    codes.read()
    db = codes.app.data
    who, follow = db.execute(
        "SELECT external_userid, follow.id FROM follow JOIN customer ON customer.id = customer_id"
    ).fetchone()
    db.execute("UPDATE follow SET mobiles = ? WHERE id = ?", ('["12"]', follow))
    db.execute(
        "INSERT INTO welcome_greeting (code, external_userid, userid, state, text, happened_at,"
        " received_at, ends_at, status, begun_at) VALUES ('c', 'wm_a', 'u', 'store_sz_012',"
        " '12 % off', 1, 1, 1, 'sent', 1)"
    )
    assert cli("audit", "erase", who, "--yes").code == 0
    assert codes.mirror_of_ways()[way][:2] == ("12", "store_sz_012")
    assert db.execute("SELECT text FROM welcome_greeting").fetchone() == ("12 % off",)

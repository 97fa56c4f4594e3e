"""How `plan apply` and `handover watch` of a handover end, and what they tell to type next."""

from __future__ import annotations

import re
import shlex

from storeops.domains.handover.watch_result import WatchResult

DAY = 86_400


def steps(answer):
    return list(dict.fromkeys(re.findall(r"[Nn]ext: (storeops .*)", answer.out + answer.err)))


def type_all(cli, answer):
    found = steps(answer)
    for line in reversed(found):
        typed = cli(*shlex.split(line)[1:])
        assert typed.code == 0, f"{line}\n{typed.out}{typed.err}"
    return found


def handed_over(corp, cli, act, count=4):
    """Some customers on their way, who will all do as said; the answer of the apply."""
    from_owner, to_owner = (m["userid"] for m in corp.staff()[:2])
    who = corp.customers(from_owner, without=to_owner)[:count]
    corp.decide(who, act)
    made = corp.plan(
        from_owner, to=to_owner, groups=False, where=" OR ".join(f"id:{e}" for e in who)
    )
    answer = cli("plan", "apply", made.plan.name, "--yes")
    assert answer.code == 0, answer.err
    return made, answer


def test_an_apply_names_the_watch(corp, cli):
    _made, answer = handed_over(corp, cli, "accept")
    assert type_all(cli, answer) == ["storeops handover watch"]


def test_a_watch_of_customers_who_agree_ends_with_0_and_steps_that_work(corp, cli):
    made, _answer = handed_over(corp, cli, "accept")
    corp.advance(DAY)
    answer = cli("handover", "watch")
    assert answer.code == 0, answer.err
    assert type_all(cli, answer) == [f"storeops handover restore {made.plan.name}"]
    again = cli("handover", "watch")
    assert (again.code, steps(again)) == (0, []), "nothing to do"


def test_nothing_is_offered_where_nothing_was_known_to_be_lacking(corp, cli):
    with corp.app.data.atomic() as connection:  # strangers to the mirror: no tags, no remarks
        connection.execute("UPDATE follow SET remark = '', description = '',"
                           " remark_corp_name = '', mobiles = '[]', tags_known = 0")  # fmt: skip
        connection.execute("DELETE FROM follow_tag")
    made, _answer = handed_over(corp, cli, "accept")
    corp.advance(DAY)
    answer = cli("handover", "watch")
    assert (answer.code, steps(answer)) == (0, []), answer.out
    assert corp.row_counts(made) == {"done": 4}


def test_group_chats_alone_leave_nothing_to_put_back(corp, cli):
    staff = [each["userid"] for each in corp.staff()]
    owner = next(x["owner"] for x in corp.control.export("groups") if x["owner"] in staff)
    to_owner = next(each for each in staff if each != owner)
    made = corp.hand_over(owner, to=to_owner, customers=False, groups=True)
    assert set(corp.row_counts(made)) == {"done"}
    refused = cli("handover", "restore", made.plan.name)
    assert refused.code == 9
    assert "handover watch" not in refused.err, "there is nothing to wait for"


def test_a_watch_of_customers_who_decline_is_partly_and_names_the_plan(corp, cli):
    made, _answer = handed_over(corp, cli, "refuse")
    corp.advance(DAY)
    answer = cli("handover", "watch")
    assert answer.code == 6
    assert "PLAN" not in answer.out + answer.err
    assert "USERID" not in answer.out + answer.err
    assert type_all(cli, answer)
    for row in cli("plan", "results", made.plan.name, "--json").json["items"]:
        assert row["status"] == "refused"
        assert row["meaning"]
        assert made.plan.name in row["next_step"]
        line = row["next_step"].partition(": ")[2]
        assert cli(*shlex.split(line)[1:]).code in (0, 6)
    with corp.app.data.atomic() as connection:  # a later sync finds them gone
        connection.execute("UPDATE follow SET status = 'lost'")
    for row in cli("plan", "results", made.plan.name, "--json").json["items"]:
        assert row["status"] == "refused"
        assert "--again" not in row["next_step"]


def test_a_watch_that_can_ask_nobody_ends_with_the_reason(corp, cli):
    handed_over(corp, cli, "accept")
    corp.advance(DAY)
    corp.control.fault("errcode", "externalcontact/transfer_result", errcode=60111)
    assert cli("handover", "watch").code == 5
    corp.control.clear_faults()
    corp.advance(300)
    corp.control.fault("errcode", "externalcontact/transfer_result", errcode=60020)
    assert cli("handover", "watch").code == 4
    corp.control.clear_faults()


def test_the_total_of_a_watch_does_not_grow_while_it_runs(corp):
    from_owner, *to_owners = (m["userid"] for m in corp.staff()[:4])
    corp.hand_over(from_owner, to=to_owners, rule="round-robin", groups=False)
    corp.advance(DAY)
    totals = []

    def look(watched: WatchResult) -> None:
        totals.append(sum(watched.settled.values()) + watched.waiting)

    corp.watch(on_progress=look)
    assert len(totals) == 3
    assert len(set(totals)) == 1, totals


def test_a_member_who_has_nothing_is_nothing_to_do(corp, cli):
    from_owner, to_owner = (m["userid"] for m in corp.staff()[:2])
    answer = cli("handover", "plan", "--from", from_owner, "--to", to_owner, "--where", "id:nobody",
                 "--no-groups", "--json")  # fmt: skip
    assert (answer.code, answer.json["plan_id"]) == (0, None)


def test_the_undo_of_a_handover_names_the_way_back_of_this_plan(corp, cli):
    made, _answer = handed_over(corp, cli, "accept")
    corp.advance(DAY)
    assert cli("handover", "watch").code == 0
    answer = cli("plan", "undo", made.plan.name)
    assert answer.code == 11
    (line,) = re.findall(r"(storeops handover back-plan .*)", answer.err)
    assert cli(*shlex.split(line)[1:]).code == 0, line


def test_there_is_no_way_back_to_leavers(corp, cli):
    leaver = corp.leavers()[0]["userid"]
    to_owner = corp.staff()[0]["userid"]
    made = corp.hand_over(leaver, to=to_owner, groups=False)
    corp.advance(DAY)
    assert cli("handover", "watch").code in (0, 6)
    plans = len(cli("plan", "list", "--json").json["items"])
    answer = cli("handover", "back-plan", made.plan.name, "--json")
    assert answer.code == 6
    assert leaver in answer.error["message"] or "left" in answer.error["message"]
    assert set(answer.error["blocked_by"]) == {"taker_left"}
    assert len(cli("plan", "list", "--json").json["items"]) == plans, "no empty plan is kept"
    undo = cli("plan", "undo", made.plan.name)
    assert undo.code == 11
    assert "back-plan" not in undo.err, "a next step that leads nowhere"


def test_what_a_leavers_customer_declined_leads_to_an_end(make_corp, cli):
    """Each step that `plan results` prints is typed until it prints none; status says so, too."""
    corp = make_corp(handover_at_once_rate=0, handover_early_rate=0, handover_delete_rate=0)
    leaver, to_owner = corp.leavers()[0]["userid"], corp.staff()[0]["userid"]
    who = corp.customers(leaver, without=to_owner)[:2]
    corp.decide(who, "refuse", 60)
    made = corp.hand_over(
        leaver, to=to_owner, groups=False, where=" OR ".join(f"id:{each}" for each in who)
    )
    corp.advance(DAY)
    corp.watch()
    corp.advance(60)
    typed = []
    while lines := _result_steps(cli, made.plan.name):
        assert lines not in typed, f"a circle: {typed}"
        typed.append(lines)
        for line in lines:
            assert cli(*shlex.split(line)[1:]).code == 0
    assert typed == [["storeops sync run --scope unassigned"]]
    assert "no plan can help them" in cli("status").out


def _result_steps(cli, plan):
    rows = cli("plan", "results", plan, "--not-done", "--json").json["items"]
    assert {row["status"] for row in rows} == {"refused"}
    found = (re.search(r"storeops [a-z].*", row["next_step"]) for row in rows)
    return sorted({each[0] for each in found if each})

"""Every API function against the sandbox, over a real socket."""

from __future__ import annotations

import pytest

from storeops.clock import SystemClock
from storeops.limits.memory import MemoryLimiter, MemoryTokenStore
from storeops.sandbox.local import start
from storeops.wecom import contact_ways, contacts, customers, groups, handover, server, tags
from storeops.wecom.client import WeComClient
from storeops.wecom.errors import (
    ResponseError,
    UncertainError,
    WeComAccessError,
    WeComError,
    WeComNotFoundError,
    WeComRequestError,
)
from storeops.wecom.transport import Timeouts


def connect(sandbox):
    clock = SystemClock()
    return WeComClient(
        base_url=sandbox.base_url,
        corp_id=sandbox.corp_id,
        agent_id=sandbox.agent_id,
        secret=lambda: sandbox.secret,
        tokens=MemoryTokenStore(clock),
        limiter=MemoryLimiter(clock),
        clock=clock,
        timeouts=Timeouts(read_s=1.0),
    )


@pytest.fixture
def sandbox():
    running = start(stores=4, staff=14, follows=400, seed=7)
    yield running
    running.stop()


@pytest.fixture
def client(sandbox):
    with connect(sandbox) as connected:
        yield connected


@pytest.fixture
def follows(sandbox):
    return list(sandbox.control.export("follows"))


def some_follow(client):
    members = customers.list_follow_users(client)
    return next(customers.iter_by_user(client, members[:100]))


def some_tag(client):
    return tags.list_corp_tags(client)[0].tag[0]


def test_a_contact_way_from_birth_to_death(client, sandbox):
    fields = {"type": 2, "scene": 2, "user": ["g00001"], "state": "s-1", "skip_verify": False}
    made = contact_ways.add(client, fields)
    way = contact_ways.get(client, made.config_id)
    assert {key: getattr(way, key) for key in fields} == {**fields, "user": ("g00001",)}
    assert way.qr_code == made.qr_code != ""
    contact_ways.update(client, made.config_id, {"user": ["g00002"], "state": ""})
    changed = contact_ways.get(client, made.config_id)
    assert (changed.user, changed.state, changed.skip_verify) == (("g00002",), "", False)
    ids = {row.config_id for page in contact_ways.iter_pages(client, limit=2)
           for row in page.contact_way}  # fmt: skip
    assert ids == {each["config_id"] for each in sandbox.control.export("contact_ways")}
    contact_ways.delete(client, made.config_id)
    with pytest.raises(WeComError) as gone:
        contact_ways.get(client, made.config_id)
    assert (gone.value.errcode, gone.value.exit_code) == (41044, 5)


# -- contacts -------------------------------------------------------------------------------------


def test_departments_in_two_ways(client):
    whole = contacts.list_departments(client)
    nodes = contacts.list_department_nodes(client)
    assert {each.id for each in whole} == {each.id for each in nodes}
    below = contacts.list_departments(client, whole[-1].id)
    assert whole[-1].id in {each.id for each in below}


def test_members(client, sandbox):
    members = contacts.list_users(client, 1, fetch_child=True)
    assert {each.userid for each in members} >= set(customers.list_follow_users(client))
    simple = contacts.list_simple_users(client, 1, fetch_child=True)
    assert {each.userid for each in simple} == {each.userid for each in members}
    assert contacts.get_user(client, members[0].userid) == members[0]
    with pytest.raises(WeComNotFoundError) as caught:
        contacts.get_user(client, "nobody_at_all")
    assert caught.value.errcode in (60111, 40003)


def test_server_addresses(client):
    assert server.api_domain_ips(client)


# -- customers ------------------------------------------------------------------------------------


def test_follows_equal_the_truth_row_for_row(client, follows):
    members = customers.list_follow_users(client)
    read = {}
    for begin in range(0, len(members), 100):
        for row in customers.iter_by_user(client, members[begin : begin + 100]):
            key = (row.follow_info.userid, row.external_contact.external_userid)
            read[key] = row.follow_info.remark
    truth = {
        (each["userid"], each["external_userid"]): each["remark"]
        for each in follows
        if each["userid"] in members
    }
    assert read == truth
    assert len(read) > 300


def test_one_customer_with_every_follow(client):
    row = some_follow(client)
    customer = customers.get(client, row.external_contact.external_userid)
    assert customer.external_contact == row.external_contact
    mine = next(each for each in customer.follow_user if each.userid == row.follow_info.userid)
    corp = tuple(each.tag_id for each in mine.tags if each.type != 2)
    assert corp == row.follow_info.tag_id
    assert (mine.remark, mine.createtime) == (row.follow_info.remark, row.follow_info.createtime)


def test_unknown_customers_and_members(client):
    with pytest.raises(WeComNotFoundError) as caught:
        customers.get(client, "wmNobody")
    assert caught.value.errcode == 40096
    with pytest.raises(WeComNotFoundError):
        customers.list_external_userids(client, "nobody_at_all")


def test_ids_of_one_member(client):
    row = some_follow(client)
    ids = customers.list_external_userids(client, row.follow_info.userid)
    assert row.external_contact.external_userid in ids


def test_remark_changes_what_is_given_and_clears_phones(client):
    row = some_follow(client)
    key = (row.follow_info.userid, row.external_contact.external_userid)

    def now():
        customer = customers.get(client, key[1])
        return next(each for each in customer.follow_user if each.userid == key[0])

    customers.remark(client, *key, remark="王女士", remark_mobiles=["13800000001"])
    assert (now().remark, now().remark_mobiles) == ("王女士", ("13800000001",))
    customers.remark(client, *key, description="爱喝茶", remark_mobiles=[])
    assert now().remark == "王女士"
    assert now().description == "爱喝茶"
    assert now().remark_mobiles == ()
    with pytest.raises(WeComRequestError):
        customers.remark(client, *key, remark="长" * 21)
    with pytest.raises(ValueError, match="nothing"):
        customers.remark(client, *key)


# -- tags -----------------------------------------------------------------------------------------


def test_the_tag_library_from_birth_to_death(client):
    made = tags.add_corp_tag(
        client, [tags.NewTag("金卡", 2), tags.NewTag("银卡")], group_name="会员级别测试"
    )
    assert {each.name for each in made.tag} == {"金卡", "银卡"}
    gold = next(each for each in made.tag if each.name == "金卡")
    more = tags.add_corp_tag(client, [tags.NewTag("铜卡")], group_id=made.group_id)
    assert more.group_id == made.group_id
    tags.edit_corp_tag(client, gold.id, name="白金卡")
    (group,) = tags.list_corp_tags(client, group_ids=[made.group_id])
    assert {each.name for each in group.tag} == {"白金卡", "银卡", "铜卡"}
    (named,) = tags.list_corp_tags(client, tag_ids=[gold.id])
    assert [each.id for each in named.tag] == [gold.id]
    with pytest.raises(WeComError) as caught:
        tags.add_corp_tag(client, [tags.NewTag("银卡")], group_id=made.group_id)
    assert caught.value.errcode == 40071
    tags.delete_corp_tags(client, group_ids=[made.group_id])
    assert made.group_id not in {each.group_id for each in tags.list_corp_tags(client)}


def test_marking_is_per_follow(client):
    row = some_follow(client)
    key = (row.follow_info.userid, row.external_contact.external_userid)
    tag = tags.add_corp_tag(client, [tags.NewTag("到店")], group_name="活动测试").tag[0]
    tags.mark(client, *key, add=[tag.id])
    customer = customers.get(client, key[1])
    carriers = {
        each.userid for each in customer.follow_user if tag.id in [one.tag_id for one in each.tags]
    }
    assert carriers == {key[0]}
    tags.mark(client, *key, remove=[tag.id])
    customer = customers.get(client, key[1])
    assert not any(tag.id == one.tag_id for each in customer.follow_user for one in each.tags)
    with pytest.raises(WeComNotFoundError):
        tags.mark(client, *key, add=["etNoSuchTag"])
    with pytest.raises(WeComNotFoundError) as caught:
        tags.mark(client, "u_boss", key[1], add=[some_tag(client).id])
    assert caught.value.errcode in (84061, 84083, 84074)


# -- handover -------------------------------------------------------------------------------------


def test_unassigned_by_cursor_and_by_page(client, sandbox):
    truth = {
        (each["handover_userid"], each["external_userid"])
        for each in sandbox.control.export("unassigned")
    }
    read = {
        (each.handover_userid, each.external_userid) for each in handover.iter_unassigned(client)
    }
    assert read == truth
    assert truth
    small = handover.list_unassigned(client, page_size=2)
    assert len(small.info) == 2
    again = handover.list_unassigned(client, cursor=small.next_cursor, page_size=2)
    assert not {each.external_userid for each in small.info} & {
        each.external_userid for each in again.info
    }
    assert handover.list_unassigned(client, "page_id=0", 2).info == small.info
    with pytest.raises(ResponseError, match="50000"):
        handover.list_unassigned(client, "page_id=50")


def pair(client):
    row = some_follow(client)
    owner = row.follow_info.userid
    theirs = set(customers.list_external_userids(client, owner))
    for to_owner in customers.list_follow_users(client):
        if to_owner != owner:
            try:
                taken = set(customers.list_external_userids(client, to_owner))
            except WeComNotFoundError:
                taken = set()
            return owner, to_owner, sorted(theirs - taken)
    raise AssertionError


def test_handover_on_the_job(client, sandbox):
    owner, to_owner, ids = pair(client)
    rows = handover.transfer(client, owner, to_owner, ids[:2], transfer_success_msg="您好")
    assert {each.external_userid for each in rows} == set(ids[:2])
    assert {each.errcode for each in rows} == {0}
    outcomes = handover.transfer_result(client, owner, to_owner).customer
    assert {each.external_userid for each in outcomes} == set(ids[:2])
    assert {each.status for each in outcomes} <= {1, 2}  # some customers agree at once
    again = handover.transfer(client, owner, to_owner, ids[:1])
    assert again[0].errcode in (40100, 40129, 40131)
    sandbox.control.advance(25 * 3600)
    outcomes = handover.transfer_result(client, owner, to_owner).customer
    assert {each.status for each in outcomes} <= {1, 3, 4}  # nobody waits any longer
    with pytest.raises(WeComError) as caught:
        handover.transfer(client, owner, owner, ids[:1])
    assert caught.value.errcode == 40130


def test_handover_after_leaving(client):
    waiting = next(handover.iter_unassigned(client))
    _owner, to_owner, _ids = pair(client)
    rows = handover.resigned_transfer(
        client, waiting.handover_userid, to_owner, [waiting.external_userid]
    )
    assert rows[0].external_userid == waiting.external_userid
    outcomes = handover.resigned_transfer_result(client, waiting.handover_userid, to_owner).customer
    assert bool(outcomes) == (rows[0].errcode == 0)
    owner, to_owner, ids = pair(client)
    with pytest.raises(WeComError) as caught:
        handover.resigned_transfer(client, owner, to_owner, ids[:1])
    assert caught.value.errcode == 40097


def test_groups_are_handed_over(client):
    owners = customers.list_follow_users(client)
    chat = groups.get_chat(client, next(groups.iter_chats(client)).chat_id)
    to_owner = next(each for each in owners if each != chat.owner)
    assert handover.transfer_chats_on_job(client, [chat.chat_id], to_owner) == ()
    assert groups.get_chat(client, chat.chat_id).owner == to_owner
    (failed,) = handover.transfer_chats_resigned(client, [chat.chat_id], chat.owner)
    assert (failed.chat_id, failed.errcode) == (chat.chat_id, 90500)


# -- groups and figures ---------------------------------------------------------------------------


def test_groups(client, sandbox):
    truth = {each["chat_id"] for each in sandbox.control.export("groups")}
    listed = {each.chat_id for each in groups.iter_chats(client)}
    assert listed
    assert listed <= truth
    chat = groups.get_chat(client, sorted(listed)[0])
    assert chat.owner in {each.userid for each in chat.member_list if each.type == 1}
    assert any(each.type == 2 and each.userid.startswith("w") for each in chat.member_list)
    assert {each.chat_id for each in groups.iter_chats(client, owners=[chat.owner])} <= listed
    with pytest.raises(WeComNotFoundError) as caught:
        groups.get_chat(client, "wrNoSuchGroup")
    assert caught.value.errcode == 40050


def test_figures(client, sandbox):
    now = sandbox.control.now()
    yesterday, before = now - 86_400, now - 3 * 86_400
    owner = groups.get_chat(client, next(groups.iter_chats(client)).chat_id).owner
    page = groups.chat_statistics(client, [owner], before, yesterday)
    assert page.next_offset == page.total
    assert [each.owner for each in page.items] == [owner]
    days = groups.chat_statistics_by_day(client, [owner], before, yesterday)
    assert len(days) == 3
    assert len(groups.behaviour(client, before, yesterday, userids=[owner])) == 3
    with pytest.raises(WeComError) as caught:
        groups.chat_statistics(client, [owner], now)
    assert caught.value.errcode == 600018
    with pytest.raises(ValueError, match="empty"):
        groups.behaviour(client, before, yesterday)


# -- the rules of the wire, as the sandbox plays them ---------------------------------------------


@pytest.mark.parametrize("kill", ["expire_tokens", "kill_tokens"])
def test_a_token_that_dies_is_replaced(client, sandbox, kill):
    customers.list_follow_users(client)
    getattr(sandbox.control, kill)()
    assert customers.list_follow_users(client)


def test_the_clock_follows_a_sandbox_that_was_moved(client, sandbox):
    sandbox.control.advance(86_400)
    customers.list_follow_users(client)
    assert client.clock.now() == pytest.approx(sandbox.control.now(), abs=3)


def test_a_wrong_secret_is_exit_4(sandbox):
    clock = SystemClock()
    with (
        WeComClient(
            base_url=sandbox.base_url,
            corp_id=sandbox.corp_id,
            secret=lambda: "wrong",
            tokens=MemoryTokenStore(clock),
            limiter=MemoryLimiter(clock),
            clock=clock,
        ) as stranger,
        pytest.raises(WeComAccessError) as caught,
    ):
        customers.list_follow_users(stranger)
    assert caught.value.errcode == 40001


@pytest.mark.parametrize("kind", ["status", "cut", "truncate", "truncated_json", "invalid"])
def test_a_read_survives_faults(client, sandbox, kind):
    truth = customers.list_follow_users(client)
    sandbox.control.fault(kind, "*get_follow_user_list", first=1)
    sandbox.control.reset_calls()
    assert customers.list_follow_users(client) == truth


def test_a_lost_answer_leaves_a_write_uncertain_and_done(client, sandbox):
    row = some_follow(client)
    key = (row.follow_info.userid, row.external_contact.external_userid)
    sandbox.control.fault("lost", "*remark", first=1)
    with pytest.raises(UncertainError):
        customers.remark(client, *key, remark="到底写了没")
    customer = customers.get(client, key[1])
    mine = next(each for each in customer.follow_user if each.userid == key[0])
    assert mine.remark == "到底写了没"


def test_many_threads_stay_within_four_in_flight(client, sandbox):
    from concurrent.futures import ThreadPoolExecutor

    sandbox.control.reset_calls()
    members = customers.list_follow_users(client)
    with ThreadPoolExecutor(8) as crew:
        list(crew.map(lambda _n: customers.get_by_user(client, members[:5]), range(40)))
    calls = sandbox.control.calls()
    seen = calls.get("paths", calls)
    row = next(value for path, value in seen.items() if path.endswith("batch/get_by_user"))
    assert 40 <= row["calls"] <= 48  # a read may meet a connection that is being closed
    assert row["max_in_flight"] <= 4

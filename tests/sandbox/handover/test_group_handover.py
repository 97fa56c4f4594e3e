"""Group chats on the job and after leaving against doc 95703, 92127, over a socket."""

DAY = 86_400


def _groups(api, left):
    """Groups by owner, of present owners or of leavers."""
    gone = {m["userid"] for m in api.export("staff") if m["left_at"]}
    found = {}
    for row in api.export("groups"):
        if (row["owner"] in gone) is left:
            found.setdefault(row["owner"], []).append(row)
    return found


def _owner(api, chat_id):
    return api.post("groupchat/get", chat_id=chat_id)["group_chat"]["owner"]


def _codes(answer):
    assert answer["errcode"] == 0, answer
    return {row["chat_id"]: row["errcode"] for row in answer["failed_chat_list"]}


def test_on_the_job_the_owner_changes_at_once(api):
    owner, groups = next(iter(_groups(api, left=False).items()))
    to_owner = next(m["userid"] for m in api.staff() if m["userid"] != owner)
    chat = groups[0]["chat_id"]
    answer = api.post("groupchat/onjob_transfer", chat_id_list=[chat], new_owner=to_owner)
    assert answer["failed_chat_list"] == []
    assert _owner(api, chat) == to_owner
    assert _codes(
        api.post("groupchat/onjob_transfer", chat_id_list=[chat], new_owner=to_owner)
    ) == {chat: 90504}


def test_group_data_lags_when_told_to(api):
    api.control.settings(group_move_lag_s=120, group_failed_list="absent")
    owner, groups = next(iter(_groups(api, left=False).items()))
    to_owner = next(m["userid"] for m in api.staff() if m["userid"] != owner)
    chat = groups[0]["chat_id"]
    answer = api.post("groupchat/onjob_transfer", chat_id_list=[chat], new_owner=to_owner)
    assert "failed_chat_list" not in answer
    assert _owner(api, chat) == owner
    api.control.advance(121)
    assert _owner(api, chat) == to_owner


def test_after_leaving_the_status_walks_from_1_to_3(api):
    owner, groups = next(iter(_groups(api, left=True).items()))
    to_owner = api.staff()[0]["userid"]
    chat = groups[0]["chat_id"]

    def status(who):
        rows = api.post("groupchat/list", limit=100, owner_filter={"userid_list": [who]})[
            "group_chat_list"
        ]
        return {r["chat_id"]: r["status"] for r in rows}.get(chat)

    assert status(owner) == 1
    assert _codes(api.post("groupchat/transfer", chat_id_list=[chat], new_owner=to_owner)) == {}
    assert status(owner) == 2
    assert _codes(api.post("groupchat/transfer", chat_id_list=[chat], new_owner=to_owner)) == {
        chat: 90507
    }
    api.control.advance(61)
    assert status(to_owner) == 3
    assert _codes(api.post("groupchat/transfer", chat_id_list=[chat], new_owner=to_owner)) == {
        chat: 90508
    }
    assert _owner(api, chat) == to_owner


def test_each_kind_has_its_endpoint(api):
    here = next(iter(_groups(api, left=False).values()))[0]
    gone = next(iter(_groups(api, left=True).values()))[0]
    to_owner = next(m["userid"] for m in api.staff() if m["userid"] != here["owner"])
    wrong = api.post("groupchat/transfer", chat_id_list=[here["chat_id"]], new_owner=to_owner)
    assert _codes(wrong) == {here["chat_id"]: 90500}
    wrong = api.post("groupchat/onjob_transfer", chat_id_list=[gone["chat_id"]], new_owner=to_owner)
    assert _codes(wrong) == {gone["chat_id"]: 90502}


def test_the_list_names_failures_only(api):
    owner, groups = next((o, g) for o, g in _groups(api, left=False).items() if g)
    to_owner = next(m["userid"] for m in api.staff() if m["userid"] != owner)
    chat = groups[0]["chat_id"]
    answer = api.post("groupchat/onjob_transfer", chat_id_list=[chat, "wrNo"], new_owner=to_owner)
    assert _codes(answer) == {"wrNo": 40050}
    assert answer["failed_chat_list"][0]["errmsg"]
    assert _owner(api, chat) == to_owner


def test_daily_limit_counts_beijing_days(api):
    api.control.settings(group_daily_limit=1)
    groups = [g["chat_id"] for rows in _groups(api, left=True).values() for g in rows]
    here = [g["chat_id"] for rows in _groups(api, left=False).values() for g in rows]
    to_owner = next(m["userid"] for m in api.staff() if m["userid"] not in _groups(api, left=False))
    answer = api.post("groupchat/onjob_transfer", chat_id_list=here[:2], new_owner=to_owner)
    assert _codes(answer) == {here[1]: 45009}
    later = api.post("groupchat/transfer", chat_id_list=groups[:1], new_owner=to_owner)
    assert _codes(later) == {groups[0]: 45009}, "both kinds share the day"
    now = api.control.now()
    api.control.advance(DAY - (now + 8 * 3600) % DAY)
    answer = api.post("groupchat/onjob_transfer", chat_id_list=here[1:2], new_owner=to_owner)
    assert _codes(answer) == {}


def test_full_groups_and_repeats(api):
    owner, groups = next(iter(_groups(api, left=False).items()))
    chat = groups[0]["chat_id"]
    people = [m["userid"] for m in api.staff() if m["userid"] != owner]
    api.control.settings(group_full_members=1)
    answer = api.post("groupchat/onjob_transfer", chat_id_list=[chat], new_owner=people[0])
    assert _codes(answer) == {chat: 90503}
    api.control.settings(group_full_members=99)
    for to_owner in people[:2]:
        answer = api.post("groupchat/onjob_transfer", chat_id_list=[chat], new_owner=to_owner)
        assert _codes(answer) == {}
    answer = api.post("groupchat/onjob_transfer", chat_id_list=[chat], new_owner=people[2])
    assert _codes(answer) == {chat: 45009}


def test_whole_call_refusals(api):
    to_owner = api.staff()[0]["userid"]
    for path in ("groupchat/onjob_transfer", "groupchat/transfer"):
        assert api.post(path, chat_id_list=[], new_owner=to_owner)["errcode"] == 40058
        assert api.post(path, chat_id_list=["x"] * 101, new_owner=to_owner)["errcode"] == 40058
        assert api.post(path, chat_id_list=["x"], new_owner="nobody")["errcode"] == 60111
    api.member(to_owner, real_name=False)
    assert (
        api.post("groupchat/transfer", chat_id_list=["x"], new_owner=to_owner)["errcode"] == 40098
    )

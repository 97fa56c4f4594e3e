"""How often and how many at once (doc 90312)."""

from tests.sandbox.conftest import DAY

PATH = "externalcontact/get_corp_tag_list"


def _codes(answers):
    return sorted(a["errcode"] for a in answers)


def test_the_minute_limit_bans_for_a_minute(api):
    api.control.settings(minute_limit=3)
    codes = [api.post(PATH)["errcode"] for _ in range(5)]
    assert codes == [0, 0, 0, 45009, 45009]
    assert api.status == 200
    assert api.get("department/list")["errcode"] == 0  # other APIs go on
    bans = api.control.status()["bans"]
    assert [b["path"] for b in bans] == [PATH]
    assert 0 < bans[0]["seconds_left"] <= 60
    api.control.advance(30)
    assert api.post(PATH)["errcode"] == 45009
    api.control.advance(31)
    assert api.post(PATH)["errcode"] == 0
    assert api.control.status()["bans"] == []


def test_the_hour_limit_bans_for_an_hour(api):
    api.control.settings(hour_limit=2)
    assert [api.post(PATH)["errcode"] for _ in range(3)] == [0, 0, 45009]
    api.control.advance(61)
    assert api.post(PATH)["errcode"] == 45009
    api.control.advance(3600)
    assert api.post(PATH)["errcode"] == 0


def test_the_limit_counts_all_apps_of_the_corp(api):
    api.control.settings(minute_limit=2)
    far = api.app(1000003)
    assert [api.post(PATH)["errcode"], far.post(PATH)["errcode"]] == [0, 0]
    assert far.post(PATH)["errcode"] == 45009
    far.close()


def test_an_address_has_limits_of_its_own(api):
    api.control.settings(ip_minute_limit=1)
    assert [api.post(PATH)["errcode"] for _ in range(2)] == [0, 45009]


def test_failing_calls_count_and_refused_ones_may_not(api):
    api.control.settings(minute_limit=2)
    assert api.ext("mark_tag")["errcode"] == 41009
    assert api.ext("mark_tag")["errcode"] == 41009
    assert api.ext("mark_tag")["errcode"] == 45009
    api.control.settings(refused_calls_count=False)
    api.control.advance(DAY)
    api.forget_token()
    assert api.ext("mark_tag")["errcode"] == 41009


def test_more_than_five_in_flight(api):
    api.control.settings(latency_ms=300)
    codes = _codes(api.together([(PATH, {})] * 8))
    assert codes == [0] * 5 + [45033] * 3
    count = api.control.calls()["paths"][PATH]
    assert count["max_in_flight"] >= 6
    assert count["in_flight"] == 0
    assert count["errcodes"] == {"0": 5, "45033": 3}
    api.control.settings(in_flight_limit=8)
    assert _codes(api.together([(PATH, {})] * 8)) == [0] * 8


def test_writes_for_one_customer_conflict(api):
    api.control.settings(latency_ms=300)
    rows = api.follows()
    tag = api.export("tags")[0]["tag_id"]

    def mark(row):
        pair = {"userid": row["userid"], "external_userid": row["external_userid"]}
        return "externalcontact/mark_tag", {**pair, "add_tag": [tag]}

    assert _codes(api.together([mark(rows[0])] * 3)) == [0, 45035, 45035]
    apart = list({r["external_userid"]: r for r in rows}.values())[:3]
    assert _codes(api.together([mark(r) for r in apart])) == [0, 0, 0]
    api.control.settings(customer_write_limit=3)
    assert _codes(api.together([mark(rows[0])] * 3)) == [0, 0, 0]


def test_counts_start_anew(api):
    api.post(PATH)
    assert api.control.calls()["paths"][PATH]["calls"] == 1
    api.control.reset_calls()
    assert api.control.calls() == {"total": 0, "paths": {}}

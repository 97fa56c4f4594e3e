"""A simulated day without callbacks: `events gaps` finds and repairs every change.

CHAOS_CHANGES changes (500) of CHAOS_FOLLOWS relations (2000); the mirror is compared with the
sandbox's record afterwards. That a customer deleted a member is none of them: WeCom goes on
listing the relation, so that only a callback can tell (doc 92130).
"""

from __future__ import annotations

import os
from typing import Any

from storeops import config, secrets
from storeops.sandbox import local

CHANGES = int(os.environ.get("CHAOS_CHANGES", "500"))
FOLLOWS = int(os.environ.get("CHAOS_FOLLOWS", "2000"))
DAY = 86_400


def test_every_change_of_a_day_without_callbacks(cli: Any, home: Any) -> None:
    with local.start(stores=5, staff=40, follows=FOLLOWS, seed=7) as box:
        config.save_profile(
            config.Profile(
                "shop", box.corp_id, agent_id=box.agent_id, base_url=box.base_url, sandbox=True
            )
        )
        secrets.save("shop", box.secret)
        assert cli("sync", "run", "--quiet").code == 0
        rows = cli(
            "customer", "list", "--where", "owners:1", "--limit", str(CHANGES), "--json"
        ).json["items"]
        assert len(rows) == CHANGES
        tags = [each["tag_id"] for each in cli("tag", "list", "--all", "--json").json["items"]]
        expected = set()
        for number, row in enumerate(rows):
            who, owner = row["external_userid"], row["follows"][0]["userid"]
            act = ("remark_edit", "follow_delete", "remark_edit", "tag_mark")[number % 4]
            how: dict[str, Any] = {"remark": f"day {number}"} if act == "remark_edit" else {}
            if act == "tag_mark":
                held = {each["tag_id"] for each in row["follows"][0]["tags"]}
                how = {"add": [next(each for each in tags if each not in held)]}
            box.control.act(act, userid=owner, external_userid=who, **how)
            expected.add((who, owner))
            if number % 50 == 49:
                box.control.advance(DAY * 50 / CHANGES)
        found = cli("events", "gaps", "--all", "--json")
        assert found.code == 0, found.err
        named = {(each["external_userid"], each["userid"]) for each in found.json["items"]}
        print(f"{CHANGES} changes, {len(named & expected)} found, {len(named)} named", flush=True)
        assert expected == named
        assert found.json["told"] == 0
        cli("events", "gaps", "--quiet")  # what was missing once is lost with the second reading
        assert cli("events", "gaps", "--json").json["untold"] == 0
        verified = cli("sync", "verify", "--all", "--json")
        assert verified.code == 0, verified.err

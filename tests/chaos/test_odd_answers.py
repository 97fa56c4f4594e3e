"""Wrong answers to every kind of write, odd values in every list: nothing false is believed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storeops.wecom import customers, handover, tags
from storeops.wecom.client import WeComClient
from storeops.wecom.errors import UncertainError
from tests.chaos.truth import compare
from tests.chaos.world import make_world
from tests.sync.test_odd_values import NAMES, READERS, standing

SEEDS = int(os.environ.get("CHAOS_SEEDS", "5"))

WRONG: list[tuple[str, dict[str, Any]]] = [
    ("html", {}), ("foreign_json", {}), ("empty_object", {}), ("null_body", {}),
    ("empty_body", {}), ("no_errcode", {}), ("truncated_json", {}), ("status", {"status": 502}),
]  # fmt: skip
WRITES: dict[str, Callable[[WeComClient, str, str], object]] = {
    "externalcontact/mark_tag": lambda c, user, who: tags.mark(
        c, user, who, add=[tags.list_corp_tags(c)[0].tag[0].id]
    ),
    "externalcontact/remark": lambda c, user, who: customers.remark(c, user, who, remark="x"),
    "externalcontact/transfer_customer": lambda c, user, who: handover.transfer(
        c, user, next(each for each in customers.list_follow_users(c) if each != user), [who]
    ),
    "externalcontact/add_corp_tag": lambda c, _user, who: tags.add_corp_tag(
        c, [tags.NewTag(who[-20:])], group_name="g"
    ),
}
ODD = ("cut_text", "control_char", "half_surrogate", "null_field", "number_as_text",
       "text_as_number", "milliseconds", "missing_field", "byte_order_mark", "errcode_as_text",
       "no_cursor", "same_cursor")  # fmt: skip


@pytest.mark.parametrize("path", WRITES)
def test_no_write_is_falsely_done(tmp_path: Path, path: str) -> None:
    here = make_world(tmp_path / "data.db", stores=3, staff=10, follows=80)
    try:
        rows = list(customers.iter_by_user(here.client, customers.list_follow_users(here.client)))
        for (kind, how), row in zip(WRONG, rows, strict=False):
            here.sandbox.control.fault(kind, path, **how)
            here.sandbox.control.reset_calls()
            user, who = row.follow_info.userid, row.external_contact.external_userid
            with pytest.raises(UncertainError):
                WRITES[path](here.client, user, who)
            assert here.sandbox.control.calls()["paths"][path]["calls"] == 1, kind
            here.sandbox.control.clear_faults()
    finally:
        here.close()


@pytest.mark.parametrize(("path", "name", "_text", "_number", "_time", "_id"), READERS, ids=NAMES)
def test_odd_values_cost_one_row_at_most(
    tmp_path: Path, path: str, name: str, _text: Any, _number: Any, _time: Any, _id: Any
) -> None:
    here = make_world(tmp_path / "data.db", stores=4, staff=12, follows=300)
    try:
        assert here.sync().outcome == "complete"
        before = standing(here)
        for kind in ODD:
            for seed in range(SEEDS):
                if kind == "missing_field" and path.endswith("get_follow_user_list"):
                    continue  # a list that is shorter by one says nothing of it
                here.sandbox.control.fault(kind, path, seed=seed, first=1)
                result = here.sync()
                here.sandbox.control.clear_faults()
                after = standing(here)
                assert after["follows"] == before["follows"], (kind, seed, result)
                assert after["staff"] == before["staff"], (kind, seed, result)
                failed = [each for scope in result.scopes for each in scope.failures]
                assert all("did not answer" not in each.message for each in failed), failed
        assert here.sync().outcome == "complete"
        assert not compare(here.data, here.sandbox.control)
    finally:
        here.close()

"""Reading back and comparing: finds what differs, tells no phone number, writes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from storeops.sync.verify import verify_sync
from tests.chaos.truth import facts
from tests.chaos.world import World

MakeWorld = Callable[..., World]


def test_equal_after_a_sync(world: MakeWorld) -> None:
    here = world()
    here.sync()
    found = verify_sync(here, sample=None)
    assert found.as_dict()["equal"] is True
    assert found.rows == 600
    part = verify_sync(here, sample=5, seed=1)
    assert part.members == 5
    assert 0 < part.rows < 600
    assert not part.differences


def test_names_every_difference_and_hides_phones(world: MakeWorld) -> None:
    here = world()
    here.sync()
    before = facts(here.data)
    rows = [row for row in here.sandbox.control.export("follows") if row["listed"]]
    edited, gone = rows[3], rows[50]
    for name in ("userid", "external_userid"):
        assert edited[name]
    here.sandbox.control.act(
        "remark_edit",
        userid=edited["userid"],
        external_userid=edited["external_userid"],
        remark="改过的",
        remark_mobiles=["13912345678"],
    )
    here.sandbox.control.act(
        "follow_delete", userid=gone["userid"], external_userid=gone["external_userid"]
    )
    found = verify_sync(here, sample=None)
    by_field = {each.field: each for each in found.differences}
    assert by_field["remark"].wecom == "改过的"
    assert by_field["remark"].mirror == edited["remark"]
    assert by_field["follow"].external_userid == gone["external_userid"]
    assert by_field["follow"].wecom is None
    assert "13912345678" not in str(found.as_dict())
    assert facts(here.data) == before


@pytest.mark.parametrize("errcode", [60011, 84061])
def test_a_member_who_cannot_be_read_is_named(world: MakeWorld, errcode: int) -> None:
    here = world()
    here.sync()
    (userid,) = here.data.execute(
        "SELECT s.userid FROM staff AS s JOIN follow AS f ON f.staff_id = s.id"
        " WHERE s.is_follow_user = 1 GROUP BY s.id ORDER BY count(*) DESC LIMIT 1"
    ).fetchone()
    here.sandbox.control.fault(
        "errcode", "externalcontact/batch/get_by_user", errcode=errcode, match=f'"{userid}"'
    )
    found = verify_sync(here, sample=None)
    if errcode == 84061:  # WeCom says: no customers; the mirror has some
        assert {each.userid for each in found.differences} == {userid}
    else:
        assert [each.subject for each in found.failures] == [userid]
        assert not found.differences

"""What a profile allows, and what is said when it does not."""

from dataclasses import replace

import pytest

from storeops.changes import apply, plans
from storeops.changes.follow_requests import FollowRequest, select_follows
from storeops.changes.journal_lines import lines
from storeops.changes.policy import Policy
from storeops.domains.tags.tag_plan import plan_tags
from storeops.errors import ConflictError, NotFoundError, PolicyError, UsageError
from storeops.reading.customers import Selection


def plan_all(corp, ledger=None, tag=0):
    app = corp.app
    tags = [row[0] for row in app.data.execute("SELECT tag_id FROM tag ORDER BY id")]
    selected = select_follows(
        app.data, FollowRequest(Selection(where="status:active"), follows="all"), app.clock.now()
    )
    return plan_tags(ledger or app.ledger, selected, add=[tags[tag]])


def under(corp, **policy):
    return replace(corp.app.ledger, policy=Policy(**policy))


@pytest.mark.parametrize("policy", [{"max_rows_per_plan": 3}, {"max_rows_per_day": 3}])
def test_a_ceiling_is_passed_only_with_a_reason_that_is_journaled(corp, policy):
    ledger = under(corp, **policy)
    plan = plan_all(corp, ledger)
    with pytest.raises(PolicyError) as error:
        apply.apply(ledger, plan.name)
    assert "--override" in error.value.hint
    with pytest.raises(UsageError, match="reason"):
        apply.apply(ledger, plan.name, override=True)
    assert plans.row_counts(corp.app.data, plan.id) == {"planned": plan.ready}
    apply.apply(ledger, plan.name, override=True, reason="the owner wants it")
    line = next(each for each in lines(corp.app.data) if each.kind == "plan.applied")
    assert line.payload["reason"] == "the owner wants it"
    assert "3" in line.payload["override"]


def test_the_days_ceiling_counts_what_was_applied_today(corp):
    first, second = plan_all(corp), plan_all(corp, tag=1)
    ledger = under(corp, max_rows_per_day=first.ready + 1)
    apply.apply(ledger, first.name)
    with pytest.raises(PolicyError, match=str(first.ready)):
        apply.apply(ledger, second.name)


def test_read_only_makes_and_applies_nothing(corp):
    plan = plan_all(corp)
    ledger = under(corp, read_only=True)
    with pytest.raises(PolicyError):
        plan_all(corp, ledger)
    with pytest.raises(PolicyError):
        apply.apply(ledger, plan.name)


@pytest.mark.parametrize(("allow", "fine"), [(("tag*",), True), (("remark",), False), ((), False)])
def test_the_allow_list_of_cron(corp, allow, fine):
    plan = plan_all(corp)
    ledger = under(corp, allow=allow)
    if fine:
        assert apply.apply(ledger, plan.name).rows == plan.ready
    else:
        with pytest.raises(PolicyError):
            apply.apply(ledger, plan.name)


def test_a_plan_of_another_time_is_refused(corp):
    plan = plan_all(corp)

    class Tomorrow:
        now = staticmethod(lambda: plan.expires_at + 1)

    with pytest.raises(ConflictError, match="expired"):
        apply.apply(replace(corp.app.ledger, clock=Tomorrow()), plan.name)
    # the copy of data.db may lie at another machine, whose profile is called otherwise
    apply.apply(replace(corp.app.ledger, profile="other"), plan.name)
    with pytest.raises(ConflictError, match="already applied"):
        apply.apply(corp.app.ledger, plan.name)


def test_a_large_share_of_a_shop_is_warned_about(make_corp):
    corp = make_corp(stores=2, staff=8, follows=300)
    plan = plan_all(corp)
    warnings = [each for each in plan.problems if each["code"] == "large_share"]
    assert warnings
    assert all(each["warning"] for each in warnings)
    quiet = plan_all(corp, under(corp, warn_share=1.0))
    assert [each for each in quiet.problems if each["code"] == "large_share"] == []


def test_plans_are_found_by_the_end_of_their_name(corp):
    plan = plan_all(corp)
    assert plans.get(corp.app.data, plan.name.lower()).id == plan.id
    assert plans.get(corp.app.data, plan.name[-4:]).id == plan.id
    for wrong in ("", "x", "%", "tag-______", "nothing"):
        with pytest.raises(NotFoundError):
            plans.get(corp.app.data, wrong)

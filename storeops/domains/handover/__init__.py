"""Customers and group chats that go to another owner, on the job and after leaving."""

from storeops.domain import Domain, Noun, ScreenSpec, TaskSpec
from storeops.i18n import N_

DOOR = ("dated", "days", "leavers")  # what other domains may use
DOMAIN = Domain(
    name="handover",
    title=N_("Customers and group chats that go to another owner, on the job and after leaving."),
    needs=("tags", "remarks"),
    tables="storeops.domains.handover.schema",
    nouns=(
        Noun(
            name="unassigned", module="commands.unassigned",
            help=N_("Customers of staff who have left."),
        ),
        Noun(
            name="handover", module="commands.handover", group="change",
            help=N_("Hand customers and group chats over; know how each one ended."),
        ),
        Noun(
            name="leaver", module="commands.leaver", group="change",
            help=N_("Hand over what leavers left behind."),
        ),
    ),
    screens=(
        ScreenSpec(
            name="handover", key="H", title=N_("Handover"),
            screen="tui.screens.handover.screen:HandoverScreen",
            help=N_("Leavers with what they left, and handovers that wait for their answer."),
        ),
    ),
    actions={"handover": "storeops.domains.handover.action:HandoverAction"},
    approved_requests=("handover",),
    events={"change_external_contact/transfer_fail": "storeops.domains.handover.transfer_fail"},
    tasks=(
        TaskSpec(
            name="watch", cron="15 */2 * * *", command=("handover", "watch", "--quiet"),
            title=N_("Ask WeCom how handovers ended."),
        ),
    ),
    alarms={
        "leaver_deadline": "storeops.domains.handover.alarms:LEAVER_DEADLINE",
        "leavings": "storeops.domains.handover.alarms:LEAVINGS",
        "handover_refused": "storeops.domains.handover.alarms:REFUSED",
        "handover_overdue": "storeops.domains.handover.alarms:OVERDUE",
    },
    erase={"handovers": "storeops.domains.handover.forget"},
    retention="storeops.domains.handover.retention",
    today="storeops.domains.handover.today:lines",
)  # fmt: skip

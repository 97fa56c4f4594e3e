"""The next thing to do for a customer, with the facts that made it: tasks from rules."""

from storeops.domain import Domain, Noun, ScreenSpec, TaskSpec
from storeops.i18n import N_

DOOR = ("tasks",)  # what other domains may use
DOMAIN = Domain(
    name="care",
    title=N_("What to do for which customer, by rules: after a purchase, before a warranty ends."),
    needs=("orders", "handover", "notify"),
    tables="storeops.domains.care.schema",
    nouns=(
        Noun(
            name="care", module="commands.care", group="change",
            help=N_("Tasks for guides: who is to be asked, reminded, greeted, and why."),
        ),
    ),
    screens=(
        ScreenSpec(
            name="care", key="C", title=N_("Care"), screen="tui.screens.care:CareScreen",
            help=N_("Today's tasks by guide: done, put off or skipped by one key and a word."),
        ),
    ),
    tasks=(
        TaskSpec(
            name="care", cron="30 7 * * *", command=("care", "plan", "--quiet"),
            title=N_("Make today's tasks for guides."),
        ),
        TaskSpec(
            name="care-send", cron="0 8 * * *", command=("care", "send", "--yes", "--quiet"),
            title=N_("Tell each guide her own tasks of today."),
        ),
    ),
    composers={"care": "storeops.domains.care.sending:worded"},
    card={
        "serve": "storeops.domains.care.serving:card",
        "care": "storeops.domains.care.tasks:card",
    },
    erase={"care": "storeops.domains.care.forget"},
    submissions={"care_task": "storeops.domains.care.tasks:SUBMISSION"},
    shared="storeops.domains.care.shared:THINGS",
    today="storeops.domains.care.tasks:today",
    demo="storeops.domains.care.demo:furnish",
)  # fmt: skip

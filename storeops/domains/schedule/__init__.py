"""What the tool does by itself: tasks at their hours, each as a process of its own."""

from storeops.domain import Domain, Noun, ScreenSpec, TaskSpec
from storeops.i18n import N_

DOMAIN = Domain(
    name="schedule",
    title=N_("Tasks at their hours: the night that cron can trust."),
    tables="storeops.domains.schedule.schema",
    nouns=(
        Noun(
            name="schedule", module="commands.schedule", group="watch",
            help=N_("Tasks at their hours: add, run what is due, see how they ended."),
        ),
    ),
    screens=(
        ScreenSpec(
            name="night", key="N", title=N_("Night"), screen="tui.screens.night:NightScreen",
            help=N_("Tasks at their hours: the last run, the next one, what they printed."),
        ),
    ),
    tasks=(
        TaskSpec(
            name="sync", cron="0 2 * * *", command=("sync", "run", "--quiet"),
            title=N_("Read WeCom into the mirror."), timeout_s=6 * 3600,
        ),
        TaskSpec(
            name="jobs", cron="*/20 * * * *", command=("job", "run", "--quiet"),
            title=N_("Send what applied plans have queued."), timeout_s=3 * 3600,
        ),
        TaskSpec(
            name="events", cron="*/10 * * * *", command=("events", "run", "--quiet"),
            title=N_("Handle callbacks that a receiver kept."),
        ),
        TaskSpec(
            name="backup", cron="30 4 * * *",
            command=("db", "backup", "--keep", "7d,4w", "--quiet"),
            title=N_("Copy the database; keep 7 days and 4 weeks."),
        ),
        TaskSpec(
            name="restore-drill", cron="0 5 * * SUN", command=("db", "verify-backup", "--quiet"),
            title=N_("Prove that the newest backup can be restored."),
        ),
        TaskSpec(
            name="prune", cron="45 4 * * SUN",
            command=("db", "prune", "--older-than", "730d", "--yes", "--quiet"),
            title=N_("Take out what is older than two years."),
        ),
    ),
    today="storeops.domains.schedule.today:today",
    checks="storeops.domains.schedule.checks:checks",
    alarms={
        "task_failed": "storeops.domains.schedule.alarms:FAILED",
        "task_missed": "storeops.domains.schedule.alarms:MISSED",
    },
    completion={"task": "storeops.domains.schedule.tasks:completion_values"},
)  # fmt: skip

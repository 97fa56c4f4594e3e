"""Alarms: what needs a person, said once, again when it gets worse, and over when it is over."""

from storeops.domain import Domain, Noun, TaskSpec
from storeops.i18n import N_

KINDS = "storeops.domains.alert.kinds"

DOMAIN = Domain(
    name="alert",
    title=N_("Alarms: said once, again when it gets worse, cleared when over."),
    tables="storeops.domains.alert.schema",
    nouns=(
        Noun(
            name="alert", module="commands.alert", group="watch",
            help=N_("Alarms: what needs a person; look, acknowledge, rules."),
        ),
    ),
    alarms={
        "sync_stale": f"{KINDS}:SYNC_STALE",
        "sync_partial": f"{KINDS}:SYNC_PARTIAL",
        "deletions": f"{KINDS}:DELETIONS",
        "departures": f"{KINDS}:DEPARTURES",
        "events_silent": f"{KINDS}:EVENTS_SILENT",
        "events_dead": f"{KINDS}:EVENTS_DEAD",
        "credentials": f"{KINDS}:CREDENTIALS",
        "disk": f"{KINDS}:DISK",
        "backup": f"{KINDS}:BACKUP",
        "journal": f"{KINDS}:JOURNAL",
    },
    tasks=(
        TaskSpec(
            name="alarms", cron="*/30 * * * *", command=("alert", "check", "--quiet"),
            title=N_("Look whether something needs a person."), looks=True,
        ),
    ),
    today="storeops.domains.alert.state:today",
)  # fmt: skip

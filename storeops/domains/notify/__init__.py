"""Messages to people and groups: robots, app messages, an outbox that forgets and doubles none."""

from storeops.domain import Domain, Noun
from storeops.i18n import N_

DOOR = ("guides", "log", "messages", "outbox", "shops", "targets")  # what other domains may use
DOMAIN = Domain(
    name="notify",
    title=N_("Messages to groups and people: robots, app messages, files."),
    tables="storeops.domains.notify.schema",
    nouns=(
        Noun(
            name="notify", module="commands.notify", group="watch",
            help=N_("Send messages to groups and people; see what was sent."),
        ),
    ),
    actions={"notify": "storeops.domains.notify.action:MessageAction"},
    erase={"messages": "storeops.domains.notify.afterwards"},
    retention="storeops.domains.notify.afterwards",
    today="storeops.domains.notify.afterwards:today",
    senders={
        "robot": "storeops.domains.notify.outbox:send",
        "app": "storeops.domains.notify.outbox:send",
        "chat": "storeops.domains.notify.outbox:send",
    },
)  # fmt: skip

"""Greetings: who is welcomed with what, within the 20 seconds that WeCom gives."""

from storeops.domain import Domain, Noun
from storeops.i18n import N_

DOMAIN = Domain(
    name="welcome",
    needs=("contact_way",),
    title=N_("Greetings of new customers, by shop, member and contact way."),
    tables="storeops.domains.welcome.schema",
    nouns=(
        Noun(
            name="welcome", module="commands.welcome", group="watch",
            help=N_("Greet new customers: rules, a trial, what was sent and how fast."),
        ),
    ),
    at_once={"greet": "storeops.domains.welcome.greeter:greet"},
    erase={"greetings": "storeops.domains.welcome.log"},
    today="storeops.domains.welcome.log:today",
)  # fmt: skip

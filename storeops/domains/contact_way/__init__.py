"""Contact ways (联系我, 渠道活码): codes by which customers add guides, and who came by which."""

from storeops.domain import Domain, Noun
from storeops.i18n import N_

DOOR = ("ways",)  # what other domains may use

DOMAIN = Domain(
    name="contact_way",
    title=N_("Contact ways: codes by which customers add guides, and who came by which."),
    tables="storeops.domains.contact_way.schema",
    office=True,
    nouns=(
        Noun(
            name="contact-way", module="commands.contact_way", group="change",
            help=N_("Contact ways (codes that customers scan): list, show, plan changes."),
        ),
    ),
    actions={"contact_way": "storeops.domains.contact_way.action:ContactWayAction"},
    scopes={"contact_ways": "storeops.domains.contact_way.scope:SCOPE"},
    conditions={"contact-way": "storeops.domains.contact_way.words:CONTACT_WAY"},
    erase={"contact_ways": "storeops.domains.contact_way.forget"},
    alarms={"contact_way_dead": "storeops.domains.contact_way.alarms:DEAD_CODE"},
    completion={"contact-way": "storeops.domains.contact_way.words:completion"},
    today="storeops.domains.contact_way.words:today",
)  # fmt: skip

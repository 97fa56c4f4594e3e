"""What people add of their own: notes, marks, views."""

from storeops.domain import Domain, Noun
from storeops.i18n import N_

DOMAIN = Domain(
    name="notebook",
    title=N_("What people add of their own: notes, marks, views."),
    tables="storeops.notebook.schema",
    erase={"notes": "storeops.notebook.forget"},
    conditions={
        "mark": "storeops.domains.notebook.words:MARK",
        "note": "storeops.domains.notebook.words:NOTE",
    },
    completion={
        "mark": "storeops.domains.notebook.words:marks",
        "view": "storeops.domains.notebook.words:views",
    },
    nouns=(
        Noun(
            name="mark", module="commands.mark",
            help=N_("Frozen sets of customers, shared with the screens."),
        ),
        Noun(
            name="view", module="commands.view",
            help=N_("Named filters: save, list, rename, delete."),
        ),
    ),
)  # fmt: skip

"""Shops: departments with codes and names of their own."""

from storeops.domain import Domain, Noun, ScreenSpec
from storeops.i18n import N_

DOMAIN = Domain(
    name="stores",
    title=N_("Shops with their codes, members and customers."),
    nouns=(
        Noun(
            name="store", module="commands.store",
            help=N_("Shops: list, show, import codes and names."),
        ),
    ),
    screens=(
        ScreenSpec(
            name="stores", key="4", title=N_("Stores"), screen="tui.screens.stores:StoresScreen",
            help=N_("Shops with their codes, members and customers."),
        ),
    ),
    completion={"store": "storeops.domains.stores.words:stores"},
)  # fmt: skip

"""Suppliers and their papers: which each role needs, and whether they hold."""

from storeops.domain import Domain, Noun, ScreenSpec
from storeops.i18n import N_

DOOR = ("lookup",)  # what other domains may use
DOMAIN = Domain(
    name="suppliers",
    title=N_("Suppliers with their licences and reports: form, time and scope checked."),
    tables="storeops.domains.suppliers.schema",
    office=True,
    nouns=(
        Noun(
            name="supplier", module="commands.supplier",
            help=N_("Suppliers: import, list, show, check their papers."),
        ),
        Noun(
            name="certificate", module="commands.certificate",
            help=N_("Licences and reports: add, list, check, what expires."),
        ),
    ),
    screens=(
        ScreenSpec(
            name="suppliers", key="S", title=N_("Suppliers"), table="suppliers_supplier",
            screen="tui.screens.suppliers:SuppliersScreen",
            help=N_("Suppliers with their papers, whether each holds, and what ends next."),
        ),
    ),
    alarms={"papers": "storeops.domains.suppliers.alarms:PAPERS"},
    today="storeops.domains.suppliers.expiring:today",
)  # fmt: skip

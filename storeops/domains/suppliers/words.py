"""What people call kinds of papers and roles of suppliers."""

from __future__ import annotations

from storeops.i18n import N_, _

_KINDS = {
    "business_licence": N_("business licence"),
    "production_licence": N_("food production licence"),
    "trade_licence": N_("food trade licence"),
    "prepacked_filing": N_("prepacked food filing"),
    "raw_milk_licence": N_("raw milk purchase licence"),
    "raw_milk_transport": N_("raw milk transport permit"),
    "lot_report": N_("lot report"),
}
_ROLES = {
    "producer": N_("producer"),
    "distributor": N_("distributor"),
    "milk_station": N_("raw-milk station"),
}


def kind_name(name: str) -> str:
    """One kind, or several of which one is enough; one of somebody's own rules as it is."""
    return " / ".join(_(_KINDS[each]) if each in _KINDS else each for each in name.split("|"))


def role_name(name: str) -> str:
    """A role as people call it."""
    return _(_ROLES[name]) if name in _ROLES else name

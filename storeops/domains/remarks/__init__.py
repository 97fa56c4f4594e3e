"""Remarks, descriptions, companies and phones that staff keep of a customer."""

from storeops.domain import Domain, Noun
from storeops.i18n import N_

DOOR = ("remarks",)  # what other domains may use
DOMAIN = Domain(
    name="remarks",
    title=N_("Remarks, descriptions, companies and phones that staff keep of a customer."),
    nouns=(
        Noun(
            name="remark", module="commands.remark", group="change",
            help=N_("Plan changes of remarks and descriptions."),
        ),
    ),
    actions={"remark": "storeops.domains.remarks.remarks:RemarkAction"},
    requests=("remark",),
)  # fmt: skip

"""Corp tags: the library, tags of customers, rules."""

from storeops.domain import Domain, Noun, ScreenSpec
from storeops.i18n import N_

DOOR = ("tagging",)  # what other domains may use
DOMAIN = Domain(
    name="tags",
    title=N_("Corp tags: the library, tags of customers, rules."),
    nouns=(
        Noun(name="tag", module="commands.tag", help=N_("Corp tags: list and show, plan changes.")),
    ),
    screens=(
        ScreenSpec(
            name="tags", key="5", title=N_("Tags"), screen="tui.screens.tags:TagsScreen",
            help=N_("Corp tags by group and how often they are used."),
        ),
    ),
    actions={
        "tag": "storeops.domains.tags.tagging:TagAction",
        "tag_library": "storeops.domains.tags.tag_library:TagLibraryAction",
    },
    requests=("tag",),
)  # fmt: skip

"""Group chats, their owners and members."""

from storeops.domain import Domain, Noun, ScreenSpec
from storeops.i18n import N_

DOMAIN = Domain(
    name="groups",
    title=N_("Group chats, their owners and members."),
    nouns=(
        Noun(name="group", module="commands.group", help=N_("Group chats: list, show, members.")),
    ),
    screens=(
        ScreenSpec(
            name="groups", key="6", title=N_("Groups"), screen="tui.screens.groups:GroupsScreen",
            help=N_("Group chats, their owners and members."),
        ),
    ),
)  # fmt: skip

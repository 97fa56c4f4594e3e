"""A WeCom on one's desk: its process, its control side over HTTP, and the demo on it."""

from storeops.domain import Domain, Noun, ScreenSpec
from storeops.i18n import N_

DOOR = ("sandbox_process", "sandbox_records")

DOMAIN = Domain(
    name="sandbox",
    title=N_("A WeCom on your desk: start, seed, break, inspect."),
    nouns=(
        Noun(
            name="demo", module="commands.demo", group="try",
            help=N_("Try everything on a sandbox with an invented chain."),
        ),
        Noun(
            name="sandbox", module="commands.sandbox", group="try",
            help=N_("A WeCom on your desk: start, seed, break, inspect."),
        ),
    ),
    screens=(
        ScreenSpec(
            name="sandbox", key="0", title=N_("Sandbox"),
            screen="tui.screens.sandbox:SandboxScreen",
            help=N_("The sandbox's clock, faults and calls."), sandbox=True,
        ),
    ),
)  # fmt: skip

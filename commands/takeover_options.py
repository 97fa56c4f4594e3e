"""Options of a handover: who takes whose customers, by which rule, up to what."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storeops.errors import UsageError
from storeops.i18n import _

if TYPE_CHECKING:
    from storeops.domains.handover.request import HandoverRequest

To = Annotated[
    list[str] | None,
    typer.Option("--to", metavar="USERID", help=_("Who takes over; several with a rule.")),
]
Rule = Annotated[
    str,
    typer.Option(
        "--rule",
        metavar="RULE",
        help=_(
            "same-store, least-loaded, round-robin, weighted, by-tag, by-date or capacity; "
            "several takers without a rule: least-loaded."
        ),
    ),
]
Weight = Annotated[
    list[str] | None,
    typer.Option("--weight", metavar="USERID=N", help=_("Share of a taker, for weighted.")),
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="KEY=USERID",
        help=_("by-tag: TAG=USERID; by-date: 2026-05-01=USERID; *=USERID for the rest."),
    ),
]
Cap = Annotated[
    int | None, typer.Option("--cap", min=1, help=_("Customers one taker is given at most."))
]
PerDay = Annotated[
    int | None, typer.Option("--per-day", min=1, help=_("Customers one taker is given in a day."))
]
Capacity = Annotated[
    int | None,
    typer.Option("--capacity", min=1, help=_("Customers a member may hold; else 20,000.")),
]
CapacityOf = Annotated[
    list[str] | None,
    typer.Option("--capacity-of", metavar="USERID=N", help=_("Customers this member may hold.")),
]
Groups = Annotated[
    bool | None,
    typer.Option(
        "--groups/--no-groups",
        help=_("Group chats, too; without a choice of customers they come along."),
    ),
]
OnlyGroups = Annotated[bool, typer.Option("--only-groups", help=_("Group chats alone."))]
Spread = Annotated[
    bool,
    typer.Option("--spread", help=_("What does not fit goes to colleagues with room.")),
]
Recheck = Annotated[
    bool,
    typer.Option("--recheck", help=_("Forget what WeCom complained about earlier; ask anew.")),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeoverOptions:
    """Who takes over, and how much; each as its option says."""

    to: To = None
    rule: Rule = ""
    weight: Weight = None
    map: Map = None
    cap: Cap = None
    per_day: PerDay = None
    capacity: Capacity = None
    capacity_of: CapacityOf = None
    groups: Groups = None
    only_groups: OnlyGroups = False
    spread: Spread = False
    recheck: Recheck = False

    def typed(self) -> dict[str, Any]:
        """The options, to be typed again."""
        return asdict(self) | {"no_groups": self.groups is False}

    def request(self, **asked: Any) -> HandoverRequest:
        """The request they make.

        Args:
            asked: what else of `HandoverRequest` is asked for; it comes before the options.

        Raises:
            UsageError: a KEY=VALUE without its =, a number that is none.
        """
        from storeops.domains.handover.request import HandoverRequest

        return HandoverRequest(**{
            "to_owners": self.to or [], "rule": self.rule,
            "customers": not self.only_groups,
            "groups": True if self.only_groups else self.groups,
            "weights": _numbers(self.weight, "--weight", float), "map": _pairs(self.map, "--map"),
            "cap": self.cap, "per_day": self.per_day, "capacity": self.capacity,
            "capacity_of": _numbers(self.capacity_of, "--capacity-of", int),
            "spread": self.spread, "recheck": self.recheck, **asked,
        })  # fmt: skip


def _pairs(items: list[str] | None, option: str) -> list[tuple[str, str]]:
    """`KEY=VALUE` options as pairs.

    Raises:
        UsageError: one of them has no `=`.
    """
    found = []
    for text in items or []:
        key, equals, value = text.rpartition("=")
        if not equals or not key.strip() or not value.strip():
            raise UsageError(
                _("{option} {text}: a KEY=VALUE is needed.").format(option=option, text=text)
            )
        found.append((key.strip(), value.strip()))
    return found


def _numbers(items: list[str] | None, option: str, kind: type[int] | type[float]) -> dict[str, Any]:
    """`KEY=NUMBER` options as a dictionary.

    Raises:
        UsageError: one of them is none.
    """
    found: dict[str, Any] = {}
    for key, text in _pairs(items, option):
        try:
            found[key] = kind(text)
        except ValueError:
            raise UsageError(
                _("{option} {text}: {value} is not a number.").format(
                    option=option, text=f"{key}={text}", value=text
                )
            ) from None
    return found

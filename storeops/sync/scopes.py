"""What a sync can read: the scopes of the mirror, then those that domains bring."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from storeops.domain import Domain, load, registry
from storeops.i18n import N_, _

if TYPE_CHECKING:
    from storeops.sync.results import Outcome
    from storeops.sync.session import Session


@dataclass(frozen=True, slots=True)
class SyncScope:
    """One scope.

    Attributes:
        title: English name for people, translated when shown.
        path: the API path that it mostly calls, without /cgi-bin/.
        rows: rows an answer of that path holds.
        read: "package.module:function" from a `Session` to an `Outcome`; imported when read.
        one_store: whether it can be read for one shop.
        late: read after the others of the core: a leaver's groups are found by the leaver's id
            only, and unassigned customers name leavers.
    """

    title: str
    path: str
    rows: int
    read: str
    one_store: bool = False
    late: bool = False

    def run(self, session: Session) -> Outcome:
        """Read it; imports its module now (the client costs 66 ms)."""
        outcome: Outcome = load(self.read)(session)
        return outcome


CORE: dict[str, SyncScope] = {
    "departments": SyncScope(
        N_("departments"), "department/list", 1000, "storeops.sync.contacts:read_departments"
    ),
    "staff": SyncScope(
        N_("staff"), "user/list", 1000, "storeops.sync.contacts:read_staff", one_store=True
    ),
    "tags": SyncScope(
        N_("tags"), "externalcontact/get_corp_tag_list", 1000, "storeops.sync.tags:read_tags"
    ),
    "follows": SyncScope(
        N_("customers' follows"), "externalcontact/batch/get_by_user", 100,
        "storeops.sync.follows:read_follow_users", one_store=True,
    ),
    "groups": SyncScope(
        N_("group chats"), "externalcontact/groupchat/get", 1, "storeops.sync.groups:read_groups",
        one_store=True, late=True,
    ),
    "unassigned": SyncScope(
        N_("unassigned"), "externalcontact/get_unassigned_list", 1000,
        "storeops.sync.unassigned:read_unassigned",
    ),
}  # fmt: skip


@cache
def scopes() -> dict[str, SyncScope]:
    """Every scope by its name, in the order in which people see them."""
    found = dict(CORE)
    for name, (domain, where) in registry().named("scopes").items():
        scope = registry().loaded(domain, where, SyncScope)
        if scope is not None:
            found[name] = scope
    return found


def reading_order() -> list[str]:
    """Names of all scopes in the order in which they are read; those of domains come last."""
    every = scopes()
    return sorted(every, key=lambda name: (name not in CORE, every[name].late))


def scope_title(name: str) -> str:
    """A scope in the user's language; one whose domain is gone by its name."""
    found = scopes().get(name)
    return _(found.title) if found is not None else name


def whose(name: str) -> Domain | None:
    """The domain that brings a scope; None for one of the core."""
    return next(iter(registry().named("scopes").get(name, ())), None)

"""The rules of WeCom, one module per API domain; importing this fills the endpoint table."""

from storeops.sandbox.api import (
    auth,
    corp_tags,
    customers,
    departments,
    group_handover,
    groups,
    handover,
    members,
    unassigned,
)

__all__ = [
    "auth",
    "corp_tags",
    "customers",
    "departments",
    "group_handover",
    "groups",
    "handover",
    "members",
    "unassigned",
]

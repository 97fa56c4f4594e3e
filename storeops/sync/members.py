"""How members become cursor chains: few calls, evenly long, bad ones apart."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

PAGE_ROWS = 100
PER_CALL = 100
CHAINS = 6  # two write while four read; at most this many cursors are open


@dataclass(frozen=True, slots=True)
class MemberToRead:
    """A member to read.

    Attributes:
        userid: WeCom's id.
        rows: customers known so far, 0 unknown.
        suspect: could not be read last time, so nobody else shares the call.
    """

    userid: str
    rows: int = 0
    suspect: bool = False


def group(members: Sequence[MemberToRead]) -> list[tuple[list[str], int]]:
    """Members in groups for one cursor each, longest first.

    A group wastes half a page on average, so that there are as few as 100 members a call allow,
    and more (for reading side by side) only while they cost at most 1 % of the pages. Known sizes
    balance the groups.

    Returns:
        (userids, rows known so far) per group.
    """
    apart = [member for member in members if member.suspect]
    together = [member for member in members if not member.suspect]
    groups = [([member.userid], member.rows) for member in apart]
    if together:
        pages = sum(member.rows for member in together) // PAGE_ROWS
        fewest = -(-len(together) // PER_CALL)
        most = max(fewest, min(CHAINS, pages // 100, len(together)))
        groups += _balance(together, most)
    return sorted(groups, key=lambda each: -each[1])


def _balance(members: Sequence[MemberToRead], count: int) -> list[tuple[list[str], int]]:
    """`count` groups of at most 100, the largest members first into the lightest group."""
    heap: list[tuple[int, int, list[MemberToRead]]] = [(0, number, []) for number in range(count)]
    full = []
    for member in sorted(members, key=lambda each: (-each.rows, each.userid)):
        weight, number, inside = heapq.heappop(heap)
        inside.append(member)
        if len(inside) < PER_CALL:
            heapq.heappush(heap, (weight + max(member.rows, 1), number, inside))
        else:
            full.append(inside)
    found = full + [inside for _weight, _number, inside in heap if inside]
    return [
        ([each.userid for each in inside], sum(each.rows for each in inside)) for inside in found
    ]


def halves(userids: Sequence[str]) -> list[list[str]]:
    """Two halves of a group that failed: one of them holds whoever is to blame."""
    middle = (len(userids) + 1) // 2
    return [list(userids[:middle]), list(userids[middle:])]

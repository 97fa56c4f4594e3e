"""Customer group chats and who sits in them."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

INVITED, LINK, QR = 1, 2, 3  # join_scene


class Seat(NamedTuple):
    """One member of a group chat. `who` is a member number, a customer row, or a stranger."""

    kind: int  # 1 corp member, 2 external
    who: int
    join_time: int
    join_scene: int
    invitor: int = -1  # member number
    nickname: str = ""
    state: str = ""


@dataclasses.dataclass(slots=True)
class GroupChat:
    """One group; `status` is the one of groupchat/list (0 normal, 1 owner left, 2, 3)."""

    chat_id: str
    name: str
    owner: int  # member number
    create_time: int
    notice: str = ""
    status: int = 0
    dissolved: bool = False
    admins: list[int] = dataclasses.field(default_factory=list)
    seats: list[Seat] = dataclasses.field(default_factory=list)
    left: list[tuple[Seat, int]] = dataclasses.field(default_factory=list)  # with time of leaving
    version: int = 1

    def as_row(self) -> dict[str, Any]:
        """The row of groupchat/list."""
        return {"chat_id": self.chat_id, "status": self.status}

"""Group chats (doc 95703, 92127): who takes them over, and when the answers show it."""

from __future__ import annotations

from collections import defaultdict
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from storeops.sandbox.clock import DAY, day_start
from storeops.sandbox.groups import INVITED, Seat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storeops.sandbox.corp import Corp
    from storeops.sandbox.groups import GroupChat
    from storeops.sandbox.organisation import Member
    from storeops.sandbox.settings import Settings

NORMAL, OWNER_LEFT, RUNNING, INHERITED = 0, 1, 2, 3  # `status` of groupchat/list
_OWNER, _STATUS = "owner", "status"


class GroupMoves:
    """Accepted group handovers: counters of the day, and changes that are still to show."""

    def __init__(self) -> None:
        self.log: list[dict[str, Any]] = []
        self._agenda: list[tuple[int, int, str, str, int]] = []  # (moment, seq, what, chat, value)
        self._seq = 0
        self._per_day: dict[tuple[int, int, int], int] = defaultdict(int)  # (day, giver, taker)
        self._on_job: dict[str, list[int]] = defaultdict(list)  # chat_id → moments
        self._coming: dict[str, int] = {}  # chat_id → owner that does not show yet

    def owner_now(self, group: GroupChat) -> int:
        """Who really owns the group, even while the answers lag."""
        return self._coming.get(group.chat_id, group.owner)

    def taken_today(self, from_owner: int, to_owner: int, now: int, per_pair: bool) -> int:
        """Groups this member was given today (Beijing day), from one person or from anybody."""
        today = day_start(now)
        if per_pair:
            return self._per_day[today, from_owner, to_owner]
        return sum(n for (day, _, t), n in self._per_day.items() if day == today and t == to_owner)

    def recent(self, chat_id: str, now: int, days: int) -> int:
        """On-the-job handovers of this group within that many natural days."""
        first_day = day_start(now) - (days - 1) * DAY
        return sum(m >= first_day for m in self._on_job.get(chat_id, ()))

    def begin(
        self,
        corp: Corp,
        settings: Settings,
        group: GroupChat,
        to_owner: Member,
        now: int,
        resigned: bool,
    ) -> None:
        """Accept: on the job the owner changes at once (shown late), after leaving in a while."""
        from_owner = self.owner_now(group)
        self._per_day[day_start(now), from_owner, to_owner.number] += 1
        if resigned:
            group.status = RUNNING
            done = now + settings.group_handover_s
            self._plan(done, _OWNER, group.chat_id, to_owner.number)
            self._plan(done, _STATUS, group.chat_id, INHERITED)
            if settings.group_done_to_normal_s:
                after = done + settings.group_done_to_normal_s
                self._plan(after, _STATUS, group.chat_id, NORMAL)
        else:
            self._on_job[group.chat_id].append(now)
            done = now
            self._coming[group.chat_id] = to_owner.number
            self._plan(now + settings.group_move_lag_s, _OWNER, group.chat_id, to_owner.number)
        members = corp.organisation.members
        self.log.append(
            {
                "kind": "resigned" if resigned else "on_job",
                "chat_id": group.chat_id,
                "handover_userid": members[from_owner].userid,
                "takeover_userid": to_owner.userid,
                "asked_at": now,
                "settled_at": done,
            }
        )
        if not resigned:
            self.conclude(corp, settings, now)

    def _plan(self, moment: int, what: str, chat_id: str, value: int) -> None:
        self._seq += 1
        heappush(self._agenda, (moment, self._seq, what, chat_id, value))

    def conclude(self, corp: Corp, settings: Settings, now: int) -> int:
        """Show every change that is due; returns how many."""
        count = 0
        while self._agenda and self._agenda[0][0] <= now:
            moment, _, what, chat_id, value = heappop(self._agenda)
            group = corp.groups.get(chat_id)
            count += 1
            if group is None or group.dissolved:
                continue
            if what == _STATUS:
                if value == INHERITED or group.status == INHERITED:
                    group.status = value
                continue
            if self._coming.get(chat_id) == value:
                del self._coming[chat_id]
            group.owner = value
            group.admins = [a for a in group.admins if a != value]
            if not any(seat.kind == 1 and seat.who == value for seat in group.seats):
                group.seats.append(Seat(1, value, moment, INVITED))
                group.version += 1
            row = corp.emit(
                "change_external_chat", "update", ChatId=chat_id, UpdateDetail="change_owner"
            )
            row["create_time"] = moment
        return count

    def dump(self) -> dict[str, Any]:
        """Everything in JSON types."""
        return {
            "log": self.log,
            "agenda": self._agenda,
            "per_day": [(*key, count) for key, count in self._per_day.items()],
            "on_job": list(self._on_job.items()),
            "coming": list(self._coming.items()),
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take what `dump` gave."""
        self.log = data["log"]
        self._agenda = [tuple(each) for each in data["agenda"]]
        self._seq = max((each[1] for each in self._agenda), default=0)
        self._per_day.update({(d, g, t): n for d, g, t, n in data["per_day"]})
        self._on_job.update(dict(data["on_job"]))
        self._coming = dict(data["coming"])

    def records(self, corp: Corp) -> Iterator[dict[str, Any]]:
        """Every accepted handover with what the group shows now."""
        for row in self.log:
            group = corp.groups[row["chat_id"]]
            owner = corp.organisation.members[group.owner].userid
            yield row | {"owner": owner, "status": group.status, "dissolved": group.dissolved}

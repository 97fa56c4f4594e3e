"""Who takes whom: rules that give the same answer for the same mirror, and say why."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from storeops.domains.handover import rules
from storeops.i18n import _
from storeops.mirror.members import Member

SAME_STORE, LEAST_LOADED, ROUND_ROBIN = "same-store", "least-loaded", "round-robin"
WEIGHTED, BY_TAG, BY_DATE, CAPACITY = "weighted", "by-tag", "by-date", "capacity"
RULES = (SAME_STORE, LEAST_LOADED, ROUND_ROBIN, WEIGHTED, BY_TAG, BY_DATE, CAPACITY)


@dataclass(slots=True)
class Candidate:
    """A candidate with what is left of their room.

    Attributes:
        member: who.
        load: customers they have and that are on their way.
        capacity: customers they may hold.
        cap: customers this plan may give them; None for no cap.
        today: customers they may still be given today; None for no cap.
        weight: share, for `weighted`.
        given, new, groups: customers given by this plan, those of them who need room, groups.
        groups_today: groups they may still be given today.
    """

    member: Member
    load: int
    capacity: int
    cap: int | None = None
    today: int | None = None
    weight: float = 1.0
    given: int = 0
    new: int = 0
    groups: int = 0
    groups_today: int = rules.GROUPS_A_DAY

    @property
    def userid(self) -> str:
        """The member's userid."""
        return self.member.userid

    @property
    def left(self) -> int:
        """Customers they have room for."""
        return self.capacity - self.load - self.new

    def has_room(self, friend: bool) -> bool:
        """Whether one more customer fits all caps."""
        return (
            (self.cap is None or self.given < self.cap)
            and (self.today is None or self.given < self.today)
            and (friend or self.left > 0)
        )

    def take(self, friend: bool) -> None:
        """Give them one customer."""
        self.given += 1
        self.new += not friend


@dataclass(frozen=True, slots=True)
class Assignment:
    """A taker and the reason; `userid` is "" when nobody can take the row."""

    userid: str
    why: str


class AssignmentRule:
    """One rule over its candidates; asked once per subject, in order.

    Args:
        name: one of `RULES`, or "" for a single taker.
        to_owners: candidates that may take over, in the order named.
        mapping: (tag id or first moment, userid) pairs for by-tag and by-date, "" for the rest.
        labels: words for the mapping's keys.
    """

    def __init__(
        self,
        name: str,
        to_owners: Sequence[Candidate],
        mapping: Sequence[tuple[object, str]] = (),
        labels: Mapping[object, str] | None = None,
    ) -> None:
        self.name = name
        self.to_owners = list(to_owners)
        self._by_userid = {each.userid.lower(): each for each in to_owners}
        self._stores: dict[int, list[Candidate]] = {}
        for each in to_owners:
            self._stores.setdefault(each.member.store_id, []).append(each)
        self._next = 0
        self._rest = next((userid for key, userid in mapping if key == ""), "")
        self._tags = {str(key): userid for key, userid in mapping if isinstance(key, str) and key}
        days = sorted((key, userid) for key, userid in mapping if isinstance(key, int))
        self._days = [key for key, _userid in days]
        self._of_day = [userid for _key, userid in days]
        self._labels = dict(labels or {})

    def pick(
        self,
        from_owner: Member,
        *,
        friends: set[str],
        createtime: int,
        tags: set[str],
        avoid: str = "",
    ) -> Assignment:
        """Who takes this customer.

        Args:
            from_owner: the owner, never the taker.
            friends: lower-cased userids who have the customer already.
            createtime: when the follow began, Unix seconds.
            tags: tag ids on the follow.
            avoid: userid of somebody who comes last: an earlier handover to them failed.
        """
        if self.name in (BY_TAG, BY_DATE):
            return self._mapped(from_owner, friends, createtime, tags)
        if self.name == "":
            return self._single(friends)
        fitting = [
            each
            for each in self._candidates(from_owner)
            if each.userid.lower() != from_owner.userid.lower()
            and each.has_room(each.userid.lower() in friends)
        ]
        if not fitting:
            return Assignment("", self._nobody(from_owner))
        others = [each for each in fitting if each.userid.lower() != avoid.lower()]
        to_owner, why = self._best(others or fitting)
        to_owner.take(to_owner.userid.lower() in friends)
        return Assignment(to_owner.userid, why)

    def _single(self, friends: set[str]) -> Assignment:
        """The one who was named; whether they are full is for the check to say."""
        to_owner = self.to_owners[0]
        if not to_owner.has_room(friend=True):
            return Assignment("", self._nobody(to_owner.member))
        to_owner.take(to_owner.userid.lower() in friends)
        return Assignment(to_owner.userid, _("named as the taker"))

    def pick_for_group(self, from_owner: Member) -> Assignment:
        """Who takes this group chat: whoever was given fewest groups by this plan."""
        fitting = [
            each
            for each in self._candidates(from_owner)
            if each.userid.lower() != from_owner.userid.lower() and each.groups < each.groups_today
        ]
        if not fitting:
            return Assignment("", self._nobody(from_owner))
        to_owner = min(fitting, key=lambda each: (each.groups / each.weight, self._place(each)))
        to_owner.groups += 1
        return Assignment(
            to_owner.userid,
            _("fewest groups of this plan ({count})").format(count=to_owner.groups - 1),
        )

    def _candidates(self, from_owner: Member) -> Sequence[Candidate]:
        return (
            self._stores.get(from_owner.store_id, ()) if self.name == SAME_STORE else self.to_owners
        )

    def _place(self, to_owner: Candidate) -> int:
        return self.to_owners.index(to_owner)

    def _best(self, fitting: Sequence[Candidate]) -> tuple[Candidate, str]:
        if self.name == ROUND_ROBIN:
            while True:
                to_owner = self.to_owners[self._next % len(self.to_owners)]
                self._next += 1
                if any(each is to_owner for each in fitting):
                    return to_owner, _("next in turn")
        if self.name == WEIGHTED:
            to_owner = min(fitting, key=lambda each: ((each.given + 1) / each.weight, each.userid))
            share = to_owner.weight / sum(each.weight for each in self.to_owners)
            return to_owner, _("share of {share:.0%}").format(share=share)
        if self.name == CAPACITY:
            to_owner = max(fitting, key=lambda each: (each.left, _reversed(each.userid)))
            return to_owner, _("most room ({count} left)").format(count=to_owner.left)
        to_owner = min(fitting, key=lambda each: (each.load + each.new, each.userid))
        count = to_owner.load + to_owner.new
        if self.name == SAME_STORE:
            return to_owner, _("same shop, fewest customers ({count})").format(count=count)
        return to_owner, _("fewest customers ({count})").format(count=count)

    def _nobody(self, from_owner: Member) -> str:
        others = [
            each for each in self.to_owners if each.userid.lower() != from_owner.userid.lower()
        ]
        if self.to_owners and not others:
            return _("Nobody but {member} was named.").format(member=from_owner.label)
        if self.name == SAME_STORE and not from_owner.store_id:
            return _("The shop of {member} is not known.").format(member=from_owner.label)
        if self.name == SAME_STORE and not self._stores.get(from_owner.store_id):
            return _("Nobody in the shop of {member} can take over.").format(
                member=from_owner.label
            )
        if any(each.today is not None and each.given >= each.today for each in self.to_owners):
            return _("Every taker has been given as many customers as one day allows.")
        return _("Every taker is full or has reached the cap.")

    def _mapped(
        self, from_owner: Member, friends: set[str], createtime: int, tags: set[str]
    ) -> Assignment:
        userid, why = self._rest, _("none of the mapping's keys: the rest")
        if self.name == BY_TAG:
            key = next((each for each in self._tags if each in tags), None)
            if key is not None:
                userid = self._tags[key]
                why = _("tag {tag}").format(tag=self._labels.get(key, key))
        else:
            at = bisect_right(self._days, createtime) - 1
            if at >= 0:
                userid = self._of_day[at]
                why = _("added on or after {day}").format(day=self._labels[self._days[at]])
        if not userid:
            return Assignment("", _("The mapping says nothing about this customer."))
        to_owner = self._by_userid[userid.lower()]
        friend = userid.lower() in friends
        if userid.lower() == from_owner.userid.lower() or not to_owner.has_room(friend):
            return Assignment(
                "", _("{member} is full or has reached the cap.").format(member=userid)
            )
        to_owner.take(friend)
        return Assignment(to_owner.userid, why)


def _reversed(userid: str) -> tuple[int, ...]:
    """Sort key that turns the order of userids round, so that max takes the first."""
    return tuple(-ord(letter) for letter in userid)

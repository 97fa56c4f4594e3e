"""One act of the people in the sandbox: its inputs, whom it is about, and how it is registered."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from storeops.sandbox.corp import Corp
from storeops.sandbox.mail import Mail
from storeops.sandbox.organisation import LEFT, Member
from storeops.sandbox.settings import Settings

ACTS: dict[str, Callable[[Act], dict[str, Any]]] = {}


class Act:
    """One act with its inputs; what is not given is drawn with the dice."""

    def __init__(
        self, corp: Corp, settings: Settings, mail: Mail, given: dict[str, Any], dice: random.Random
    ) -> None:
        self.corp = corp
        self.mail = mail
        self.settings = settings
        self.given = given
        self.dice = dice

    # -- inputs

    def text(self, name: str, default: str = "") -> str:
        """A string input; ValueError for another type."""
        value = self.given.get(name, default)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)  # a command line cannot tell 7 from "7"
        if not isinstance(value, str):
            raise ValueError(f"{name} must be text")
        return value

    def number(self, name: str, default: int = 0) -> int:
        """An integer input; ValueError for another type."""
        value = self.given.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"{name} must be a whole number")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """A yes or no; ValueError for another type."""
        value = self.given.get(name, default)
        if not isinstance(value, bool):
            raise ValueError(f"{name} must be true or false")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of strings; ValueError for another type."""
        value = self.given.get(name, [])
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise ValueError(f"{name} must be a list of texts")
        return value

    # -- who and what it is about

    def member(self, name: str = "userid", with_customers: bool = False) -> Member:
        """The named present member, or one drawn from those with customer contact."""
        organisation = self.corp.organisation
        if name in self.given:
            member = organisation.present(self.text(name))
            if member is None:
                raise ValueError(f"no present member {self.text(name)}")
            return member
        fitting = [
            m
            for m in organisation.members
            if m.status != LEFT
            and m.customer_contact
            and (not with_customers or self.corp.held_by(m))
        ]
        if not fitting:
            raise ValueError("no member fits")
        return self.dice.choice(fitting)

    def customer(self) -> int:
        """The row of the named external_userid."""
        row = self.corp.customers.find(self.text("external_userid"))
        if row < 0:
            raise ValueError(f"no customer {self.text('external_userid')}")
        return row

    def follow(self) -> int:
        """The named relation, or one drawn: of the member or customer that is named."""
        corp, follows = self.corp, self.corp.follows
        if "external_userid" in self.given:
            row = self.customer()
            if "userid" in self.given:
                member = corp.organisation.find(self.text("userid"))
                follow = -1
                if member is not None:
                    follow = follows.between(corp.customers, member.number, row)
                if follow < 0:
                    raise ValueError(f"{self.text('userid')} does not follow that customer")
                return follow
            living = sorted(follows.of_customer(corp.customers, row))
            living = [f for f in living if not corp.member_of(f).left_at]
            if not living:
                raise ValueError("nobody follows that customer")
            return self.dice.choice(living)
        held = corp.held_by(self.member(with_customers=True))
        if not held:
            raise ValueError("that member has no customers")
        return int(self.dice.choice(held))

    def department(self) -> int:
        """The named department, or a drawn one."""
        nodes = self.corp.organisation.departments
        if "department" not in self.given:
            return self.dice.choice(sorted(nodes))
        if self.number("department") not in nodes:
            raise ValueError(f"no department {self.number('department')}")
        return self.number("department")

    def pair(self, follow: int) -> dict[str, Any]:
        """userid and external_userid of a follow."""
        return {
            "userid": self.corp.member_of(follow).userid,
            "external_userid": self.corp.customer_id(follow),
        }

    def edited(self, follow: int) -> None:
        """Queue the event of a client-side edit."""
        self.corp.emit("change_external_contact", "edit_external_contact", **self.pair(follow))


def act(name: str) -> Callable[[Callable[[Act], dict[str, Any]]], Callable[[Act], dict[str, Any]]]:
    """Register an act."""

    def register(function: Callable[[Act], dict[str, Any]]) -> Callable[[Act], dict[str, Any]]:
        ACTS[name] = function
        return function

    return register

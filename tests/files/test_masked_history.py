"""Phones of a customer's history are masked in every form, in commands and on the card."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import Cli

FORMS = ["13812345678", "+86 138 1234 5678", "02112345678", "85212345678", 13812345678]
MEMBER = "10023456"  # a userid of digits is no phone


@pytest.fixture
def history(people: Any) -> str:
    """A customer whose phones and owner changed."""
    with people.data.atomic() as connection:
        connection.executemany(
            "INSERT INTO timeline (at, source, ref, customer_id, staff_id, field, before, after)"
            " VALUES (?, 'sync', '1', 1, 1, ?, ?, ?)",
            [
                (10, "mobiles", json.dumps(FORMS), json.dumps([])),
                (11, "owner", json.dumps(MEMBER), json.dumps("zhangsan")),
                (12, "remark", json.dumps("王姐 13812345678"), json.dumps("王姐")),
            ],
        )
    return "wmCustomer0001"


def digits(text: str) -> set[str]:
    return {each for each in (str(form).replace(" ", "") for form in FORMS) if each in text}


def test_in_commands(cli: Cli, history: str) -> None:
    answer = cli("customer", "timeline", history, "--json")
    assert not digits(answer.out.replace(" ", "")), answer.out
    assert "1234" not in answer.out.replace("****", "")
    assert MEMBER in answer.out
    assert "02112345678" in cli("customer", "timeline", history, "--json", "--reveal").out


def test_on_the_card(people: Any, history: str) -> None:
    from tui.customer_card import card

    text = card(people, history).plain
    assert not digits(text.replace(" ", "")), text
    assert MEMBER in text

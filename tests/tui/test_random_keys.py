"""Random keys never crash the screens, never write to WeCom, and Esc always leads back."""

from __future__ import annotations

import random

import pytest

KEYS = [
    *"abcdefghijklmnoprstuvwxyzADFGHILMPRUVX0123456789", "slash", "colon", "question_mark",
    "enter", "escape", "space", "tab", "shift+tab", "up", "down", "left", "right", "pageup",
    "pagedown", "home", "end", "backspace", "delete", "plus", "minus", "f1", "f2", "f3", "f4",
    "f5", "f6", "f7", "f8", "f9", "f10", "f12", "ctrl+p", "ctrl+r", "ctrl+s", "ctrl+backslash",
    "王", "小", "＃", "＠", "：", "／", "、", "　", "Ａ", "number_sign", "at", "exclamation_mark",
    "quotation_mark", "left_parenthesis", "asterisk",
]  # fmt: skip
READS = (
    "gettoken", "department", "user/", "get_follow_user_list", "batch/get_by_user",
    "externalcontact/get", "externalcontact/list", "get_corp_tag_list", "get_unassigned_list",
    "groupchat/list", "groupchat/get", "getcallbackip", "get_api_domain_ip", "transfer_result",
)  # fmt: skip


def truth(chain) -> list[str]:
    control = chain.sandbox.control
    return [str(row) for table in ("follows", "tags") for row in control.export(table)]


async def drive(driver, chain, seed: int, presses: int) -> None:
    """Press keys; every fifty of them look whether Esc leads back and nothing was written."""
    dice = random.Random(seed)
    driver.app.exit = lambda *_args, **_more: (
        None
    )  # q, Enter would end the walk; test_command quits
    before = truth(chain)
    recent: list[str] = []
    for number in range(1, presses + 1):
        key = dice.choice(KEYS)
        recent = [*recent, key][-12:]
        await driver.pilot.press(key)
        await driver.pilot.pause()  # one frame
        if number % 3 == 0:
            await driver.settle()
        if number % 50 == 0 or number == presses:
            await driver.settle()
            for _ in range(12):
                if driver.base.NAME == "today" and len(driver.app.screen_stack) == 1:
                    break
                await driver.press("escape")
            assert driver.base.NAME == "today", (seed, recent, driver.text)
            assert len(driver.app.screen_stack) == 1, (seed, recent)
            assert driver.app.crash is None
    assert truth(chain) == before, "something was written"
    for path in chain.sandbox.control.call("GET", "calls")["paths"]:
        assert any(part in path for part in READS), path


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_random_keys(painted, fresh_chain, screens, seed, tmp_path, monkeypatch):
    """A hundred keys each, three times over."""
    monkeypatch.chdir(tmp_path)  # exports of random keys land here
    async with screens(start="customers") as driver:
        await drive(driver, fresh_chain, seed, 100)

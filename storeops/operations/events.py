"""Callbacks of one profile: its keys, where it receives, and what handles what came in."""

from __future__ import annotations

import secrets as dice
import string
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from storeops import secrets
from storeops.errors import ConfigError, UsageError
from storeops.events.crypto import CallbackKeys, valid_key, valid_token
from storeops.i18n import _
from storeops.operations.ownership import must_mean_one
from storeops.operations.wiring import Wiring

if TYPE_CHECKING:
    from storeops.config import Profile
    from storeops.database.database import Database
    from storeops.events.handling import HandlingResult
    from storeops.events.inbox import Kept
    from storeops.events.receiver import Receiver

DAY_S = 86_400.0
_LETTERS = string.ascii_letters + string.digits


class EventWiring(Wiring, Protocol):
    """The ports of a profile with its inbox."""

    @property
    def inbox(self) -> Database:
        """inbox.db."""


def find_keys(profile: Profile) -> CallbackKeys | None:
    """Token and key of the profile's callbacks; None when they were not entered yet.

    Raises:
        ConfigError: they cannot be read, or are none.
    """
    must_mean_one(profile.name)
    token = secrets.find(profile.name, secrets.CALLBACK_TOKEN)
    key = secrets.find(profile.name, secrets.CALLBACK_KEY)
    if token is None or key is None:
        return None
    try:
        return CallbackKeys(token.reveal(), key.reveal(), profile.corp_id)
    except ValueError:
        raise ConfigError(
            _("The callback token or EncodingAESKey of {name} is malformed.").format(
                name=profile.name
            ),
            hint=_("Enter them again with `storeops events setup`."),
            next_steps=["storeops events setup"],
        ) from None


def keys(profile: Profile) -> CallbackKeys:
    """Token and key of the profile's callbacks.

    Raises:
        ConfigError: there are none, or they cannot be used.
    """
    found = find_keys(profile)
    if found is None:
        raise ConfigError(
            _("The profile {name} has no callback token and EncodingAESKey.").format(
                name=profile.name
            ),
            hint=_("Enter them with `storeops events setup`."),
            next_steps=["storeops events setup"],
        )
    return found


def keep_keys(profile: Profile, token: str, encoding_aes_key: str) -> None:
    """Keep token and key as the console shows them (doc 90930), in place of older ones.

    Raises:
        UsageError: one of them is malformed; nothing was saved.
        ConfigError: the file of secrets cannot be written.
    """
    if not valid_token(token):
        raise UsageError(
            _("That is no callback token: it has 1 to 32 letters and digits."),
            hint=_("Copy it from the app's page in the console; nothing was saved."),
        )
    if not valid_key(encoding_aes_key):
        raise UsageError(
            _("That is no EncodingAESKey: it has 43 letters and digits."),
            hint=_("Copy it from the app's page in the console; nothing was saved."),
        )
    secrets.save_callback(profile.name, token, encoding_aes_key)


def new_keys(profile: Profile) -> CallbackKeys:
    """Draw new ones and keep them: for a sandbox, which takes what it is given.

    Raises:
        ConfigError: the file of secrets cannot be written.
    """
    token = "".join(dice.choice(_LETTERS) for _each in range(32))
    # 42 free characters; the last one carries four bits, and A is canonical
    key = "".join(dice.choice(_LETTERS) for _each in range(42)) + "A"
    keep_keys(profile, token, key)
    return CallbackKeys(token, key, profile.corp_id)


def open_receiver(wiring: EventWiring, on_event: Callable[[Kept], None] | None = None) -> Receiver:
    """What takes the profile's callbacks in.

    Raises:
        ConfigError: the profile has no keys, or inbox.db cannot be opened.
    """
    from storeops.events.inbox import Inbox
    from storeops.events.receiver import Receiver

    wiring.inbox.limit_cache(1)  # one connection per caller, each writes a row or two
    return Receiver(Inbox(wiring.inbox), keys(wiring.profile), wiring.clock, on_event)


def handle(
    wiring: EventWiring,
    *,
    forever: bool = False,
    seconds: float | None = None,
    stop: threading.Event | None = None,
    wake: threading.Event | None = None,
    on_progress: Callable[[HandlingResult], None] | None = None,
) -> HandlingResult:
    """Handle events that are due; see `events.handling.handle`.

    Raises:
        StoreOpsError: WeCom refuses everybody or a database cannot be written.
    """
    from storeops.events import handling
    from storeops.events.inbox import Inbox

    context = handling.HandlerContext(Inbox(wiring.inbox), wiring.data, wiring.client, wiring.clock)
    return handling.handle(
        context, forever=forever, seconds=seconds, stop=stop, wake=wake, on_progress=on_progress
    )

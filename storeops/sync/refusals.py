"""What a refusal means to a sync: about one member, about one page, or about everything."""

from __future__ import annotations

from storeops.errors import ConfigError, LimitError, NetworkError, StoreOpsError

SILENCES = 6  # answers that failed to come, in a row, before the network counts as gone
STALE_CURSOR = 50100
NO_CUSTOMERS = 84061
GONE = 60111  # not in the corp, left, or out of scope (06 §1.3)
TOO_LARGE = 45029
UNKNOWN_TAG = 40068
CHAT_GONE = frozenset({40050, 49008, 90501})
OUT_OF_SCOPE = frozenset({60011, 60021, 60030, 50002})

# The secret, the app, the corp or this machine is refused: no other call of the scope will work.
_EVERYTHING = frozenset(
    {
        40001, 40013, 40014, 40056, 40091, 40141, 41001, 42001, 43009, 45031, 48001, 48002, 48005,
        48006, 48009, 50003, 50006, 60020, 60031, 301002, 301007, 2000002,
    }
)  # fmt: skip


def ends_scope(error: StoreOpsError) -> bool:
    """Whether asking for others is pointless: access, configuration, and limits that stay."""
    if error.errcode is not None:
        return error.errcode in _EVERYTHING or error.errcode == 45009
    return isinstance(error, (ConfigError, LimitError))


def unreachable(error: StoreOpsError) -> bool:
    """Whether no readable answer came (after the client's own tries)."""
    return isinstance(error, NetworkError)

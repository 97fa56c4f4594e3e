"""How long refusals of WeCom are believed in later plans: for a bounded time, of this app alone.

What WeCom refused once may be put right in the console without a word to us. So a remembered
refusal is believed for a week, is not believed of another app than the one that met it, and every
planner that believes in refusals has `--recheck`.
"""

from __future__ import annotations

from storeops.database.database import Database
from storeops.mirror import meta

AGE_S = 7 * 86_400.0


def belong_to(db: Database, app: str, now: float) -> None:
    """From now on `app` (its agent id) is asked with: refusals that another app met do not count.

    Args:
        db: data.db; written only when the app is another one.
        app: agent id of the profile.
        now: WeCom's time, Unix seconds.
    """
    before = meta.read(db.connection, "refusals_app", "-")
    if before == app:
        return
    with db.atomic() as connection:
        meta.write(connection, "refusals_app", app)
        meta.write(connection, "refusals_since", "0" if before == "-" else str(now))


def since(db: Database, now: float) -> float:
    """Refusals before this moment (Unix seconds) are not believed any more."""
    return max(now - AGE_S, float(meta.read(db.connection, "refusals_since", "0")))

"""Sync: WeCom → mirror, scope by scope, so that the mirror cannot lie."""

DOOR = (
    "lease", "refusals", "results", "run", "runs", "scopes", "session", "shared",
    "under_way", "verify",
)  # fmt: skip

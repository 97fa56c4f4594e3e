"""Sync: WeCom → mirror, scope by scope, so that the mirror cannot lie."""

DOOR = ("lease", "results", "run", "runs", "scopes", "under_way", "verify")

"""Sync: WeCom → mirror, scope by scope, so that the mirror cannot lie."""

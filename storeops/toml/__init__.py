"""TOML that people write: settings and rules, each key read by one function that says what it
expected; nothing of the domain."""

DOOR = ("files", "values")

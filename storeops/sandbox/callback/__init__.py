"""Calling back: events over HTTP, signed, encrypted, repeated."""

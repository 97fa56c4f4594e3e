"""The screen over plans."""

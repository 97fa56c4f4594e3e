"""The screen over customers."""

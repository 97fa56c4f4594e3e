"""The screen over handovers."""

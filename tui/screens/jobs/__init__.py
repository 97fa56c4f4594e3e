"""The screen over jobs."""

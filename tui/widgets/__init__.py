"""Widgets: the virtual list and the parts of screens."""

"""Windows that open over a screen and answer with a value."""

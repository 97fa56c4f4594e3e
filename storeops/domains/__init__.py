"""What a chain cares for: one folder a domain, each registered by its name."""

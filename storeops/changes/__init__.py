"""Plans, verdicts, policy, journal, undo: everything between a wish and its answers."""

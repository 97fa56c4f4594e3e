"""What people ask of facts: filter language, conditions, queries, rows, counts."""

"""What people ask of facts: filter language, conditions, queries, rows, counts."""

DOOR = (
    "columns", "conditions", "customer_rows", "customers", "export_rows", "filter",
    "filter_dates", "filter_names", "filter_words", "flows", "freshness", "held", "identities",
    "directory", "ownership", "past", "query", "query_rows", "staff", "stats",
)  # fmt: skip

"""Tables that people bring: CSV and workbooks, read row by row; nothing of the domain."""

DOOR = (
    "content", "csv_file", "headings", "named", "records", "rows", "typed",
)  # fmt: skip

"""Tables that people bring: CSV and workbooks, read row by row; nothing of the domain."""

"""Customers as files: CSV, XLSX, Parquet and NDJSON."""

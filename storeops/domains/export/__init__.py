"""Customers as files: CSV, XLSX, NDJSON, Parquet."""

from storeops.domain import Domain
from storeops.i18n import N_

DOMAIN = Domain(name="export", title=N_("Customers as files: CSV, XLSX, NDJSON, Parquet."))

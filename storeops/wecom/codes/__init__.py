"""The rows of the error table, one file per part of the contract."""

from __future__ import annotations

from storeops.wecom.codes import contacts, customers, general, groups, parameters, providers, touch

ROWS = (
    *general.ROWS,
    *providers.ROWS,
    *parameters.ROWS,
    *contacts.ROWS,
    *customers.ROWS,
    *touch.ROWS,
    *groups.ROWS,
)

"""The rows of the error table, one file per part of the contract."""

from __future__ import annotations

from storeops.wecom.codes.contacts import ROWS as CONTACTS
from storeops.wecom.codes.customers import ROWS as CUSTOMERS
from storeops.wecom.codes.general import ROWS as GENERAL
from storeops.wecom.codes.groups import ROWS as GROUPS
from storeops.wecom.codes.parameters import ROWS as PARAMETERS
from storeops.wecom.codes.providers import ROWS as PROVIDERS

ROWS = (*GENERAL, *PROVIDERS, *PARAMETERS, *CONTACTS, *CUSTOMERS, *GROUPS)

"""SQL that says whether a customer or a member of another room's row is called so."""

from __future__ import annotations

# each takes one lower-case word; the row's own id stands in the place of {id}
CUSTOMER_CALLED = (
    "EXISTS (SELECT 1 FROM customer WHERE customer.external_userid = {id}"
    " AND instr(lower(customer.name), ?))"
)
MEMBER_CALLED = (
    "EXISTS (SELECT 1 FROM staff WHERE staff.userid = {id} AND instr(lower(staff.name), ?))"
)

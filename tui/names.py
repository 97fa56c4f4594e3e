"""From ids to the words people use, for every screen; and how filters write them.

Made and asked in the background; each list is read once, when it is first needed. Screens show
ids only under "technical".
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from storeops.mirror.tag_names import Tag
from storeops.plain import alike
from storeops.reading.customer_rows import customer_id
from storeops.reading.customers import names_of, rows_of
from storeops.reading.filter import quoted
from storeops.reading.filter_words import label
from storeops.terms import term

if TYPE_CHECKING:
    from storeops.database.database import Database
    from storeops.reading.filter_names import Names


class NameLookup:
    """Names of members, tags, shops and customers.

    Args:
        db: data.db.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._customers: dict[str, str] = {}

    @cached_property
    def names(self) -> Names:
        """What the filter language knows."""
        return names_of(self._db)

    @cached_property
    def staff(self) -> dict[str, str]:
        """userid → name, of everybody ever seen."""
        return {userid: name for _key, userid, name in self.names.staff}

    @cached_property
    def by_key(self) -> dict[int, str]:
        """staff.id → userid, of the same."""
        return {key: userid for key, userid, _name in self.names.staff}

    @cached_property
    def tags(self) -> dict[str, Tag]:
        """tag_id → tag, of those that are not deleted."""
        return {key: tag for key, tag in self.names.tags.tags.items() if not tag.deleted}

    @cached_property
    def shops(self) -> list[int]:
        """Department ids."""
        return list(self.names.departments)

    # -- names ---------------------------------------------------------------------------------

    def member(self, userid: str) -> str:
        """A member's name; the id of one whom nobody knows."""
        return self.staff.get(userid) or userid

    def members(self, userids: Iterable[str]) -> list[str]:
        """Names in the same order."""
        return [self.member(each) for each in userids]

    def tag(self, tag_id: str) -> str:
        """`group/name`; the id of one that the library does not hold."""
        return self.names.tags.show([tag_id])[0]

    def tag_name(self, tag_id: str) -> str:
        """The tag's own name."""
        return self.tags[tag_id].name

    def tag_group(self, tag_id: str) -> str:
        """The name of its group."""
        return self.tags[tag_id].group

    def shop(self, department: int) -> str:
        """The notebook's name of a shop, else the department's."""
        shop = self.names.shops.get(department)
        name = shop.name if shop else ""
        return name or self.names.departments.get(department, (str(department), 0))[0]

    def code(self, department: int) -> str:
        """The chain's own number of a shop, "" when none is known."""
        shop = self.names.shops.get(department)
        return shop.code if shop else ""

    def customer(self, external_userid: str) -> str:
        """A customer's name; the id of one without."""
        if external_userid not in self._customers:
            key = customer_id(self._db, external_userid)
            found = rows_of(self._db).load([key] if key else [])
            self._customers[external_userid] = found[0]["name"] if found else ""
        return self._customers[external_userid] or external_userid

    def value(self, field: str, value: Any) -> Any:
        """A value of a timeline or journal entry with names in the place of ids."""
        if isinstance(value, list):
            return [self.value(field, each) for each in value]
        if not isinstance(value, str | int):
            return value
        if field == "status":  # of a follow, else of a row
            return label("status", term("row", str(value)))
        if field in ("tag", "tags", "add", "remove"):
            return self.tag(str(value))
        if field in ("owner", "userid", "takeover_userid", "handover_userid", "takers", "givers"):
            return self.member(str(value))
        if field in ("store", "store_id") and str(value).isdecimal():
            return self.shop(int(value))
        return value

    # -- filters -------------------------------------------------------------------------------

    @cached_property
    def _userids(self) -> set[str]:
        return {alike(each) for each in self.staff}

    def member_filter(self, userid: str) -> str:
        """The filter of a member's customers: by name where only one has it."""
        name = self.staff.get(userid, "")
        same = self.names.members.by_name.get(alike(name), ()) if name else ()
        sure = len(same) == 1 and alike(name) not in self._userids
        word = name if sure else self.names.members.word(userid)
        return "@" + quoted(word)

    def tag_filter(self, tag_id: str) -> str:
        """The filter of a tag's customers."""
        tag = self.names.tags.tags.get(tag_id)
        return "#" + quoted(self.names.tags.word(tag) if tag is not None else tag_id)

    def shop_filter(self, department: int) -> str:
        """The filter of a shop's customers: by name where only one has it."""
        return "store:" + quoted(self.names.store_name(department))

"""Which follows a planner is asked to change – by filter, marks, or a file's rows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from storeops.changes import relations
from storeops.changes.exported import ExportedPlan
from storeops.changes.problems import Problem, Problems
from storeops.changes.relations import Relation
from storeops.changes.rows import chunks
from storeops.changes.sheets import KEYS, USERID, Sheet, SheetLine
from storeops.database.database import Database
from storeops.errors import StoreOpsError, UsageError
from storeops.i18n import _, ngettext, sentences
from storeops.mirror.members import Members
from storeops.plain import plain
from storeops.reading.customers import EVERY_STORE, Selection, names_of, selection_node
from storeops.reading.filter import one_of
from storeops.reading.query import CustomerQuery
from storeops.tables import typed

OWNER, ALL, NEWEST = "owner", "all", "newest"
_NAMED = 10  # names that a note lists
_MEMBERS = re.compile(r"[;；、,，]")  # as exports and lists of both languages join them


@dataclass(frozen=True, slots=True)
class FollowRequest:
    """Follows of customers by conditions that all must hold; none at all means nobody was chosen.

    Attributes:
        selection: the conditions. Of shops and owners that it names, only follows of one of them.
        follows: owner | all | newest; "" when the person did not say.
    """

    selection: Selection
    follows: str = ""

    @property
    def given(self) -> bool:
        """Whether anything was chosen."""
        return self.selection != Selection()


@dataclass(slots=True)
class SelectedFollows:
    """Follows to change, in order, each once.

    Attributes:
        relations: the follows.
        lines: line of the file per follow, when there was one.
        cells: cells of that line.
        problems: input that names nothing, in the file's order.
        sheet: the file; None without one.
        strict: one wrong row refuses them all.
    """

    relations: list[Relation] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    cells: list[Mapping[str, str]] = field(default_factory=list)
    problems: Problems = field(default_factory=Problems)
    sheet: Sheet | None = None
    strict: bool = False

    def left_out(self, already: Sequence[int]) -> list[Problem]:
        """What a plan says of those (by their place) that are as wished already."""
        if not already:
            return []
        message = ngettext(
            "{count} customer is already so and is left out.",
            "{count} customers are already so and are left out.",
            len(already),
        ).format(count=len(already))
        if self.lines:
            numbers = [self.lines[place] for place in already]
            message = sentences(message, _lines(numbers))
        return [Problem("already", message, None, True, len(already))]


def _lines(numbers: Sequence[int]) -> str:
    lines = _(", ").join(map(str, numbers[:_NAMED])) + " …" * (len(numbers) > _NAMED)
    return _("Lines: {lines}").format(lines=lines)


def select_follows(db: Database, request: FollowRequest, now: float) -> SelectedFollows:
    """The follows that a request means.

    Args:
        db: data.db.
        request: what the person asked for.
        now: WeCom's time, Unix seconds.

    Raises:
        UsageError: nothing chosen, or several owners match and the person did not say which.
        FilterError: the filter is not understood, or names nobody.
    """
    if not request.given:
        raise UsageError(
            _("No customer was chosen."),
            hint=_("Choose by --where, --view, --marked, --store, --owner or --file."),
        )
    if request.follows == OWNER and not request.selection.owner:
        raise UsageError(
            _("--follows owner needs to know which one."), hint=_("Add --owner USERID.")
        )
    names = names_of(db)
    where = selection_node(db, request.selection)
    customers = list(CustomerQuery(db, where, names=names, now=now).ids())
    shops = tuple(each for each in request.selection.store if each.casefold() != EVERY_STORE)
    stores = names.resolve("", one_of("store", shops, "--store")) if shops else None
    owners = [names.members.find(each).userid for each in request.selection.owner]
    found = relations.of_customers(db, customers, owners=owners, store_ids=stores)
    groups = list(found)
    selected = _pick(groups, request)
    gone = len(customers) - len(groups)
    if gone:
        message = ngettext(
            "{count} chosen customer is followed by nobody any more and is left out.",
            "{count} chosen customers are followed by nobody any more and are left out.",
            gone,
        ).format(count=gone)
        selected.problems.append(Problem("no_relation", message, None, True, gone))
    for word, meant in names.parts(where):
        some = _(", ").join(map(plain, meant[:_NAMED])) + " …" * (len(meant) > _NAMED)
        selected.problems.append(
            Problem(
                "part_of_names",
                ngettext(
                    "“{word}” is part of {count} name, and means it: {names}",
                    "“{word}” is part of {count} names, and means all of them: {names}",
                    len(meant),
                ).format(word=plain(word), count=len(meant), names=some),
                warning=True,
            )
        )
    return selected


def _pick(found: Iterable[list[Relation]], request: FollowRequest) -> SelectedFollows:
    selected = SelectedFollows()
    several = 0
    for follows in found:
        active = [each for each in follows if each.status == "active"] or follows
        if len(active) > 1 and not request.follows and not request.selection.owner:
            several += 1
        selected.relations += active[:1] if request.follows == NEWEST else active
    if several:
        raise UsageError(
            ngettext(
                "{count} of these customers is followed by several members.",
                "{count} of these customers are followed by several members.",
                several,
            ).format(count=several),
            hint=_("Say whose follow is meant: --follows all, --follows newest, or --owner."),
        )
    return selected


def of_sheet(
    db: Database,
    sheet: Sheet,
    *,
    follows: str = "",
    owner: Sequence[str] = (),
    strict: bool = False,
    requested: bool = True,
) -> SelectedFollows:
    """The follows that a file's rows mean; every row is looked at before anything is said.

    Args:
        db: data.db.
        sheet: what was read.
        follows: all | newest, for rows that name no member; "" refuses when it is not clear.
        owner: userids or names of the members for rows that name none.
        strict: one wrong row, also one that a planner finds, refuses them all.
        requested: whether something is asked for every row; if not, rows whose own cells are empty
            ask for nothing, whomever they name.
    """
    keys = _Keys(db, sheet, owner)
    selected = SelectedFollows(problems=sheet.problems.copy(), sheet=sheet, strict=strict)
    seen: dict[str, int] = {}
    unchanged: list[int] = []
    idle = 0
    texts = sheet.fields.keys() - {each.name for each in (*KEYS, USERID)}
    for line in sheet.lines:
        if not requested and texts and not any(line.get(name).strip() for name in texts):
            idle += 1
            continue
        found = keys.find(line, follows)
        if isinstance(found, Problem):
            selected.problems.append(found)
            continue
        if not found:
            unchanged.append(line.number)
            continue
        taken = False
        cells = line.cells
        for relation in found:
            subject = f"{relation.userid.lower()}/{relation.external_userid}"
            first = seen.setdefault(subject, line.number)
            if first != line.number:
                continue
            taken = True
            selected.relations.append(relation)
            selected.lines.append(line.number)
            selected.cells.append(cells)
        if not taken:
            selected.problems.append(
                _problem(
                    line,
                    "duplicate",
                    _("the same customer and member as in line {first}").format(
                        first=seen[f"{found[0].userid.lower()}/{found[0].external_userid}"]
                    ),
                )
            )
    if so := [each for each in unchanged if each not in keys.so_with_one]:
        message = ngettext(
            "{count} row says what is so already and is left out.",
            "{count} rows say what is so already and are left out.",
            len(so),
        ).format(count=len(so))
        selected.problems.append(Problem("already", f"{message} {_lines(so)}", None, True, len(so)))
    if keys.so_with_one:
        message = ngettext(
            "{count} row says what is so with one of several members, names none of them, and is"
            " left out; for all of them: --follows all.",
            "{count} rows say what is so with one of several members, name none of them, and are"
            " left out; for all of them: --follows all.",
            len(keys.so_with_one),
        ).format(count=len(keys.so_with_one))
        message += " " + _lines([*keys.so_with_one])
        selected.problems.append(
            Problem("several_members", message, None, True, len(keys.so_with_one))
        )
    if idle:
        message = ngettext(
            "{count} row has nothing in {headings} and asks for nothing.",
            "{count} rows have nothing in {headings} and ask for nothing.",
            idle,
        ).format(count=idle, headings=_(", ").join(sorted(sheet.fields[name] for name in texts)))
        selected.problems.append(Problem("idle", message, None, True, idle))
    if keys.foreign_ids:
        message = ngettext(
            "{count} id in the column {heading} is none of WeCom; phone or unionid was taken.",
            "{count} ids in the column {heading} are none of WeCom; phone or unionid was taken.",
            keys.foreign_ids,
        ).format(count=keys.foreign_ids, heading=sheet.fields["external_userid"])
        selected.problems.append(Problem("foreign_ids", message, warning=True))
    return selected


def customers_of(db: Database, sheet: Sheet) -> tuple[tuple[str, ...], Problems]:
    """(external_userid of the customers that a file's rows name, each once; rows that name none).

    Args:
        db: data.db.
        sheet: what was read.
    """
    keys = _Keys(db, sheet, ())
    problems = sheet.problems.copy()
    found: dict[str, None] = {}
    for line in sheet.lines:
        customer = keys.customer(line)
        if isinstance(customer, Problem):
            problems.append(customer)
        else:
            found[customer] = None
    return tuple(found), problems


_KEYS = ("external_userid", "phone", "unionid")


class _Keys:
    """Finds the follows that lines mean; all keys of the file are looked up at once.

    Attributes:
        foreign_ids: how many ids were none of WeCom.
        so_with_one: numbers of lines that an export may have written, or a person who wished one
            text for all members of a customer.
    """

    def __init__(self, db: Database, sheet: Sheet, owner: Sequence[str]) -> None:
        self._db = db
        self._members = Members(db.connection)
        owners = [self._members.find(each) for each in owner]
        self._owners = {each.userid.lower() for each in owners}
        self._owner_names = _(", ").join(plain(each.name) or each.userid for each in owners)
        self.foreign_ids = 0
        self.so_with_one: dict[int, None] = {}
        lines = sheet.lines
        known = sheet.fields
        self._headings = {key: known[key] for key in _KEYS if key in known}
        ids: set[str] = set()
        phones: set[str] = set()
        unions: set[str] = set()
        if "external_userid" in known:
            ids = {typed.word(line.get("external_userid")) for line in lines}
        if "phone" in known:
            phones = {each for line in lines for each in typed.phones(line.get("phone"))}
        if "unionid" in known:
            unions = {typed.word(line.get("unionid")) for line in lines}
        self._customers = self._by_id(ids)
        self._phones = self._by_phone(phones - {""})
        self._unionids = self._by_unionid(unions - {""})
        found = {*self._customers.values(), *self._unionids.values()}
        found.update(each for several in self._phones.values() for each in several)
        self._follows = {
            each[0].customer_id: each for each in relations.of_customers(db, sorted(found))
        }
        self._exported = ExportedPlan(db, sheet)

    def _by_id(self, wanted: set[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for part in chunks(sorted(wanted - {""}), relations.CHUNK):
            marks = ",".join("?" * len(part))
            found.update(
                self._db.execute(
                    f"SELECT external_userid, id FROM customer WHERE external_userid IN ({marks})",
                    part,
                ).fetchall()
            )
        return found

    def _by_phone(self, wanted: set[str]) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {}
        if not wanted:
            return found
        for customer, mobiles in self._db.execute(
            "SELECT customer_id, mobiles FROM follow WHERE mobiles <> '[]'"
            " AND status NOT IN ('lost', 'handed_over')"
        ):
            for each in json.loads(mobiles):
                phone = typed.phone(each)
                if phone in wanted:
                    found.setdefault(phone, set()).add(customer)
        return found

    def _by_unionid(self, wanted: set[str]) -> dict[str, int]:
        if not wanted:
            return {}
        return {
            unionid: customer
            for unionid, customer in self._db.execute(
                "SELECT unionid, id FROM customer WHERE unionid <> ''"
            )
            if unionid in wanted
        }

    def find(self, line: SheetLine, follows: str) -> list[Relation] | Problem:
        """The follows of one line, or why there are none; [] when it says what is so already."""
        if line.surplus:
            return _problem(line, "surplus", _("more cells than headings"))
        customer = self._customer(line)
        if isinstance(customer, Problem):
            return customer
        found = self._follows.get(customer, [])
        named = typed.word(line.get("userid"))
        repeats = self._exported.repeats_export
        if repeats(line, customer, follows):
            unclear = len(found) > 1 and not named and not follows
            if unclear and not repeats(line, customer, ALL):
                self.so_with_one[line.number] = None
            return []
        members = self._named(line, named)
        if isinstance(members, Problem):
            return members
        if members:
            mine = [each for each in found if each.userid.lower() in members]
            if not mine:
                return _problem(
                    line,
                    "no_relation",
                    _("{member} does not follow this customer").format(
                        member=named or self._owner_names
                    ),
                )
            if named and len(members) > 1 and self._exported.has_texts(line):
                return _problem(
                    line,
                    "several_owners",
                    _("the row speaks for several members at once; write a row for each"),
                )
            return mine
        active = [each for each in found if each.status == "active"] or found
        if not active:
            return _problem(line, "no_relation", _("nobody follows this customer any more"))
        if len(active) > 1 and not follows:
            names = _(", ").join(each.staff_name or each.userid for each in active[:5])
            return _problem(
                line,
                "several_members",
                _(
                    "several members follow this customer ({members}); name one with --owner, or "
                    "take --follows newest or all"
                ).format(members=names),
            )
        return active[:1] if follows == NEWEST else active

    def _named(self, line: SheetLine, named: str) -> set[str] | Problem:
        """Lower-cased userids that a line names: one, or several as a list joins them."""
        if not named:
            return self._owners
        member = self._members.try_find(named)
        texts = [each for each in map(str.strip, _MEMBERS.split(named)) if each]
        found = set()
        for text in [named] if not isinstance(member, StoreOpsError) else texts:
            member = self._members.try_find(text)
            if isinstance(member, UsageError):
                return _problem(line, "several_members", f"{member.message} {member.hint}")
            if isinstance(member, StoreOpsError):
                return _problem(
                    line, "unknown_member", _("no member is called {name}").format(name=text)
                )
            found.add(member.userid.lower())
        return found

    def customer(self, line: SheetLine) -> str | Problem:
        """external_userid of the customer that one line names, or why there is none."""
        if line.surplus:
            return _problem(line, "surplus", _("more cells than headings"))
        found = self._customer(line)
        if isinstance(found, Problem):
            return found
        text = typed.word(line.get("external_userid"))
        if text in self._customers:
            return text
        return str(
            self._db.execute(
                "SELECT external_userid FROM customer WHERE id = ?", (found,)
            ).fetchone()[0]
        )

    def _customer(self, line: SheetLine) -> int | Problem:
        text = typed.word(line.get("external_userid"))
        if problem := self._two_customers(line, text):
            return problem
        if text in self._customers:
            return self._customers[text]
        phone, unionid = line.get("phone").strip(), typed.word(line.get("unionid"))
        if text and typed.may_be_external_userid(text):
            return _problem(line, "unknown_id", _("no customer has the id {id}").format(id=text))
        if text:
            if not phone and not unionid:
                return _problem(
                    line, "bad_id", _("{id} is not a customer id of WeCom").format(id=text[:80])
                )
            self.foreign_ids += 1
        if typed.word(phone):
            return self._customer_by_phone(line, phone)
        if unionid:
            if unionid in self._unionids:
                return self._unionids[unionid]
            return _problem(
                line,
                "unknown_unionid",
                _("no customer has the unionid {id}").format(id=unionid[:64]),
            )
        return _problem(line, "no_key", _("no customer id, phone or unionid"))

    def _two_customers(self, line: SheetLine, text: str) -> Problem | None:
        """What is wrong when no customer has all keys of the row that any customer has."""
        if len(self._headings) < 2:
            return None
        unionid = typed.word(line.get("unionid"))
        named = {
            "external_userid": {self._customers[text]} if text in self._customers else set(),
            "phone": {
                customer
                for each in typed.phones(line.get("phone"))
                for customer in self._phones.get(each, ())
            },
            "unionid": {self._unionids[unionid]} if unionid in self._unionids else set(),
        }
        known = {self._headings[key]: found for key, found in named.items() if found}
        if not known or set.intersection(*known.values()):
            return None
        *most, last = known
        return _problem(
            line,
            "two_customers",
            _("{columns} and {column} of this row are of different customers").format(
                columns=_(", ").join(most), column=last
            ),
        )

    def _customer_by_phone(self, line: SheetLine, text: str) -> int | Problem:
        phones = typed.phones(text)
        known = [each for each in phones if each in self._phones]
        fault = "" if known else typed.phone_fault(text if len(phones) < 2 else phones[0])
        if fault:
            return _problem(line, fault, phone_trouble(fault))
        found = {customer for each in known for customer in self._phones[each]}
        if not found:
            return _problem(line, "unknown_phone", _("no customer has this phone number"))
        if len(found) > 1:
            return _problem(
                line,
                "shared_phone",
                _("{several} customers have this phone number").format(several=len(found)),
            )
        return next(iter(found))


def phone_trouble(fault: str) -> str:
    """Why a cell is no phone number, by what `typed.phone_fault` says."""
    if fault == typed.MASKED:
        return _("the phone number is masked; whole numbers are needed (an export with --reveal)")
    if fault == typed.ROUNDED:
        return _("the spreadsheet has rounded the phone number; format the column as text")
    return _("this is not a phone number")


def _problem(line: SheetLine, code: str, message: str) -> Problem:
    return Problem(
        code, _("line {line}: {message}").format(line=line.number, message=message), line.number
    )

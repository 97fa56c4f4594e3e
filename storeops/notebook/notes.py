"""Notes on customers: what colleagues should know, kept here and never sent to WeCom."""

from __future__ import annotations

from dataclasses import dataclass

from storeops.database.database import Database
from storeops.errors import NotFoundError, UsageError
from storeops.i18n import _

MAX_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class Note:
    """One note.

    Attributes:
        id: its number.
        external_userid: the customer.
        at: when it was written, Unix seconds.
        author: who wrote it, "" when unknown.
        text: what it says.
    """

    id: int
    external_userid: str
    at: int
    author: str
    text: str


def add_note(db: Database, external_userid: str, text: str, author: str, now: float) -> Note:
    """Keep a note on a customer.

    Raises:
        UsageError: nothing in it, or more than 2,000 characters.
    """
    text = text.strip()
    if not text:
        raise UsageError(_("The note is empty."), hint=_("Give the text after the customer's id."))
    if len(text) > MAX_LENGTH:
        raise UsageError(
            _("The note has {length} characters; {limit} is the most.").format(
                length=len(text), limit=MAX_LENGTH
            ),
            hint=_("Write it shorter, or as several notes."),
        )
    with db.atomic():
        cursor = db.execute(
            "INSERT INTO note (external_userid, at, author, text) VALUES (?, ?, ?, ?)",
            (external_userid, int(now), author, text),
        )
    assert cursor.lastrowid is not None
    return Note(cursor.lastrowid, external_userid, int(now), author, text)


def notes_of(db: Database, external_userid: str) -> list[Note]:
    """The notes on a customer, newest first."""
    rows = db.execute(
        "SELECT id, external_userid, at, author, text FROM note WHERE external_userid = ?"
        " ORDER BY at DESC, id DESC",
        (external_userid,),
    )
    return [Note(*row) for row in rows]


def delete_note(db: Database, note_id: int) -> None:
    """Take a note away.

    Raises:
        NotFoundError: there is no such note.
    """
    with db.atomic():
        if db.execute("DELETE FROM note WHERE id = ?", (note_id,)).rowcount == 0:
            raise NotFoundError(
                _("There is no note {number}.").format(number=note_id),
                hint=_("`storeops customer show` lists the notes with their numbers."),
            )

"""The one finder of a tag: by id, `group/name`, or a name that only one tag has."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from storeops.database.database import Database
from storeops.errors import NotFoundError, StoreOpsError, UsageError
from storeops.i18n import _, aside
from storeops.plain import alike
from storeops.spelling import did_you_mean

CORP_TAG = 1
BY_ID = "tagid:"  # before a word: a tag's id, never a name


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of the mirror's library.

    Attributes:
        id: tag.id.
        tag_id: WeCom's id.
        name: its name.
        group_id: WeCom's id of its group, "" while only the tag's id is known.
        group: name of its group.
        kind: 1 corp tag, 3 strategy tag.
        order: larger first.
        deleted: it was deleted in WeCom (1) or not (0).
    """

    id: int
    tag_id: str
    name: str
    group_id: str
    group: str
    kind: int
    order: int
    deleted: int

    @property
    def path(self) -> str:
        """`group/name`, as people may write it."""
        return f"{self.group}/{self.name}" if self.group else self.name


class TagNames:
    """The library in memory (at most 10,000 tags), for many look-ups.

    Args:
        db: data.db; read once.
    """

    def __init__(self, db: Database | sqlite3.Connection) -> None:
        self.tags: dict[str, Tag] = {}
        self._by_name: dict[str, list[Tag]] = {}
        self._by_path: dict[str, list[Tag]] = {}
        for record in db.execute(
            "SELECT t.id, t.tag_id, t.name, coalesce(g.group_id, ''), coalesce(g.name, ''), t.kind,"
            " t.ord, t.deleted_at IS NOT NULL FROM tag AS t"
            " LEFT JOIN tag_group AS g ON g.id = t.group_id"
        ):
            tag = Tag(*record)
            self.tags[tag.tag_id] = tag
            if not tag.deleted and tag.name:
                self._by_name.setdefault(alike(tag.name), []).append(tag)
                self._by_path.setdefault(alike(tag.path), []).append(tag)

    def find(self, text: str) -> Tag:
        """The tag meant by `text`; `tagid:…` is never read as a name.

        Raises:
            NotFoundError: no tag is called so, or it was deleted; names near ones.
            UsageError: several are; names them as `group/name`.
        """
        text = text.strip()
        found = self._meant(text)
        if len(found) == 1:
            if found[0].deleted:
                raise NotFoundError(
                    _("The tag {tag} was deleted in WeCom.").format(tag=found[0].path or text),
                    hint=_("Choose another tag: storeops tag list"),
                    errcode=40068,
                )
            return found[0]
        if found:
            raise self._several(text, found)
        alive = [each for each in self.tags.values() if not each.deleted]
        words = dict.fromkeys(word for each in alive for word in (each.path, each.name) if word)
        raise NotFoundError(
            _("There is no tag {name}.").format(name=text),
            hint=did_you_mean(
                text,
                words,
                _("See all tags: storeops tag list. A new one may need `storeops sync run`."),
                most=3,
            ),
        )

    def _meant(self, text: str) -> list[Tag]:
        """Every tag with this id, `group/name` or name."""
        only_id = text[: len(BY_ID)].lower() == BY_ID
        known = self.tags.get(text[len(BY_ID) :].strip() if only_id else text)
        found = [known] if known else []
        if not only_id:
            wanted = alike(text)
            found += [*self._by_path.get(wanted, ()), *self._by_name.get(wanted, ())]
        return list({each.id: each for each in found}.values())

    def word(self, tag: Tag) -> str:
        """How to write a tag so that `find` and filters can only mean this one."""
        return tag.path if self._meant(tag.path) == [tag] else BY_ID + tag.tag_id

    def _several(self, text: str, found: list[Tag]) -> UsageError:
        words = _(", ").join(
            word if (word := self.word(each)) == each.path else aside(each.path, word)
            for each in sorted(found, key=lambda each: (each.path, each.tag_id))
        )
        return UsageError(
            _("Several tags are named {name}: {tags}.").format(name=text, tags=words),
            hint=_("Write the group, too, or tagid: and the tag's id."),
            details={"candidates": sorted((each.tag_id, each.path) for each in found)},
        )

    def search(self, text: str) -> list[Tag]:
        """Every tag that a filter's word means: what `find` means, `group/*`, part of a name.

        Raises:
            UsageError: several tags have just this name.
        """
        meant = self._meant(text)
        if len(meant) > 1:
            raise self._several(text, meant)
        wanted = alike(text)
        alive = [each for each in self.tags.values() if not each.deleted]
        for found in (
            meant,
            [each for each in alive if each.group and alike(f"{each.group}/*") == wanted],
            [each for each in alive if wanted in alike(each.name)] if wanted else [],
        ):
            if found:
                return found
        return []

    def part(self, text: str) -> list[Tag]:
        """Tags whose name `text` is only a part of, and which it means in a filter therefore."""
        return [] if self._meant(text) or text.endswith("/*") else self.search(text)

    def find_all(self, texts: Iterable[str]) -> list[Tag]:
        """The tags meant, without repetition, in order.

        Raises:
            StoreOpsError: one of them is not found or ambiguous.
        """
        return list({tag.tag_id: tag for tag in map(self.find, texts)}.values())

    def try_find(self, text: str) -> Tag | StoreOpsError:
        """The tag meant, or the error that `find` would raise."""
        try:
            return self.find(text)
        except StoreOpsError as error:
            return error

    def show(self, tag_ids: Iterable[str]) -> list[str]:
        """`group/name` of tags by id, for people; unknown ids stay ids."""
        return [
            self.tags[each].path if each in self.tags and self.tags[each].name else each
            for each in tag_ids
        ]

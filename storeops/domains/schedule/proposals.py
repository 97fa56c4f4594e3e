"""A night to begin with: what every domain that is there proposes to run, and when."""

from __future__ import annotations

from dataclasses import dataclass

from storeops.database.database import Database
from storeops.domain import TaskSpec, guarded, load, registry
from storeops.domains.schedule import tasks
from storeops.domains.schedule.tasks import Task


@dataclass(frozen=True, slots=True)
class Proposal:
    """A task that is proposed.

    Attributes:
        spec: as its domain says it.
        words: of its command, with what this profile adds.
        domain: which.
        there: a task of that name is there already; it stays as it is.
    """

    spec: TaskSpec
    words: tuple[str, ...]
    domain: str
    there: bool

    @property
    def task(self) -> Task:
        """The task that it becomes."""
        spec = self.spec
        return Task(
            name=spec.name, cron=spec.cron, words=self.words, calendar=spec.calendar,
            timeout_s=spec.timeout_s, catch_up=spec.catch_up,
        )  # fmt: skip


def proposals(db: Database) -> list[Proposal]:
    """What is proposed, in the order of domains."""
    found = []
    for name, (domain, spec) in registry().named("tasks").items():
        words = list(spec.command)
        there = tasks.find(db, name) is not None
        if spec.fits and not there:
            wanted = False
            with guarded(domain):
                wanted = load(spec.fits)(db)
            if not wanted:
                continue
        if spec.more:
            with guarded(domain):
                words += load(spec.more)(db)
        found.append(Proposal(spec, tuple(words), domain.name, there))
    return found


def add_missing(db: Database, now: float) -> list[Task]:
    """Add what is proposed and not there yet; what a person has changed stays.

    Raises:
        UsageError: a domain proposes what cannot be a task.
    """
    return [tasks.add(db, each.task, now) for each in proposals(db) if not each.there]

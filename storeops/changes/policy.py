"""What a profile allows: read-only, the allow list for cron, ceilings on rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from storeops import times
from storeops.database.database import Database
from storeops.errors import PolicyError
from storeops.i18n import _


def head_office_sends(profile: str = "") -> PolicyError:
    """What a back office says of everything that needs WeCom.

    Args:
        profile: its name, "" when it need not be said.
    """
    return PolicyError(
        _("The profile {name} has no secret: head office reads WeCom, and sends.").format(
            name=profile
        )
        if profile
        else _("This profile has no secret: head office reads WeCom, and sends."),
        hint=_("Export the plan or the list and ask head office; nothing was changed here."),
    )


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules of one profile.

    Attributes:
        read_only: nothing may be written to WeCom.
        allow: kinds of plan that may be applied (`tag`, `remark`, `handover*`); None allows all.
        max_rows_per_plan: ceiling on the ready rows of one plan, None for no ceiling.
        max_rows_per_day: ceiling on rows applied in one day (Beijing), None for no ceiling.
        sends: False for a back office, which has no secret.
        before_change: called before anything is changed; never fails.
        warn_share: a plan that changes more than this share (0–1) of a store's customers, or
            takes tags from them, carries a warning.
    """

    read_only: bool = False
    allow: tuple[str, ...] | None = None
    max_rows_per_plan: int | None = 50_000
    max_rows_per_day: int | None = 200_000
    warn_share: float = 0.3
    sends: bool = True
    before_change: Callable[[], None] = lambda: None

    def may_write(self) -> None:
        """Refuse writes in read-only mode.

        Raises:
            PolicyError: the profile or the command is read-only.
        """
        if self.read_only:
            raise PolicyError(
                _("This is read-only: nothing was changed."),
                hint=_("Leave out --read-only, or ask who set the profile to read-only."),
            )
        self.before_change()

    def may_send(self) -> None:
        """Refuse what is sent to WeCom in read-only mode, and in a back office.

        Raises:
            PolicyError: it may not be sent from here.
        """
        self.may_write()
        if not self.sends:
            raise head_office_sends()

    def allows(self, kind: str) -> bool:
        """Whether the allow list names a kind (`api` for raw calls), or there is no such list."""
        return self.allow is None or any(fnmatchcase(kind, each) for each in self.allow)

    def may_apply(self, kind: str) -> None:
        """Refuse kinds that the profile's allow list does not name.

        Raises:
            PolicyError: not allowed here.
        """
        self.may_write()
        if not self.allows(kind):
            raise PolicyError(
                _("This profile does not allow plans of the kind {kind}.").format(kind=kind),
                hint=_("Allowed here: {kinds}.").format(
                    kinds=_(", ").join(self.allow or ()) or "-"
                ),
            )

    def ceiling_hit(self, db: Database, rows: int, now: float) -> str:
        """The sentence of the ceiling that `rows` more rows would pass; "" when none.

        Args:
            db: data.db, to count what was applied since midnight in Beijing.
            rows: ready rows of the plan.
            now: WeCom's time, Unix seconds.
        """
        if self.max_rows_per_plan is not None and rows > self.max_rows_per_plan:
            return _("The plan has {several} rows; one plan may have {limit}.").format(
                several=rows, limit=self.max_rows_per_plan
            )
        if self.max_rows_per_day is None:
            return ""
        midnight = times.midnight(now).timestamp()
        today: int = db.execute(
            "SELECT coalesce(sum(ready), 0) FROM plan WHERE status = 'applied' AND applied_at >= ?",
            (midnight,),
        ).fetchone()[0]
        if today + rows > self.max_rows_per_day:
            return _(
                "Rows applied today: {today}; the plan has {rows} more, and a day may have {limit}."
            ).format(today=today, rows=rows, limit=self.max_rows_per_day)
        return ""

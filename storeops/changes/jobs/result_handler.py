"""What came back becomes answers, another try, or a question."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storeops import retrying
from storeops.changes.action import (
    CANCELLED,
    FAILED,
    NOT_AS_PLANNED,
    QUEUED,
    UNKNOWN,
    WAITING,
    Action,
    Call,
    Row,
    RowResult,
)
from storeops.changes.decision import Decision, What, decide
from storeops.changes.jobs import queue
from storeops.changes.jobs.ports import JobRecords
from storeops.changes.jobs.queue import Job
from storeops.changes.jobs.report import Report
from storeops.clock import Clock
from storeops.domain import registry
from storeops.errors import ConflictError, StoreOpsError
from storeops.i18n import N_, _, kept, ngettext


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """What a sender thread brought back; exactly one of answer, error, bug holds.

    Attributes:
        job: the job.
        call: what was sent or asked.
        asking: it was `read_back`.
        answer: what the Action returned.
        error: an error with words.
        bug: anything else.
    """

    job: Job
    call: Call
    asking: bool
    answer: Any = None
    error: StoreOpsError | None = None
    bug: BaseException | None = None


class ResultHandler:
    """Keeps outcomes; all methods run inside the worker's transaction.

    Args:
        records: keeps answers.
        actions: kinds of change by name.
        clock: WeCom's time.
        report: grows with what is kept.
    """

    def __init__(
        self, records: JobRecords, actions: Mapping[str, Action], clock: Clock, report: Report
    ) -> None:
        self._records = records
        self._actions = actions
        self._clock = clock
        self._report = report

    def keep(self, connection: sqlite3.Connection, outcome: JobOutcome) -> None:
        """Keep one outcome that is no bug."""
        if outcome.asking:
            self._asked(connection, outcome)
        elif outcome.error is None:
            self._close(connection, outcome, self._interpret(outcome))
        else:
            tries = outcome.job.attempts
            self._trouble(
                connection, outcome, decide(outcome.error, tries, over=retrying.JOB.over(tries))
            )

    def keep_fault(self, connection: sqlite3.Connection, outcome: JobOutcome) -> bool:
        """Keep an outcome that is a bug: its rows are unknown until WeCom was asked.

        Returns:
            Whether it is a bug of another package: its plan is paused, the others go on.
        """
        assert outcome.bug is not None
        why = type(outcome.bug).__name__
        if outcome.asking:
            self._ask_again(connection, outcome, outcome.call.rows, 1.0, why)
        else:
            self._doubt(connection, outcome, 1.0, why)
        if not self._paused_for(connection, outcome.job, outcome.bug):
            return False
        queue.hold_unknown(connection, outcome.job.id)  # who would ask is who failed
        return True

    def not_sent(self, connection: sqlite3.Connection, job: Job, error: Exception) -> bool:
        """Put a claimed job back whose call could not be made; see `keep_fault`."""
        if not self._paused_for(connection, job, error):
            return False
        now, why = self._clock.now(), type(error).__name__
        if job.status == queue.UNKNOWN:
            queue.make_unknown(connection, job.id, run_at=now, errcode=None, error=why)
        else:
            queue.put_back(connection, job.id, run_at=now, errcode=None, error=why, count=False)
        queue.event(connection, [(job.id, "requeued", why)], now)
        return True

    def _paused_for(self, connection: sqlite3.Connection, job: Job, error: BaseException) -> bool:
        """Pause the plan of a job whose Action is of another package and at fault; log it."""
        found = registry().at_fault(error)
        if found is None or found.domain is None:
            return False
        logging.getLogger("storeops.domain").error(
            "the action %s of %s failed", job.action, found.package, exc_info=error
        )
        self._pause(
            connection,
            job,
            ConflictError(
                kept(
                    N_("The package {package} failed ({kind}); the log has the details."),
                    package=found.package,
                    kind=type(error).__name__,
                ),
                hint=_("Update it, then: storeops plan resume {plan}").format(
                    plan=self._records.plan_name(job.plan_id)
                ),
            ),
        )
        return True

    def lost(self, connection: sqlite3.Connection, job: int, plan_id: int, why: str) -> None:
        """A job whose worker died: its rows are unknown until WeCom was asked."""
        numbers = queue.rows_of(connection, [job])[job]
        rows, _params, _refused = self._records.rows(connection, plan_id, numbers)
        found = Job(job, plan_id, "", len(rows), queue.UNKNOWN, 0, 0, 0, 0.0)
        self._doubtful(connection, found, rows)
        queue.event(connection, [(job, "unknown", why)], self._clock.now())

    def _interpret(self, outcome: JobOutcome) -> list[RowResult]:
        action = self._actions[outcome.job.action]
        answers = action.interpret(outcome.call, outcome.answer, outcome.error)
        assert {each.row for each in answers} == {each.row for each in outcome.call.rows}
        return answers

    def _trouble(
        self, connection: sqlite3.Connection, outcome: JobOutcome, decision: Decision
    ) -> None:
        error, job = outcome.error, outcome.job
        assert error is not None
        if decision.what is What.FINAL:
            self._close(connection, outcome, self._interpret(outcome))
            return
        if decision.what is What.ASK:
            self._doubt(connection, outcome, decision.delay_s, error.category)
            return
        now = self._clock.now()
        if queue.stop_asked_of(connection, job.id) == queue.DROP:
            rows = outcome.call.rows
            self._close(connection, outcome, [RowResult(each.row, CANCELLED) for each in rows])
            return
        queue.put_back(
            connection, job.id, run_at=now + decision.delay_s, errcode=error.errcode,
            error=error.category, count=decision.counts and decision.what is What.AGAIN,
        )  # fmt: skip
        detail = f"{error.category} {error.errcode or ''}".strip()
        if decision.what is What.PAUSE:
            self._pause(connection, job, error)
        queue.event(connection, [(job.id, "requeued", detail)], now)
        self._count(error.errcode)

    def _pause(self, connection: sqlite3.Connection, job: Job, error: StoreOpsError) -> None:
        self._records.pause(connection, job.plan_id, error.message)
        queue.hold(connection, job.plan_id, True)
        self._report.pauses.setdefault(job.plan_id, error)

    def _doubt(
        self, connection: sqlite3.Connection, outcome: JobOutcome, delay_s: float, why: str
    ) -> None:
        """It may have happened: the rows are unknown until WeCom was asked."""
        job, error, now = outcome.job, outcome.error, self._clock.now()
        queue.make_unknown(
            connection, job.id, run_at=now + delay_s,
            errcode=error.errcode if error else None, error=why,
        )  # fmt: skip
        if job.status != queue.UNKNOWN:
            self._doubtful(connection, job, outcome.call.rows)
        queue.event(connection, [(job.id, "unknown", why)], now)

    def _doubtful(self, connection: sqlite3.Connection, job: Job, rows: Sequence[Row]) -> None:
        self._records.record_results(
            connection, job, [(row, RowResult(row.row, UNKNOWN)) for row in rows], "job"
        )

    def _asked(self, connection: sqlite3.Connection, outcome: JobOutcome) -> None:
        job, error = outcome.job, outcome.error
        if error is not None:
            decision = decide(error, job.reconcile_attempts)
            if decision.what is What.PAUSE:
                self._pause(connection, job, error)
            if decision.what is not What.FINAL:
                wait = max(decision.delay_s, retrying.READ_BACK.after(job.reconcile_attempts))
                if decision.what is What.PAUSE:
                    wait = 60.0
                self._ask_again(connection, outcome, outcome.call.rows, wait, error.category)
                return
            answers = [self._outcome_unknown(row, error) for row in outcome.call.rows]
        else:
            answers = outcome.answer
        assert {each.row for each in answers} == {each.row for each in outcome.call.rows}
        asked_to_stop = queue.stop_asked_of(connection, job.id)
        if asked_to_stop == queue.DROP:
            answers = [
                RowResult(each.row, CANCELLED) if each.status == QUEUED else each
                for each in answers
            ]
        elif retrying.JOB.over(job.attempts):
            answers = [
                self._given_up(each, job.attempts) if each.status == QUEUED else each
                for each in answers
            ]
        again = [each.row for each in answers if each.status == QUEUED]
        still = [each.row for each in answers if each.status == UNKNOWN]
        told = [each for each in answers if each.status not in (QUEUED, UNKNOWN)]
        now = self._clock.now()
        if len(still) == len(answers):
            wait = retrying.READ_BACK.after(job.reconcile_attempts)
            self._ask_again(connection, outcome, outcome.call.rows, wait, "cannot tell yet")
            return
        detail = f"{len(told)} answered, {len(again)} to send, {len(still)} unknown"
        queue.event(connection, [(job.id, "read_back", detail)], now)
        by_row = {row.row: row for row in outcome.call.rows}
        self._records.record_results(
            connection, job, [(by_row[row], RowResult(row, QUEUED)) for row in again], "job"
        )
        if len(again) == len(answers):
            queue.put_back(
                connection,
                job.id,
                run_at=now + retrying.JOB.after(job.attempts),
                errcode=None,
                error="",
            )
            return
        if again:
            self._send_rest(
                connection, outcome, [by_row[row] for row in again], asked_to_stop == queue.HOLD
            )
        if not still:
            self._close(connection, outcome, told, "read_back")
            return
        self._records.record_results(
            connection, job, [(by_row[each.row], each) for each in told], "read_back"
        )
        self._count_results(job, told)
        queue.shrink(connection, job.id, [*again, *(each.row for each in told)])
        wait = retrying.READ_BACK.after(job.reconcile_attempts)
        self._ask_again(connection, outcome, [by_row[row] for row in still], wait, "")

    def _ask_again(
        self,
        connection: sqlite3.Connection,
        outcome: JobOutcome,
        rows: Sequence[Row],
        wait_s: float,
        why: str,
    ) -> None:
        """Rows that WeCom did not tell about: asked again later, but not for ever.

        When the questions of the policy are used up they stay unknown, and the job is held until
        a person resumes the plan: nobody knows what happened, so nothing else may be said.
        """
        job = outcome.job
        if not retrying.READ_BACK.over(job.reconcile_attempts):
            self._doubt(connection, outcome, wait_s, why)
            return
        self._doubt(connection, outcome, 0.0, why)
        queue.hold_unknown(connection, job.id)
        queue.event(
            connection,
            [(job.id, "held", f"asked {job.reconcile_attempts} times")],
            self._clock.now(),
        )
        left = self._left_unknown(job)
        self._records.record_results(
            connection, job, [(row, RowResult(row.row, UNKNOWN, *left)) for row in rows], "job"
        )
        self._report.unasked[job.plan_id] += len(rows)

    def _left_unknown(self, job: Job) -> tuple[None, str, str]:
        """(errcode, meaning, next step) of a row whose fate WeCom does not tell."""
        meaning = ngettext(
            "It was sent without an answer, and WeCom was asked {count} time in vain whether it"
            " happened.",
            "It was sent without an answer, and WeCom was asked {count} times in vain whether it"
            " happened.",
            job.reconcile_attempts,
        ).format(count=job.reconcile_attempts)
        plan = self._records.plan_name(job.plan_id)
        return None, meaning, _("Ask again later: storeops plan resume {plan}").format(plan=plan)

    def _outcome_unknown(self, row: Row, error: StoreOpsError) -> RowResult:
        return RowResult(
            row.row,
            FAILED,
            error.errcode,
            _("It was sent without an answer, and asking about it was refused: {meaning}").format(
                meaning=error.message
            ),
            _("Look at this customer in WeCom before you try again."),
        )

    def _given_up(self, answer: RowResult, tries: int) -> RowResult:
        """A row that did not happen is not sent for ever: the outage is its answer."""
        return RowResult(
            answer.row,
            FAILED,
            None,
            ngettext(
                "Sent {count} time without an answer; WeCom shows that it did not happen.",
                "Sent {count} times without an answer; WeCom shows that it did not happen.",
                tries,
            ).format(count=tries),
            _("Send it again when WeCom answers."),
            retryable=True,
        )

    def _send_rest(
        self, connection: sqlite3.Connection, outcome: JobOutcome, rows: Sequence[Row], held: bool
    ) -> None:
        """Rows of a call that did not happen go on as a job of their own."""
        job = outcome.job
        _rows, params, _refused = self._records.rows(connection, job.plan_id, [rows[0].row])
        call = self._actions[job.action].call(rows, params)
        queue.shrink(connection, job.id, [row.row for row in rows])
        queue.put(
            connection, job.plan_id, job.action, [([row.row for row in rows], call.keys)],
            now=self._clock.now(), priority=job.priority, ambiguous_sends=job.ambiguous_sends,
            attempts=job.attempts, wait_s=retrying.JOB.after(job.attempts), held=held,
        )  # fmt: skip

    def _close(
        self,
        connection: sqlite3.Connection,
        outcome: JobOutcome,
        answers: Sequence[RowResult],
        source: str = "job",
    ) -> None:
        job = outcome.job
        by_row = {row.row: row for row in outcome.call.rows}
        self._records.record_results(
            connection, job, [(by_row[each.row], each) for each in answers], source
        )
        statuses = {each.status for each in answers}
        if WAITING in statuses:
            status = queue.WAITING
        elif statuses == {FAILED}:
            status = queue.FAILED
        elif statuses == {CANCELLED}:
            status = queue.CANCELLED
        else:
            status = queue.SUCCEEDED
        errcode = next((each.errcode for each in answers if each.errcode), None)
        category = outcome.error.category if outcome.error else ""
        now = self._clock.now()
        queue.end(connection, [(job.id, status, errcode, category)], now)
        if status == queue.FAILED:
            queue.event(
                connection, [(job.id, "failed", f"{category} {errcode or ''}".strip())], now
            )
        self._report.jobs += 1
        self._count_results(job, answers)

    def _count_results(self, job: Job, answers: Sequence[RowResult]) -> None:
        for each in answers:
            if each.status in NOT_AS_PLANNED:
                self._report.not_done.add(job.plan_id)
            self._report.rows[each.status] += 1
            self._count(each.errcode)

    def _count(self, errcode: int | None) -> None:
        if errcode:
            self._report.errcodes[errcode] += 1

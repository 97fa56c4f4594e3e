"""Greeting one new customer, now: the event is seconds old, and its code is good for twenty.

A code is good for one greeting, so that asking again after silence, or after a process that died,
cannot greet anybody twice. What WeCom says then (the code is used, the chat has begun) may be
about our own first call or about another app's: such a greeting stays uncertain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from storeops.changes.journal import JournalLine
from storeops.domains.welcome import log, media
from storeops.domains.welcome.people import newcomer
from storeops.domains.welcome.rules import FOLDER, WelcomeRule, chosen
from storeops.errors import LimitError, NetworkError, StoreOpsError
from storeops.i18n import N_, kept
from storeops.wecom import welcome as wire
from storeops.wecom.errcodes import ErrorCondition, condition_of
from storeops.wecom.errors import StoppedError, UncertainError

if TYPE_CHECKING:
    from storeops.events.inbox import Event
    from storeops.events.message import Message
    from storeops.operations.wiring import Wiring

MARGIN_S = 3.0  # our clock may be wrong by so much: WeCom has the last word on what is late
LEFT_S = 10.0  # so long before the end nobody waits for a picture
AGAIN_S = 0.5  # between two tries
HISTORY_S = 3600.0  # what came later than that is a replay, and no customer who waits
DEAD_S = 5.0  # whoever has not ended a greeting by then is taken for dead
LOOK_S = 0.25
_ADDED = {
    ("change_external_contact", "add_external_contact"),
    ("change_external_contact", "add_half_external_contact"),
}


class _Greet:
    """What `Domain.at_once` names."""

    def __call__(self, app: Wiring, event: Event, message: Message) -> None:
        """See `_greet_new`."""
        _greet_new(app, event, message)

    def prepare(self, app: Wiring) -> None:
        """Have the pictures of all rules ready before somebody comes."""
        app.ledger.policy.may_write()
        rules, _wrong = FOLDER.rules()
        media.prepare(app, [each for rule in rules if rule.enabled for each in rule.attachments])


greet = _Greet()


def _greet_new(app: Wiring, event: Event, message: Message) -> None:
    """Greet the customer of an event that has just come in.

    Once for each WelcomeCode, whoever calls it and how often.

    Args:
        app: the profile.
        event: as it was kept.
        message: with the WelcomeCode; an event without one greets nobody.

    Raises:
        StoreOpsError: the rules are not understood, or the database cannot be written.
    """
    code = message.text("WelcomeCode")
    added = (event.event, event.change_type) in _ADDED
    history = event.create_time and event.received_at - event.create_time > HISTORY_S
    if history or not (added and code and event.userid and event.external_userid):
        return
    rules, wrong = FOLDER.rules()
    if rules or wrong is not None:
        _greet(app, event, message, code, rules, wrong)
    if wrong is not None:  # said whenever somebody comes, until it is put right
        raise wrong


def _greet(
    app: Wiring,
    event: Event,
    message: Message,
    code: str,
    rules: Sequence[WelcomeRule],
    wrong: StoreOpsError | None,
) -> None:
    log.record_lost(app.data, app.clock.now())
    app.ledger.policy.may_write()
    happened = float(event.create_time) or event.received_at
    moments = (happened, event.received_at, happened + wire.LIFE_S)
    who = newcomer(app.data, event.userid, message.text("State"))
    rule = chosen(rules, who)
    now = app.clock.now()
    number = log.begin(app.data, code, who, event.external_userid, rule, moments, now)
    if rule is None:
        if number is not None and wrong is not None:  # what is not understood might have fitted
            status = log.NO_RULE if rules else log.FAILED
            log.record_result(app.data, number, status, now, tries=0, note=wrong.to_keep[0])
        return
    until = moments[2] + MARGIN_S
    begun = number is not None
    if number is None:
        number = _left_behind(app, code, until)
    if number is not None:
        lines = _JournalLines(app, who.userid, event.external_userid, rule.name)
        _Sending(
            app, lines, number, code, rule.words(who), rule.attachments, until, not begun
        ).run()


def _left_behind(app: Wiring, code: str, until: float) -> int | None:
    """The greeting of a process that died over it; None when it ends as it should."""
    while app.clock.now() < until:
        number, under_way = log.take_over(app.data, code, app.clock.now(), DEAD_S)
        if number is not None or not under_way:
            return number
        app.clock.sleep(LOOK_S)
    return None


class _JournalLines:
    """The journal's two lines about a greeting: before the first call, and after the last.

    None where nothing is asked of WeCom.
    """

    def __init__(self, app: Wiring, userid: str, customer: str, rule: str) -> None:
        self._app, self._customer, self._userid, self._rule = app, customer, userid, rule
        self._intent = 0

    def begin(self) -> None:
        if not self._intent:
            self._intent = self._write("message.intent", userid=self._userid, rule=self._rule)

    def end(self, status: str, errcode: int | None) -> None:
        if self._intent:
            self._write("message.answer", intent=self._intent, status=status, errcode=errcode)

    def _write(self, kind: str, **payload: Any) -> int:
        line = JournalLine(kind, subject=self._customer, payload={"what": "welcome", **payload})
        return self._app.ledger.journal.write(self._app.data, [line], self._app.clock.now())


class _Sending:
    """The calls for one greeting, as many as it takes until the code ends."""

    def __init__(
        self,
        app: Wiring,
        lines: _JournalLines,
        number: int,
        code: str,
        text: str,
        attachments: Sequence[Mapping[str, Any]],
        until: float,
        silent: bool,
    ) -> None:
        self._app, self._told, self._number, self._code = app, lines, number, code
        self._text, self._attachments, self._until = text, attachments, until
        self._tries = self._uncertain = 0
        self._silent = silent  # a call may have been sent that nobody answered
        self._ready: Sequence[Mapping[str, Any]] = ()
        self._lacking = ""  # what could not be attached, and why
        self._anew = False  # whether files have been uploaded a second time

    def run(self) -> None:
        clock = self._app.clock
        last: StoreOpsError | None = None
        if clock.now() < self._until:
            self._told.begin()
            self._attach()
            if not self._text and not self._ready:
                self._end(log.FAILED, None)
                return
        while clock.now() < self._until:
            self._tries += 1
            try:
                wire.send_welcome(self._app.client, self._code, self._text, self._ready)
            except StoppedError:
                if self._silent:
                    break
                log.let_go(self._app.data, self._number)
                self._told.end("not_sent", None)
                return
            except StoreOpsError as error:
                last = error
                if not self._again(error):
                    break
                clock.sleep(AGAIN_S)
            else:
                self._end(log.SENT, None)
                return
        self._end(self._verdict(last), last)

    def _attach(self) -> None:
        latest = self._until - LEFT_S
        self._ready, self._lacking = media.attached(self._app, self._attachments, latest)

    def _again(self, error: StoreOpsError) -> bool:
        """Whether another call may bring another answer."""
        if isinstance(error, UncertainError):
            self._uncertain += 1
            self._silent = True
            return self._uncertain < 2
        condition = condition_of(error.errcode)
        if condition is ErrorCondition.MEDIA_GONE and not self._anew:
            self._anew = True
            media.forget(self._app.data, self._ready)
            self._attach()
            return bool(self._text or self._ready)
        running = condition is ErrorCondition.WELCOME_RUNNING
        # another app that is greeting may fail yet; a call without a place may find one
        return running or isinstance(error, LimitError | NetworkError)

    def _verdict(self, last: StoreOpsError | None) -> str:
        if self._silent:  # what WeCom says now may be about the call before
            return log.UNCERTAIN
        if last is None:
            return log.LATE
        condition = condition_of(last.errcode)
        if condition is ErrorCondition.WELCOME_OVER:
            return log.LATE
        if condition in (ErrorCondition.WELCOME_DONE, ErrorCondition.WELCOME_RUNNING):
            return log.OTHER
        return log.FAILED

    def _end(self, status: str, last: StoreOpsError | None) -> None:
        note = self._lacking
        if status != log.SENT and not (status == log.FAILED and last is None):
            late = kept(N_("The event came more than 20 seconds late."))
            note = last.to_keep[0] if last else late
        errcode = last.errcode if last else None
        log.record_result(
            self._app.data, self._number, status, self._app.clock.now(), tries=self._tries,
            errcode=errcode, note=note,
        )  # fmt: skip
        self._told.end(status, errcode)

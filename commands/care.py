"""`storeops care`: what to do for which customer, and how it went."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import cells, output
from commands.completing import completion
from commands.context import current
from commands.diagnostics import note
from commands.option_sets import option_sets
from commands.options import DryRun, RuleName, RulePaths, Yes, any_of
from commands.output import Column
from commands.page_options import PageOptions
from commands.question import confirm
from storeops.errors import PartialError, StillRunningError
from storeops.i18n import _, aside, ngettext

if TYPE_CHECKING:
    from storeops.domains.care.sending import CareMessage

app = typer.Typer(help=_("Care: tasks for guides from rules, and how each one ended."))
rule_app = typer.Typer(help=_("Care rules: check files, adopt them, list, retire."))
complaint_app = typer.Typer(help=_("Complaints: open, close, list; while open, guides are asked."))
app.add_typer(rule_app, name="rule")
app.add_typer(complaint_app, name="complaint")

Task = Annotated[int, typer.Argument(metavar="TASK", help=_("Number of the task."))]
Customer = Annotated[
    str, typer.Argument(metavar="CUSTOMER", help=_("external_userid, or words that find one."))
]


def _status(word: str) -> str:
    from storeops.domains.care.tasks import STATUSES

    return _(STATUSES[word])


def _kind(word: str) -> str:
    from storeops.domains.care.rules import ASKED, KINDS

    return _((KINDS | ASKED)[word])


_RULE_COLUMNS = [
    Column("name", _("Rule"), max_width=20),
    Column("kind", _("When"), show=_kind),
    Column("days", _("Days"), right=True),
    Column("articles", _("Articles"), max_width=20),
    Column("where", _("Customers"), max_width=20),
    Column("priority", _("Priority"), right=True),
    Column("text", _("Text"), max_width=40),
]


@rule_app.command("check", help=_("Read rule files and say what they mean; nothing is changed."))
def rule_check(paths: RulePaths) -> None:
    """Check files."""
    from storeops.domains.care import rules

    output.items([each.as_dict() for each in rules.read(paths)], _RULE_COLUMNS)


@rule_app.command("template", help=_("Print the usual rules as a file to change and to adopt."))
def rule_template() -> None:
    """Print the defaults."""
    from storeops.domains.care import rules

    typer.echo(rules.template(), nl=False)


@rule_app.command(
    "use",
    help=_(
        "Adopt care rules, without PATH the usual ones; they make tasks from the next night on."
    ),
)
def rule_use(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH]…", help=_("Rule files, or folders of them.")),
    ] = None,
) -> None:
    """Adopt rules."""
    from storeops.domains.care import rules

    app_ = current().app
    found = rules.read(paths) if paths else rules.default_rules()
    fresh = rules.adopt(app_.data, found, app_.clock.now())
    names = _(", ").join(each.name for each in fresh)
    output.result(
        {"adopted": [each.as_dict() for each in fresh]},
        _("In force now: {names}.").format(names=names) if fresh
        else _("Nothing differs from what is in force."),
    )  # fmt: skip


@rule_app.command("list", help=_("List the care rules in force."))
@option_sets
def rule_list(page: PageOptions = PageOptions(limit=100)) -> None:
    """List rules."""
    from storeops.domains.care import rules

    app_ = current().app
    output.paged(
        [each.as_dict() for each in rules.in_force(app_.data)], _RULE_COLUMNS,
        page=page, as_of=app_.clock.now(),
        empty=_("No rule was adopted yet: storeops care rule use"),
    )  # fmt: skip


@rule_app.command("retire", help=_("Take a care rule out of force; its open tasks stay."))
def rule_retire(
    name: RuleName,
) -> None:
    """Retire a rule."""
    from storeops.domains.care import rules

    rules.retire(current().app.data, name)
    output.result({"name": name}, _("{name} is not in force any more.").format(name=name))


@app.command("plan", help=_("Make the day's tasks and give each guide at most so many of them."))
def plan(
    cap: Annotated[
        int, typer.Option("--cap", metavar="N", min=1, help=_("Tasks of a guide a day."))
    ] = 20,
) -> None:
    """Run the nightly planning."""
    from dataclasses import asdict

    from storeops.domains.care import tasks

    app_ = current().app
    done = tasks.plan_care(app_.data, app_.clock.now(), cap=cap)
    text = _(
        "{day}: tasks made {made}, given to guides {given}, kept for another day {waiting};"
        " moved to another guide {moved}, lapsed {lapsed}, of customers who are gone {gone}."
    )
    output.result(asdict(done), text.format(**asdict(done)))


@app.command("send", help=_("Tell each guide her own tasks of today; each task once a day."))
def send(dry_run: DryRun = False, yes: Yes = False) -> None:
    """Send them, each guide alone, by the app."""
    from storeops.domains.care import sending
    from storeops.domains.notify.log import FAILED, UNCERTAIN

    call = current()
    planned = sending.due(call.app.data, call.app.clock.now())
    if dry_run:
        _show_sent([(each, "") for each in planned])
        return
    reached = {each.userid for each in planned if each.target}
    if reached and not yes:
        question = ngettext(
            "{count} guide is sent her tasks of today now. Go on?",
            "{count} guides are sent their tasks of today now. Go on?",
            len(reached),
        )
        confirm(question.format(count=len(reached)))
    with call.interruptible("storeops notify run") as stop:
        done = sending.send(call.app, stop=stop)
    _show_sent(done)
    ended = [status for _message, status in done]
    nobody = {each.guide for each, status in done if status == sending.UNREACHABLE}
    if nobody:
        names = _(", ").join(sorted(nobody)[:10])
        note(_("The app cannot tell these guides anything: {names}.").format(names=names))
    bad = ended.count(FAILED) + ended.count(UNCERTAIN)
    if bad:
        doubtful = shlex.join([
            "storeops", "notify", "retry",
            *(each.message for each, status in done if status == UNCERTAIN),
        ])  # fmt: skip
        raise PartialError(
            _("Messages that did not arrive: {count}.").format(count=bad),
            hint=_("Ask whether it arrived; if not, send it again: {command}").format(
                command=doubtful
            )
            if UNCERTAIN in ended
            else _("What failed goes again with: {command}").format(command="storeops care send"),
            next_steps=["storeops notify log --status failed --status uncertain",
                        "storeops care send"],
        )  # fmt: skip
    left = sending.left(call.app.data, call.app.clock.now())
    if left:
        raise StillRunningError(
            ngettext(
                "{count} guide's message waits still.", "{count} guides' messages wait still.", left
            ).format(count=left),
            hint=_("Go on: {command}").format(command="storeops care send"),
            next_steps=["storeops care send"],
        )


def _show_sent(rows: Sequence[tuple[CareMessage, str]]) -> None:
    """The messages with how each one ended; "" before anything is sent."""
    from storeops.domains.care.sending import UNREACHABLE
    from storeops.domains.notify.log import WORDS

    def word(status: str) -> str:
        return _(WORDS[status]) if status in WORDS else _("nobody to tell")

    sent = any(status for _message, status in rows)
    if rows and not (sent or current().settings.machine):
        for each, _status in rows:
            output.heading(aside(each.guide, each.target or word("")))
            for line in each.text.split("\n"):
                output.line(line)
        return
    output.items(
        [
            {"userid": each.userid, "guide": each.guide, "to": each.target,
             "tasks": list(each.tasks), "message": each.message, "text": each.text,
             "status": status or (None if each.target else UNREACHABLE)}
            for each, status in rows
        ],
        [
            Column("guide", _("Guide"), max_width=14),
            Column("tasks", _("Tasks"), right=True, show=lambda ids: str(len(ids))),
            Column("status", _("Status"), show=word),
        ],
        as_of=current().app.clock.now(),
        empty=_("Nobody is to be told anything now; `storeops care plan` makes the day's tasks."),
    )  # fmt: skip


def _row(task: dict[str, Any]) -> dict[str, Any]:
    times = ("due_at", "created_at", "ended_at")
    return {key: cells.iso(value) if key in times else value for key, value in task.items()}


_COLUMNS = [
    Column("id", _("Task"), right=True),
    Column("guide", _("Guide"), max_width=14),
    Column("due_at", _("Due"), show=cells.day),
    Column("customer", _("Customer"), max_width=14),
    Column("text", _("What"), max_width=48),
    Column("reason", _("Rule"), max_width=14),
]


@app.command("list", help=_("Today's tasks by guide; with --all-days those that wait, too."))
@option_sets
def list_(
    userid: Annotated[
        str,
        typer.Option(
            "--userid",
            metavar="USERID",
            autocompletion=completion("owner"),
            help=_("Only this guide's."),
        ),
    ] = "",
    status: Annotated[
        list[str] | None,
        typer.Option("--status", metavar="STATUS", help=_("open, done, skipped, lapsed or gone.")),
    ] = None,
    all_days: Annotated[
        bool, typer.Option("--all-days", help=_("Also open tasks for another day."))
    ] = False,
    rule: Annotated[
        str,
        typer.Option(
            "--rule", metavar="RULE", help=_("Only of this rule, or of a recall: 'recall 1'.")
        ),
    ] = "",
    page: PageOptions = PageOptions(limit=100),
) -> None:
    """List tasks."""
    from storeops.domains.care import tasks

    app_ = current().app
    now = app_.clock.now()
    if rule:
        tasks.must_know_reason(app_.data, rule)
    rows = [
        row
        for each in any_of(status, tasks.STATUSES) or ("open",)
        for row in tasks.list_tasks(app_.data, now, userid=userid, status=each, all_days=all_days,
                                    reason=rule)
    ]  # fmt: skip
    output.paged(
        map(_row, rows), _COLUMNS, page=page, as_of=now,
        empty=_("No task for today; `storeops care plan` makes them."),
    )  # fmt: skip


@app.command("show", help=_("Show one task with the facts that made it."))
def show(task: Task) -> None:
    """Show one task."""
    from storeops.domains.care import matters, serving, tasks

    app_ = current().app
    found = tasks.show_task(app_.data, task)
    key = matters.customer_key(app_.data, found["external_userid"])
    found["serve"] = serving.how_to_serve(app_.data, key, app_.clock.now())
    output.item(
        _row(found),
        [
            Column("text", _("What")),
            Column("customer", _("Customer")),
            Column("external_userid", "external_userid"),
            Column("guide", _("Guide")),
            Column("userid", "userid"),
            Column("kind", _("When"), show=_kind),
            Column("reason", _("Rule")),
            Column("subject", _("Because of")),
            Column("due_at", _("Due"), show=cells.day),
            Column("status", _("Status"), show=_status),
            Column("ended_at", _("Ended"), show=cells.when),
            Column("ended_by", _("By")),
            Column("note", _("Note")),
        ],
    )
    settings = current().settings
    if found["serve"] and not (settings.machine or settings.fields):
        output.line("")
        output.heading(_("How to serve"))
        for name, text in found["serve"]:
            output.line("  " + _("{name}: {text}").format(name=name, text=text))


@app.command("done", help=_("Say that a task is done, and how it went."))
def done(
    task: Task,
    text: Annotated[str, typer.Option("--note", metavar="TEXT", help=_("How it went."))] = "",
) -> None:
    """End a task as done."""
    _end(task, "done", text, _("Task {number} is done."))


@app.command("skip", help=_("Skip a task, and say why."))
def skip(
    task: Task,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help=_("Why."))] = "",
) -> None:
    """End a task as skipped."""
    _end(task, "skipped", reason, _("Task {number} is skipped."))


def _end(task: int, status: str, text: str, sentence: str) -> None:
    from storeops.domains.care import tasks

    app_ = current().app
    found = tasks.end_task(app_.data, task, status, app_.ledger.who, app_.clock.now(), text)
    output.result(_row(found), sentence.format(number=task))


@app.command("snooze", help=_("Put a task off."))
def snooze(
    task: Task,
    until: Annotated[
        str, typer.Argument(metavar="TIME", help=_("For so long (3d), or to a day (2026-05-31)."))
    ],
) -> None:
    """Put a task off."""
    from storeops.domains.care import tasks
    from storeops.durations import seconds
    from storeops.errors import UsageError
    from storeops.reading import filter_dates

    app_ = current().app
    now = app_.clock.now()
    if until[:4].isdecimal() and len(until) > 6:
        due_at = filter_dates.read_span(until, now, "TIME")[0]
    else:
        due_at = int(now) + seconds(until)
    if due_at <= now:
        raise UsageError(_("“{value}” is over already.").format(value=until[:40]))
    found = tasks.snooze(app_.data, task, due_at, app_.ledger.who, now)
    output.result(
        _row(found),
        _("Task {number} waits until {day}.").format(number=task, day=cells.day(due_at)),
    )


@app.command("report", help=_("How tasks ended, by guide."))
def report(
    since: Annotated[
        str, typer.Option("--since", metavar="DATE", help=_("Ended since: 2026-05, 7d, month."))
    ] = "30d",
    until: Annotated[
        str, typer.Option("--until", metavar="DATE", help=_("Ended until the end of: 2026-05."))
    ] = "today",
) -> None:
    """Report by guide."""
    from storeops.domains.care import tasks
    from storeops.reading import filter_dates

    app_ = current().app
    now = app_.clock.now()
    rows = tasks.report(
        app_.data, filter_dates.read_span(since, now, "--since")[0],
        filter_dates.read_span(until, now, "--until")[1],
    )  # fmt: skip
    output.items(
        rows,
        [
            Column("userid", _("Guide"), max_width=16),
            Column("name", _("Name"), max_width=16),
            Column("open", _("Open"), right=True),
            Column("done", _("Done"), right=True),
            Column("skipped", _("Skipped"), right=True),
            Column("lapsed", _("Lapsed"), right=True),
            Column("gone", _("Customer gone"), right=True),
            Column("done_share", _("Done of ended"), right=True,
                   show=lambda value: f"{value:.0%}"),
        ],
        as_of=now,
        empty=_("No task yet."),
    )  # fmt: skip
    if not rows:
        note(_("Adopt rules first: storeops care rule use"))


# -- complaints, quiet, birthdays -----------------------------------------------------------------


def _customer(who: str) -> str:
    from storeops.reading.customers import find_customer

    app_ = current().app
    return find_customer(app_.data, who, app_.clock.now())[1]


def _matter(row: dict[str, Any]) -> dict[str, Any]:
    times = ("opened_at", "until", "closed_at")
    return {key: cells.iso(value) if key in times else value
            for key, value in row.items() if key != "customer_id"}  # fmt: skip


@complaint_app.command("open", help=_("Note a complaint; its guide is asked until it is closed."))
def complaint_open(
    who: Customer,
    text: Annotated[str, typer.Argument(metavar="TEXT", help=_("What it is about."))],
) -> None:
    """Open a complaint."""
    from storeops.domains.care import matters

    app_ = current().app
    found = matters.open_matter(
        app_.data, _customer(who), matters.COMPLAINT, text, app_.ledger.who, app_.clock.now()
    )
    said = _("Complaint {number} of {customer} is open.")
    output.result(
        _matter(found), said.format(number=found["id"], customer=found["customer"] or who)
    )


@complaint_app.command("close", help=_("Say how a complaint was settled; its task is done then."))
def complaint_close(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help=_("As the list has it."))],
    result: Annotated[
        str, typer.Option("--result", metavar="TEXT", help=_("How it was settled."))
    ] = "",
) -> None:
    """Close a complaint."""
    from storeops.domains.care import matters

    app_ = current().app
    found = matters.close_matter(
        app_.data, number, matters.COMPLAINT, result, app_.ledger.who, app_.clock.now()
    )
    output.result(_matter(found), _("Complaint {number} is closed.").format(number=number))


@complaint_app.command("list", help=_("List open complaints, or closed ones."))
@option_sets
def complaint_list(
    closed: Annotated[bool, typer.Option("--closed", help=_("Those that are settled."))] = False,
    page: PageOptions = PageOptions(limit=100),
) -> None:
    """List complaints."""
    from storeops.domains.care import matters

    app_ = current().app
    now = app_.clock.now()
    rows = matters.list_matters(app_.data, now, kind=matters.COMPLAINT, closed=closed)
    output.paged(
        map(_matter, rows),
        [
            Column("id", _("Number"), right=True),
            Column("opened_at", _("Began"), show=cells.day),
            Column("customer", _("Customer"), max_width=14),
            Column("text", _("What"), max_width=40),
            Column("opened_by", _("By"), max_width=14),
            *([Column("result", _("Result"), max_width=30)] if closed else []),
        ],
        page=page, as_of=now,
        empty=_("No complaint was closed.") if closed else _("No complaint is open."),
    )  # fmt: skip


@app.command("quiet", help=_("Ask nothing of a customer who wants peace; --over ends it."))
def quiet(
    who: Customer,
    until: Annotated[
        str, typer.Option("--until", metavar="DATE", help=_("The last day; else until --over."))
    ] = "",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help=_("Why."))] = "",
    over: Annotated[bool, typer.Option("--over", help=_("They may be asked again."))] = False,
) -> None:
    """Leave a customer in peace."""
    from storeops.domains.care import matters
    from storeops.errors import NotFoundError, UsageError
    from storeops.reading import filter_dates

    app_ = current().app
    db, now, by = app_.data, app_.clock.now(), app_.ledger.who
    if over:
        key = matters.customer_key(db, _customer(who))
        rows = matters.list_matters(db, now, kind=matters.QUIET, customer=key)
        if not rows:
            raise NotFoundError(_("This customer has not asked for quiet."))
        found = matters.close_matter(db, rows[0]["id"], matters.QUIET, reason, by, now)
        output.result(_matter(found), _("{customer} may be asked again.").format(
            customer=found["customer"] or who))  # fmt: skip
        return
    end = filter_dates.read_span(until, now, "--until")[1] if until else None
    if end is not None and end <= now:
        raise UsageError(_("“{value}” is over already.").format(value=until[:40]))
    found = matters.open_matter(db, _customer(who), matters.QUIET, reason, by, now, until=end)
    output.result(_matter(found), _("{customer} is left in peace.").format(
        customer=found["customer"] or who))  # fmt: skip


@app.command("birthday", help=_("Note a customer's birthday, day and month; --forget drops it."))
def birthday(
    who: Customer,
    day: Annotated[
        str, typer.Argument(metavar="[DAY]", help=_("05-01; the year is not kept."))
    ] = "",
    forget: Annotated[bool, typer.Option("--forget", help=_("Keep it no more."))] = False,
) -> None:
    """Note a birthday."""
    from storeops.domains.care import birthdays
    from storeops.domains.orders import values
    from storeops.errors import UsageError

    app_ = current().app
    who = _customer(who)
    found = "" if forget else values.birthday(day)
    if found is None or (not found and not forget):
        raise UsageError(_("“{value}” is no day.").format(value=day[:40]),
                         hint=_("Write it as 05-01."))  # fmt: skip
    birthdays.note_birthday(app_.data, who, found, app_.ledger.who, app_.clock.now())
    text = _("Birthday on {day}.").format(day=found) if found else _("Not kept any more.")
    output.result({"external_userid": who, "birthday": found or None}, text)

"""`storeops schedule`: tasks at their hours – what cron calls, and how each one ended."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import cells, output
from commands.completing import completion
from commands.context import apart, current
from commands.diagnostics import note
from commands.option_sets import option_sets
from commands.options import Yes
from commands.output import Column
from commands.page_options import PageOptions
from commands.question import confirm
from commands.staying import ending, stays
from storeops.durations import span
from storeops.errors import PartialError, StoreOpsError, UsageError
from storeops.i18n import _, labelled, ngettext

if TYPE_CHECKING:
    from storeops.domains.schedule.runs import TaskRun
    from storeops.domains.schedule.tasks import Task

app = typer.Typer(help=_("Tasks at their hours: add, run what is due, see how they ended."))

Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help=_("Name of a task."), autocompletion=completion("task")),
]
Names = Annotated[
    list[str],
    typer.Argument(metavar="NAME…", help=_("Names of tasks."), autocompletion=completion("task")),
]
_MOMENTS = ("next_run_at", "last_run_at", "due_at", "started_at", "finished_at")


def _times(value: dict[str, Any]) -> dict[str, Any]:
    """Moments as programs read them; a moment counts from its whole second."""
    return {key: cells.iso(each) if key in _MOMENTS else each for key, each in value.items()}


# -- tasks ----------------------------------------------------------------------------------------


@app.command("add", help=_("Add a task: its name, its hours, and behind -- its command."))
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help=_("What the task is called."))],
    words: Annotated[
        list[str],
        typer.Argument(metavar="-- WORDS…", help=_("The command, without the word storeops.")),
    ],
    cron: Annotated[
        str,
        typer.Option(
            "--cron",
            metavar="EXPRESSION",
            help=_("Minute, hour, day, month, weekday: “30 2 * * *”."),
        ),
    ],
    calendar: Annotated[
        str,
        typer.Option(
            "--calendar", metavar="DAYS", help=_("every, workdays or holidays, as China has them.")
        ),
    ] = "every",
    jitter: Annotated[
        str,
        typer.Option("--jitter", metavar="TIME", help=_("Start up to so much later, like 10m.")),
    ] = "",
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="TIME", help=_("End it after so long, like 2h."))
    ] = "1h",
    retries: Annotated[
        int,
        typer.Option(
            "--retries", metavar="N", min=0, max=20,
            help=_("Try again so often what ended with 7, 8, 69 or was killed."),
        ),
    ] = 3,
    catch_up: Annotated[
        bool,
        typer.Option(
            "--catch-up/--no-catch-up", help=_("Make up for a moment slept through, once.")
        ),
    ] = True,
    folder: Annotated[
        str,
        typer.Option("--folder", metavar="PATH", help=_("Where it runs; else the present folder.")),
    ] = "",
    paused: Annotated[bool, typer.Option("--paused", help=_("Add it, but let it wait."))] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help=_("Take the place of the task of that name."))
    ] = False,
) -> None:  # fmt: skip
    """Times are China's, or those of the setting time_zone."""
    from storeops.domains.schedule import tasks
    from storeops.domains.schedule.tasks import Task
    from storeops.durations import seconds

    words = words[1:] if words[:1] == ["storeops"] else words
    tasks.must_be_fit(name, words)
    must_be_typable(words)
    app_ = current().app
    timeout_s = seconds(timeout)
    if timeout_s < 1:
        raise UsageError(
            _("--timeout: a task needs at least a second."), hint=_("Like 30m, or 6h.")
        )
    task = tasks.add(
        app_.data,
        Task(
            name=name, cron=cron, calendar=calendar, words=tuple(words),
            folder=_folder(folder), enabled=not paused,
            jitter_s=seconds(jitter) if jitter else 0, timeout_s=timeout_s, retries=retries,
            catch_up=catch_up,
        ),
        app_.clock.now(),
        replace_it=replace,
    )  # fmt: skip
    _note_estimated([task])
    output.result(
        _times(task.as_dict(app_.clock.now())),
        _("{name} is paused.").format(name=task.name)
        if paused
        else _("{name} runs next at {time}: {command}").format(
            name=task.name, time=cells.when(task.next_at), command=task.command
        ),
    )
    _note_installed()


def must_be_typable(words: Sequence[str]) -> None:
    """Refuse a command that this version does not have, or that a task cannot be.

    Args:
        words: behind `storeops`.

    Raises:
        UsageError: what is wrong with it.
    """
    from commands import tree
    from commands.diagnostics import usage_error
    from commands.main import GROUPS, nouns

    tree.Root.nouns, tree.Root.groups = nouns(), GROUPS
    if words[0].startswith("-"):
        raise UsageError(
            _("The command begins with {word} instead of a noun.").format(word=words[0]),
            hint=_(
                "Options stand behind the words; the profile of a task is the one it is added to."
            ),
        )
    for each in words:
        if each in ("--profile", "-p") or each.startswith("--profile="):
            raise UsageError(
                _("A task runs with the profile it is added to."),
                hint=_("Leave --profile out of its command."),
            )
    command: Any = tree.Root(name="storeops", rich_markup_mode=None)
    word, rest = "storeops", list(words)
    parent: Any = None
    with apart():
        try:
            while hasattr(command, "get_command") and rest and not rest[0].startswith("-"):
                parent = typer.Context(command, info_name=word, parent=parent)
                inner = command.get_command(parent, rest[0])
                if inner is None:
                    raise command.unknown(parent, rest[0])
                word, command = rest.pop(0), inner
            ends = ending(command)
            if ends == "":
                raise _no_task(words)
            made = command.make_context(word, list(rest), parent=parent)
            made.close()
            if ends and not made.params.get(ends):
                raise _no_task(words, _("Add --{flag}: then it does.").format(flag=ends))
        except StoreOpsError:
            raise
        except typer.Exit:
            pass  # a page of help
        except typer.TyperException as error:
            raise usage_error(error) from None


def _no_task(words: Sequence[str], way_out: str = "") -> UsageError:
    """What it needs, or when it ends, is beyond a task."""
    hint = _("A task works without a terminal and ends by itself.")
    return UsageError(
        _("`storeops {words}` cannot be a task.").format(words=" ".join(words[:2])),
        hint=f"{hint} {way_out}".rstrip(),
    )


def _folder(given: str) -> str:
    """Where the task runs: the whole path of a folder that is there.

    Raises:
        UsageError: it is none.
    """
    from pathlib import Path

    path = Path(given or ".").expanduser().absolute()
    if not path.is_dir():
        raise UsageError(
            _("--folder: {path} is no folder.").format(path=path),
            hint=_("Make it first, or name another."),
        )
    return str(path)


def _note_installed() -> None:
    """Say once what is missing: something that calls run-due."""
    from storeops.domains.schedule.install import installed

    if not current().settings.quiet and not installed(current().app.profile.name):
        note(_("Something must call run-due: storeops schedule install"))


def _note_estimated(found: Sequence[Task]) -> None:
    if any(task.estimated and task.enabled for task in found):
        names = _(", ").join(task.name for task in found if task.estimated and task.enabled)
        note(
            _(
                "The days off of that year are not announced yet; the next moment of {names} is"
                " estimated."
            ).format(names=names)
        )


def _soon(moment: str) -> str:
    """A moment of these months: 05-01 09:30, for hours matter here and years do not."""
    return cells.when(moment)[5:]


@app.command("list", help=_("List tasks: next and last run, how it ended, what was missed."))
@option_sets
def list_(page: PageOptions = PageOptions(limit=500)) -> None:
    """By name."""
    from storeops.domains.schedule import tasks

    app_ = current().app
    now = app_.clock.now()
    found = tasks.every(app_.data)
    output.paged(
        (_times(task.as_dict(now)) for task in found),
        [
            Column("name", _("Task"), max_width=20),
            Column("cron", _("At"), max_width=16),
            Column("enabled", _("On")),
            Column("next_run_at", _("Next"), show=_soon),
            Column("last_run_at", _("Last"), show=_soon),
            Column("last_exit_code", _("Code"), right=True),
            Column("last_duration_s", _("Took"), show=span, right=True),
            Column("missed", _("Missed"), right=True, show=lambda each: str(each) if each else ""),
            Column("command", _("Command"), max_width=60),
        ],
        page=page,
        empty=_("There are no tasks; `storeops schedule defaults` proposes some."),
    )
    _note_estimated(found)


@app.command("show", help=_("Show one task: its next moments, its last run and what it printed."))
def show(
    name: Name,
    run: Annotated[
        int | None,
        typer.Option("--run", metavar="RUN", min=1, help=_("This run, by its number in history.")),
    ] = None,
    output_only: Annotated[
        bool, typer.Option("--output", help=_("Only what the run printed."))
    ] = False,
) -> None:
    """With the next five moments."""
    from itertools import islice

    from storeops.domains.schedule import cron, runs, tasks
    from storeops.domains.schedule.process import read_output

    app_ = current().app
    now = app_.clock.now()
    task = tasks.get(app_.data, name)
    if output_only or run is not None:
        last: TaskRun | None = runs.run_of(app_.data, task.name, run)
    else:
        last = next(iter(runs.history(app_.data, task.name, limit=1)), None)
    printed = read_output(app_.profile.name, task.name, last.id) if last else ""
    if output_only:
        assert last is not None
        output.result({"name": task.name, "run": last.id, "output": printed}, printed.rstrip())
        return
    following = list(islice(cron.moments(task.cron, task.calendar, now), 5))
    value = _times(task.as_dict(now)) | {
        "calendar": task.calendar,
        "jitter_s": task.jitter_s,
        "timeout_s": task.timeout_s,
        "retries": task.retries,
        "catch_up": task.catch_up,
        "folder": task.folder,
        "estimated": task.estimated,
        "next": [cells.iso(each.at + task.delay_s) for each in following],
        "run": _times(last.as_dict()) if last else None,
        "output": printed,
    }
    output.item(
        value,
        [
            Column("name", _("Task")),
            Column("command", _("Command")),
            Column("cron", _("At")),
            Column("calendar", _("Which days"), show=calendar_word),
            Column("enabled", _("On")),
            Column("next", _("Next"), show=lambda each: _(", ").join(map(cells.when, each))),
            Column("jitter_s", _("Later by up to"), show=lambda each: span(each) if each else ""),
            Column("timeout_s", _("Ended after"), show=span),
            Column("retries", _("Tried again")),
            Column("catch_up", _("Made up for")),
            Column("folder", _("Folder")),
            Column("missed", _("Missed")),
            Column("run", _("Last run"), show=_run_text),
        ],
    )
    if not current().settings.machine and printed:
        output.line("")
        for line in printed.rstrip().splitlines()[-40:]:
            output.line("  " + line)
    _note_estimated([task])


def calendar_word(name: str) -> str:
    """A calendar, in words."""
    return {
        "every": _("every day"),
        "workdays": _("workdays in China"),
        "holidays": _("days off in China"),
    }.get(name, name)


def _run_text(run: Any) -> str:
    from storeops.domains.schedule.runs import STATUSES

    parts = [f"{run['run']}:", cells.when(run["started_at"]), _(STATUSES[run["status"]])]
    if run["exit_code"] is not None:
        parts.append(_("exit code {code}").format(code=run["exit_code"]))
    if run["duration_s"] is not None:
        parts.append(span(run["duration_s"]))
    return " ".join(parts)


@app.command("remove", help=_("Forget a task; its history stays."))
def remove(name: Name, yes: Yes = False) -> None:
    """What its runs printed goes."""
    from storeops.domains.schedule import process, tasks

    app_ = current().app
    task = tasks.get(app_.data, name)
    if not yes:
        confirm(_("Remove the task {name}?").format(name=task.name))
    tasks.remove(app_.data, task.name)
    process.forget(app_.profile.name, task.name)
    output.result(
        {"name": task.name, "removed": True}, _("{name} is removed.").format(name=task.name)
    )


@app.command("pause", help=_("Let tasks wait until they are resumed."))
def pause(names: Names) -> None:
    """What runs ends as usual."""
    _enable(names, enabled=False)


@app.command("resume", help=_("Let paused tasks go on; what passed meanwhile is not made up for."))
def resume(names: Names) -> None:
    """From the next moment on."""
    _enable(names, enabled=True)


def _enable(names: list[str], *, enabled: bool) -> None:
    from storeops.domains.schedule import tasks

    app_ = current().app
    now = app_.clock.now()
    changed = tasks.enable(app_.data, names, now, enabled=enabled)
    text = "\n".join(
        _("{name} runs next at {time}.").format(name=task.name, time=cells.when(task.next_at))
        if enabled
        else _("{name} is paused.").format(name=task.name)
        for task in changed
    )
    output.result({"items": [_times(task.as_dict(now)) for task in changed]}, text)


# -- runs -----------------------------------------------------------------------------------------


@app.command(
    "run-due", help=_("Run what is due and wait for it; what cron calls, as often as it likes.")
)
@stays()
def run_due() -> None:
    """One at a time works; ends with 6 when a task did not end well."""
    from storeops.domains.schedule.due import run_due as work
    from storeops.domains.schedule.runs import REASONS

    call = current()
    with call.interruptible("storeops schedule run-due") as stop:
        found = work(call.app, stop, _note_begin)
        value = found.as_dict()
        for part in ("ran", "skipped"):
            value[part] = [_times(each) for each in value[part]]
        lines = [labelled(each.task, _run_end(each)) for each in found.ran]
        lines += [labelled(each.name, _(REASONS[each.reason])) for each in found.skipped]
        # with nothing due, a table says nothing: cron sends no mail
        if call.settings.machine or not call.settings.quiet or found.failed:
            output.result(value, "\n".join(lines))
    if found.failed:
        names = _(", ").join(dict.fromkeys(each.task for each in found.failed))
        raise PartialError(
            ngettext("{count} run failed: {names}.", "{count} runs failed: {names}.",
                     len(found.failed)).format(count=len(found.failed), names=names),
            hint=_("What each printed is kept."),
            next_steps=[f"storeops schedule show {shlex.quote(found.failed[0].task)} --output"],
        )  # fmt: skip


def _note_begin(run: TaskRun) -> None:
    if not current().settings.machine:
        note(_("{name} begins.").format(name=run.task))


def _run_end(run: TaskRun) -> str:
    from storeops.domains.schedule.runs import STATUSES

    how = _(STATUSES[run.status])
    if run.exit_code is not None:
        how = _(", ").join((how, _("exit code {code}").format(code=run.exit_code)))
    return _(", ").join((how, span(run.duration_s))) if run.duration_s is not None else how


@app.command("run", help=_("Run a task now, whatever its hours; ends with its exit code."))
@stays()
def run(name: Name) -> None:
    """Its hours stay as they are."""
    from storeops.domains.schedule.due import run_by_hand
    from storeops.domains.schedule.process import read_output

    call = current()
    with call.interruptible("") as stop:
        done = run_by_hand(call.app, name, stop)
    printed = read_output(call.app.profile.name, done.task, done.id)
    output.result(
        {**_times(done.as_dict()), "output": printed},
        "\n".join(filter(None, (printed.rstrip(), labelled(done.task, _run_end(done))))),
    )
    code = done.exit_code if done.exit_code is not None else 1
    if code:
        raise typer.Exit(code if code > 0 else 128 - code)


@app.command("history", help=_("List past runs, newest first."))
@option_sets
def history(
    name: Annotated[
        str,
        typer.Argument(
            metavar="[NAME]", help=_("Only of this task."), autocompletion=completion("task")
        ),
    ] = "",
    page: PageOptions = PageOptions(limit=50),
) -> None:
    """Also of tasks that were removed."""
    from storeops.domains.schedule import runs
    from storeops.domains.schedule.runs import STATUSES

    found = runs.history(
        current().app.data,
        name,
        before=page.before,
        limit=page.wanted,
    )
    output.newest(
        found,
        lambda each: _times(each.as_dict()),
        lambda each: each.id,
        [
            Column("run", _("Run"), right=True),
            Column("name", _("Task"), max_width=24),
            Column("due_at", _("Due"), show=cells.when),
            Column("started_at", _("Began"), show=cells.when),
            Column("duration_s", _("Took"), show=span, right=True),
            Column("status", _("How"), show=lambda value: _(STATUSES[value])),
            Column("exit_code", _("Code"), right=True),
            Column("attempt", _("Try"), right=True),
            Column("missed", _("Missed"), right=True, show=lambda each: str(each) if each else ""),
        ],
        page=page,
        empty=_("Nothing has run yet."),
    )


# -- the machine ----------------------------------------------------------------------------------


@app.command("install", help=_("Print, or write, what calls run-due: crontab, systemd, Windows."))
def install(
    crontab: Annotated[bool, typer.Option("--crontab", help=_("A line of the crontab."))] = False,
    systemd: Annotated[
        bool, typer.Option("--systemd", help=_("A timer and a service of this account."))
    ] = False,
    windows: Annotated[bool, typer.Option("--windows", help=_("A task of Windows."))] = False,
    every: Annotated[
        str, typer.Option("--every", metavar="TIME", help=_("How often, 1m to 30m."))
    ] = "5m",
    write: Annotated[bool, typer.Option("--write", help=_("Install it on this machine."))] = False,
) -> None:
    """What was installed before for the profile is replaced."""
    from storeops.domains.schedule import install as machine
    from storeops.durations import seconds

    chosen = [
        kind
        for kind, wanted in zip(machine.KINDS, (crontab, systemd, windows), strict=True)
        if wanted
    ]
    if len(chosen) > 1:
        raise UsageError(_("Choose one of --crontab, --systemd and --windows."))
    minutes, rest = divmod(seconds(every), 60)
    if rest or not 1 <= minutes <= 30 or 60 % minutes:
        raise UsageError(
            _("--every: {text} does not go into an hour.").format(text=every),
            hint=_("Take 1m, 2m, 5m, 10m, 15m, 20m or 30m."),
        )
    made = machine.entry(
        chosen[0] if chosen else machine.usual_kind(), current().app.profile.name, minutes
    )
    where = machine.write(made) if write else ""
    output.result(
        {"kind": made.kind, "text": made.text, "written": write, "where": where},
        _("Installed: {where}").format(where=where) if write else made.text,
    )
    if not write:
        note(_("--write installs it; without it nothing was changed."))


@app.command("defaults", help=_("Propose a night: sync, answers, jobs, events, backup and more."))
def defaults(
    add_them: Annotated[
        bool, typer.Option("--add", help=_("Add those that are not there yet."))
    ] = False,
) -> None:
    """Domains that are installed bring theirs."""
    from storeops.domains.schedule import proposals

    app_ = current().app
    found = proposals.proposals(app_.data)
    added = proposals.add_missing(app_.data, app_.clock.now()) if add_them else []
    names = {task.name for task in added}
    output.items(
        [
            {
                "name": each.spec.name,
                "cron": each.spec.cron,
                "command": each.task.command,
                "title": _(each.spec.title),
                "domain": each.domain,
                "there": each.there or each.spec.name in names,
            }
            for each in found
        ],
        [
            Column("name", _("Task")),
            Column("cron", _("At")),
            Column("there", _("There")),
            Column("title", _("What for"), max_width=44),
            Column("command", _("Command"), max_width=60),
        ],
    )
    if add_them:
        note(
            ngettext("{count} task was added.", "{count} tasks were added.", len(added)).format(
                count=len(added)
            )
        )
        _note_installed()
    elif not all(each.there for each in found):
        note(_("Add them: storeops schedule defaults --add"))

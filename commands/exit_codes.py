"""`storeops exit-codes`: what the exit codes mean, for scripts and cron."""

from __future__ import annotations

import typer

from commands import output
from commands.output import Column
from storeops.errors import ExitCode
from storeops.i18n import N_, _

app = typer.Typer(help=_("What the exit codes mean."))

MEANINGS: dict[ExitCode, str] = {
    ExitCode.OK: N_("done"),
    ExitCode.BUG: N_("a bug in storeops; the log has the details"),
    ExitCode.USAGE: N_("the words of the command are wrong; nothing was done"),
    ExitCode.CONFIG: N_("profile, secret, file or disk: missing, malformed or full"),
    ExitCode.ACCESS: N_("WeCom refuses: secret, permission, visible scope or IP"),
    ExitCode.NOT_FOUND: N_("what was asked for does not exist"),
    ExitCode.PARTIAL: N_("part is done, part is not; the answer says which"),
    ExitCode.LIMIT: N_("a limit is reached; the same command works later"),
    ExitCode.NETWORK: N_("no answer from WeCom, or one that cannot be read"),
    ExitCode.CONFLICT: N_("the plan is stale, or somebody else is at it"),
    ExitCode.CHANGES: N_("there are changes (only with --detailed-exitcode)"),
    ExitCode.POLICY: N_("read-only mode or the profile's policy forbids it"),
    ExitCode.STILL_RUNNING: N_("the time to wait is over; the work goes on"),
    ExitCode.INTERRUPTED: N_("interrupted by Ctrl-C, or no to a question; what was done is kept"),
    ExitCode.TERMINATED: N_("ended by a signal (SIGTERM); what was done is kept"),
}


@app.command("exit-codes", help=_("List the exit codes and their meanings."))
def exit_codes() -> None:
    """Print the table."""
    output.items(
        [{"code": int(code), "meaning": _(text)} for code, text in MEANINGS.items()],
        [Column("code", _("Code"), right=True), Column("meaning", _("Meaning"))],
    )

"""`storeops doctor`: check the set-up, and say for each failure what to change and where."""

from __future__ import annotations

import locale
import os
import platform
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from commands import output, table
from commands.context import current
from storeops import __version__, i18n, paths
from storeops.errors import StoreOpsError
from storeops.i18n import N_, _
from storeops.plain import pad, plain, wrap

if TYPE_CHECKING:
    from storeops.operations.doctor import Finding

app = typer.Typer(help=_("Check the set-up and say what to change where."))

SIGNS = {
    "ok": N_("ok"),
    "warning": N_("warning"),
    "failed": N_("FAILED"),
    "skipped": N_("skipped"),
}


@app.command(
    "doctor",
    help=_("Check files, secret, clock, terminal and every permission, by one harmless read each."),
)
def doctor(
    offline: Annotated[
        bool, typer.Option("--offline", help=_("Leave out what needs the network."))
    ] = False,
) -> None:
    """Exit code 0 when nothing failed, else that of the first failure."""
    findings: list[Finding] = []
    machine = current().settings.machine
    for finding in _findings(offline):
        findings.append(finding)
        if not machine:
            _print(finding)
    failed = [each for each in findings if each.status == "failed"]
    if machine:
        output.result(
            {
                "ok": not failed,
                "findings": [each.as_dict() for each in findings],
                "log": str(paths.log_file()),
            }
        )
    else:
        output.line("")
        output.line(_("Log: {path}").format(path=paths.log_file()))
        output.line(
            _("Everything is in order.")
            if not failed
            else _("{count} of {total} checks failed.").format(
                count=len(failed), total=len(findings)
            )
        )
    if failed:
        raise typer.Exit(failed[0].exit_code or 3)


def _findings(offline: bool) -> Iterator[Finding]:
    from storeops.operations import doctor as checks

    yield _versions()
    yield _terminal()
    yield _language()
    try:
        app_ = current().app
    except StoreOpsError as error:
        yield checks.Finding(
            "profile",
            _("profile"),
            "failed",
            error.message,
            error.hint,
            exit_code=int(error.exit_code),
        )
        return
    profile = app_.profile
    yield checks.Finding(
        "profile", _("profile"), "ok", f"{profile.name} ({profile.corp_id}, {profile.base_url})"
    )
    yield from checks.check_files(profile.name)
    yield checks.check_database(app_)
    yield from checks.check_receiver(app_)
    yield _disk(profile.name)
    yield from checks.check_domains(app_)
    if profile.head_office:
        detail = _("a back office has none: head office reads WeCom, and sends")
        yield checks.Finding("secret", _("secret is kept"), "skipped", detail)
        return
    secret = checks.check_secret(profile.name)
    yield secret
    if offline or secret.status == "failed":
        return
    if app_.standing is not None and not app_.standing.leads:
        detail = _("this host stands by: the one that leads asks WeCom")
        yield checks.Finding("address", _("address"), "skipped", detail)
        return
    try:
        from storeops.limits.memory import MemoryTokenStore

        # a token kept from before would say nothing about the secret of today
        client = app_.make_client(MemoryTokenStore(app_.clock))
    except StoreOpsError as error:
        yield checks.Finding(
            "address", _("address"), "failed", error.message, error.hint, exit_code=3
        )
        return
    with client:
        answered = False
        for finding in checks.probe_permissions(client):
            # a refusal is an answer too, and carries WeCom's time
            answered = answered or finding.status == "ok" or finding.errcode is not None
            yield finding
    yield checks.check_clock(app_, answered=answered)


def _print(finding: Finding) -> None:
    sign = _(SIGNS[finding.status])
    head = pad(sign, 8)
    if finding.status in ("failed", "warning"):
        head = table.bold(head)
    line = _("{title}: {detail}").format(title=plain(finding.title), detail=plain(finding.detail))
    output.write(f"{head} {line}\n")
    if finding.fix:
        width = max(40, min(100, shutil.get_terminal_size((80, 24)).columns)) - 11
        lines = wrap(plain(finding.fix), width)
        output.write(f"         → {lines[0]}\n")
        for line in lines[1:]:
            output.write(f"           {line}\n")
    sys.stdout.flush()


def _versions() -> Finding:
    from storeops.database.check import has_fts5
    from storeops.operations.doctor import Finding

    text = f"storeops {__version__}, Python {platform.python_version()}, SQLite "
    text += f"{sqlite3.sqlite_version}, {platform.system()}"
    if has_fts5():
        return Finding("versions", _("versions"), "ok", text)
    advice = _("This SQLite has no FTS5; use a Python built with it.")
    return Finding("versions", _("versions"), "failed", text, advice, exit_code=3)


def _terminal() -> Finding:
    from storeops.operations.doctor import Finding

    size = shutil.get_terminal_size((80, 24))
    encoding = (sys.stdout.encoding or "").lower()
    text = f"{os.environ.get('TERM') or '-'}, {size.columns}×{size.lines}, {encoding or '-'}"
    if encoding.replace("-", "") not in ("utf8", "utf8sig"):
        return Finding(
            "terminal",
            _("terminal"),
            "warning",
            text,
            _("Use a UTF-8 terminal, or set PYTHONUTF8=1; else Chinese names cannot be shown."),
        )
    if size.columns < 80 or size.lines < 24:
        return Finding(
            "terminal", _("terminal"), "warning", text, _("The screens want at least 80×24.")
        )
    return Finding("terminal", _("terminal"), "ok", text)


def _language() -> Finding:
    from storeops.operations.doctor import Finding

    try:
        wanted = locale.setlocale(locale.LC_CTYPE, "")
    except locale.Error:
        wanted = os.environ.get("LC_ALL") or os.environ.get("LANG") or "-"
    return Finding(
        "locale",
        _("language"),
        "ok",
        _("speaking {language}; locale {locale}").format(language=i18n.language(), locale=wanted),
    )


def _disk(profile: str) -> Finding:
    from commands.db import size_text
    from storeops.operations.doctor import Finding, why_nothing_can_be_written

    refused = why_nothing_can_be_written(paths.profile_dir(profile))
    if refused is not None:
        return Finding(
            "disk", _("disk"), "failed", refused.message, refused.hint,
            exit_code=int(refused.exit_code),
        )  # fmt: skip
    free = shutil.disk_usage(paths.profile_dir(profile)).free
    text = _("{size} free").format(size=size_text(free))
    if free < 500_000_000:
        return Finding(
            "disk", _("disk"), "warning", text, _("A first sync of a large chain needs 1 GB.")
        )
    return Finding("disk", _("disk"), "ok", text)

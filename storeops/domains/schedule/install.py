"""What calls run-due: a line of the crontab, a timer of systemd, a task of Windows.

Each calls this Python with this home and profile, by absolute paths: cron knows no PATH of ours.
Every entry ends with a mark of its profile, by which the next `install --write` finds and replaces
it; what others have written stays as it is.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from storeops.errors import ConfigError
from storeops.i18n import _
from storeops.os_errors import explain_os
from storeops.private_file import scratch

KINDS = ("crontab", "systemd", "windows")
MOST_WAIT_S = 20.0  # for a program of the system


@dataclass(frozen=True, slots=True)
class MachineEntry:
    """What is to be installed.

    Attributes:
        kind: one of `KINDS`.
        text: what is printed: the line, both units, or the command.
        files: path → content, of systemd.
        mark: by which it is found again.
    """

    kind: str
    text: str
    files: dict[Path, str]
    mark: str


def usual_kind() -> str:
    """What this machine most likely has."""
    if os.name == "nt":
        return "windows"
    return "crontab" if shutil.which("crontab") or not shutil.which("systemctl") else "systemd"


def command(profile: str) -> list[str]:
    """What they call."""
    begin = [sys.executable, "-P", "-m", "storeops"]
    return [*begin, "--profile", profile, "schedule", "run-due", "--quiet"]


def entry(kind: str, profile: str, every_min: int) -> MachineEntry:
    """What `install` prints for a kind.

    Args:
        kind: one of `KINDS`.
        profile: whose tasks.
        every_min: how often run-due is called, minutes.
    """
    home = os.environ.get("STOREOPS_HOME", "")
    if home:
        home = str(Path(home).expanduser().absolute())
    mark = f"# storeops: tasks of {profile}"
    if kind == "crontab":
        line = shlex.join(command(profile))
        if home:
            line = f"STOREOPS_HOME={shlex.quote(home)} {line}"
        line = line.replace("%", r"\%")  # cron makes a new line of a bare one
        when = "* * * * *" if every_min == 1 else f"*/{every_min} * * * *"
        return MachineEntry(kind, f"{when} {line} {mark}", {}, mark)
    if kind == "systemd":
        return _systemd(profile, every_min, home, mark)
    words = subprocess.list2cmdline(command(profile))
    if home:
        words = f'cmd /c "set STOREOPS_HOME={home}&& {words}"'
    create = subprocess.list2cmdline(
        ["schtasks", "/Create", "/F", "/SC", "MINUTE", "/MO", str(every_min),
         "/TN", f"storeops\\{profile}", "/TR", words]
    )  # fmt: skip
    return MachineEntry(kind, create, {}, f"storeops\\{profile}")


def _systemd(profile: str, every_min: int, home: str, mark: str) -> MachineEntry:
    folder = Path("~/.config/systemd/user").expanduser()
    name = f"storeops-{profile}"
    call = " ".join(_systemd_word(each) for each in command(profile))
    environment = f"Environment={_systemd_word(f'STOREOPS_HOME={home}')}\n" if home else ""
    service = (
        f"{mark}\n[Unit]\nDescription=storeops: tasks of {profile}\n\n"
        f"[Service]\nType=oneshot\n{environment}ExecStart={call}\n"
        "TimeoutStopSec=30\n"
    )
    timer = (
        f"{mark}\n[Unit]\nDescription=storeops: tasks of {profile}\n\n"
        f"[Timer]\nOnCalendar=*:0/{every_min}\nPersistent=true\nAccuracySec=1s\n\n"
        "[Install]\nWantedBy=timers.target\n"
    )
    files = {folder / f"{name}.service": service, folder / f"{name}.timer": timer}
    text = "\n".join(f"# {path}\n{content}" for path, content in files.items())
    return MachineEntry(
        "systemd", text + f"\n# systemctl --user enable --now {name}.timer", files, mark
    )


def _systemd_word(text: str) -> str:
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{text}"' if re.search(r"[\s\"'\\]", text) else text


def write(made: MachineEntry) -> str:
    """Install it; returns where it stands now.

    Raises:
        ConfigError: this machine does not let us.
    """
    if made.kind == "crontab":
        present = _crontab()
        kept = [line for line in present.splitlines() if not line.rstrip().endswith(made.mark)]
        _run(["crontab", "-"], "\n".join([*kept, made.text]) + "\n")
        return _("the crontab of this account")
    if made.kind == "windows":
        if os.name != "nt":
            raise ConfigError(
                _("This machine is not Windows."),
                hint=_("Leave --write out and type what is printed there."),
            )
        _run(made.text)
        return made.mark
    for path, content in made.files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with scratch(path) as part:  # a unit cut by a full disk would be loaded as it is
                part.file.write(content.encode())
                part.put()
        except OSError as error:
            raise explain_os(error, path) or error from error
    _run(["systemctl", "--user", "daemon-reload"])
    _run(["systemctl", "--user", "enable", "--now", f"{list(made.files)[1].name}"])
    return str(list(made.files)[1])


def installed(profile: str) -> str:
    """Which kind calls run-due for a profile on this machine, as far as can be seen; "" none."""
    timer = Path(f"~/.config/systemd/user/storeops-{profile}.timer").expanduser()
    if os.name == "nt":
        found = _ask(["schtasks", "/Query", "/TN", f"storeops\\{profile}"])
        return "windows" if found is not None else ""
    if shutil.which("crontab"):
        mark = f"# storeops: tasks of {profile}"
        lines = (_ask(["crontab", "-l"]) or "").splitlines()
        if any(each.rstrip().endswith(mark) and not each.startswith("#") for each in lines):
            return "crontab"
    return "systemd" if timer.is_file() else ""


def _crontab() -> str:
    """The crontab as it is; "" when there is none yet.

    Raises:
        ConfigError: it cannot be read: it must not be written then.
    """
    if not shutil.which("crontab"):
        raise ConfigError(
            _("This machine has no crontab."),
            hint=_("Take --systemd or --windows, or let anything else call run-due."),
            next_steps=["storeops schedule install --systemd"],
        )
    done = _call(["crontab", "-l"])
    if done.returncode and "no crontab" not in done.stderr:
        raise _refused("crontab -l", done.stderr)
    return done.stdout if not done.returncode else ""


def _call(words: Sequence[str] | str, given: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            words, input=given, capture_output=True, text=True, timeout=MOST_WAIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        name = words if isinstance(words, str) else " ".join(words)
        raise _refused(name, str(error)) from None


def _run(words: Sequence[str] | str, given: str = "") -> None:
    done = _call(words, given)
    if done.returncode:
        raise _refused(words if isinstance(words, str) else " ".join(words), done.stderr)


def _ask(words: Sequence[str]) -> str | None:
    """What a program says, None when it fails."""
    try:
        done = _call(words)
    except ConfigError:
        return None
    return None if done.returncode else done.stdout


def _refused(name: str, why: str) -> ConfigError:
    return ConfigError(
        _("{command} failed: {why}").format(command=name, why=why.strip() or _("no reason given")),
        hint=_("Leave --write out and install what is printed by hand."),
    )

"""What hands used to gh, kubectl and GAM type: reading verbs are understood, others answered.

A word that a noun has itself always means that; habits are looked up for words it has not.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from storeops.i18n import N_, _

# verbs that only read: the first of these that a noun has is meant
READING = {
    "get": ("show", "list"),
    "ls": ("list",),
    "view": ("show", "list"),
    "describe": ("show", "list"),
    "info": ("show", "list"),
    "print": ("list",),
    "find": ("search", "list"),
    "query": ("search", "list"),
}
# verbs that change: never guessed, only named
CHANGING = {
    "delete": ("remove", "clear", "cancel"),
    "remove": ("delete", "clear", "cancel"),
    "rm": ("remove", "delete", "clear", "cancel"),
    "create": ("plan", "save", "add", "new"),
    "new": ("plan", "save", "add"),
    "make": ("plan", "save", "add"),
    "edit": ("plan", "set", "rename", "save"),
    "update": ("plan", "set", "import"),
    "set": ("plan", "save", "add"),
    "add": ("plan", "save", "import"),
    "run": ("apply", "up", "serve"),
    "start": ("up", "run", "resume", "receive"),
    "stop": ("down", "pause", "cancel"),
    "revert": ("undo",),
    "rollback": ("undo", "restore"),
    "history": ("timeline", "list"),
    "log": ("timeline", "history", "list"),
    "logs": ("timeline", "history", "list"),
    "status": ("show", "list"),
}
NOUNS = {
    "user": "staff", "users": "staff", "member": "staff", "members": "staff", "guide": "staff",
    "guides": "staff", "employee": "staff", "employees": "staff", "people": "staff",
    "contact": "customer", "contacts": "customer", "client": "customer", "clients": "customer",
    "customers": "customer", "shop": "store", "shops": "store", "stores": "store",
    "label": "tag", "labels": "tag", "tags": "tag", "chat": "group", "chats": "group",
    "groups": "group", "plans": "plan", "jobs": "job", "queue": "job", "marks": "mark",
    "views": "view", "event": "events", "callback": "events", "remarks": "remark",
    "transfer": "handover", "transfers": "handover", "handovers": "handover",
    "leavers": "leaver", "resigned": "leaver", "profiles": "profile", "journal": "audit",
    "ui": "tui", "plugins": "plugin", "domains": "plugin", "settings": "config",
    "database": "db", "exitcodes": "exit-codes", "sandboxes": "sandbox",
    "客户": "customer", "员工": "staff", "成员": "staff", "导购": "staff", "门店": "store",
    "标签": "tag", "群": "group", "客户群": "group", "计划": "plan", "任务": "job",
    "备注": "remark", "移交": "handover", "继承": "handover", "离职": "leaver",
    "同步": "sync", "状态": "status", "日志": "audit", "沙箱": "sandbox", "帮助": "help",
    "统计": "stats", "标记": "mark", "视图": "view", "配置": "config", "界面": "tui",
}  # fmt: skip
# what belongs to no noun: the line to type instead
LINES = {
    "login": "storeops profile add", "auth": "storeops profile add",
    "signin": "storeops profile add", "init": "storeops profile add",
    "setup": "storeops profile add", "configure": "storeops profile add",
    "logout": "storeops profile remove NAME", "whoami": "storeops profile list",
    "context": "storeops profile list", "contexts": "storeops profile list",
    "switch": "storeops profile use NAME", "logs": "storeops audit list",
    "log": "storeops audit list", "history": "storeops audit list",
    "apply": "storeops plan apply last", "undo": "storeops plan undo last",
    "pull": "storeops sync run", "fetch": "storeops sync run", "refresh": "storeops sync run",
    "export": "storeops customer export FILE", "count": "storeops stats",
    "backup": "storeops db backup", "restore": "storeops db restore FILE",
    "check": "storeops doctor", "health": "storeops doctor", "diagnose": "storeops doctor",
    "run": "storeops job run --until-empty", "worker": "storeops job run --until-empty",
    "top": "storeops status", "try": "storeops demo", "start": "storeops demo",
    "explain": "storeops schema", "api-resources": "storeops schema",
    "man": "storeops help", "docs": "storeops help", "upgrade": "storeops version",
}  # fmt: skip
# options of other tools: what to write here
OPTIONS = {
    "--jq": N_("Pipe it: `… --json | jq '.items[].name'`."),
    "--jsonpath": N_("Pipe it: `… --json | jq '.items[].name'`."),
    "--yaml": N_("--json has the same."),
    "--xlsx": N_("`storeops customer export FILE.xlsx` writes a workbook."),
    "--filter": N_("A filter stands behind --where; `storeops help filter` explains it."),
    "--query": N_("A filter stands behind --where; `storeops help filter` explains it."),
    "--selector": N_("A filter stands behind --where; `storeops help filter` explains it."),
    "-l": N_("A filter stands behind --where; `storeops help filter` explains it."),
    "--search": N_("`storeops customer search TEXT` searches."),
    "-L": N_("-n says how many rows."),
    "--columns": N_("--fields chooses fields."),
    "--sort-by": N_("--sort newest, oldest or name."),
    "--order": N_("--sort newest, oldest or name."),
    "--no-headers": N_("--no-header leaves the heading line out."),
    "--dry-run": N_("Planning changes nothing: only `storeops plan apply` sends."),
    "--force": N_("--yes does it without asking, where a command asks."),
    "--show-phone": N_("--reveal shows phone numbers in full, where a command has it."),
    "--phone": N_("--reveal shows phone numbers in full, where a command has it."),
    "--unmask": N_("--reveal shows phone numbers in full, where a command has it."),
    "--debug": N_("-v shows more."),
    "--context": N_("--profile chooses the company."),
    "-A": N_("--all shows every row."),
    "--watch": N_("`storeops handover watch` waits for answers."),
}


def verb(word: str, verbs: Collection[str], rest: Sequence[str]) -> str:
    """The verb of a noun that a reading word of another tool means; "" when it means none.

    Args:
        word: as typed.
        verbs: those of the noun.
        rest: the words behind; one that is no option names a thing.
    """
    meant = READING.get(word, ())
    if word in ("get", "view", "describe", "info") and not any(
        not each.startswith("-") for each in rest[:1]
    ):
        meant = tuple(reversed(meant))  # nothing is named: all of them
    return next((each for each in meant if each in verbs), "")


def other_verb(word: str, verbs: Collection[str]) -> str:
    """The verb to offer for a word of another tool; "" for none."""
    return next((each for each in CHANGING.get(word, ()) if each in verbs), "")


def turned(words: Sequence[str], nouns: Collection[str]) -> list[str]:
    """A command line in the order noun, verb, where it was typed as kubectl's: `get customer 小`.

    Args:
        words: the command line.
        nouns: those there are.

    Returns:
        The words in our order; as they came when the first is a noun, or nothing is understood.
    """
    line = list(words)
    if len(line) > 1 and line[0] not in nouns and (line[0] in READING or line[0] in _FIRST):
        meant = line[1] if line[1] in nouns else NOUNS.get(line[1], "")
        if meant:
            return [meant, line[0], *line[2:]]
        if line[0] in ("find", "search"):
            return ["customer", "search", *line[1:]]
    if line and line[0] not in nouns and NOUNS.get(line[0]) in nouns:
        return [NOUNS[line[0]], *line[1:]]
    return line


_FIRST = ("list", "show", "search")


def option_hint(name: str) -> str:
    """What to write instead of an option of another tool; "" for none."""
    text = OPTIONS.get(name)
    return _(text) if text else ""

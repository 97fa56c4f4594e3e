"""A profile and its files are one company's, whichever door a change comes through."""

import io
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from storeops import config, paths, secrets

OURS, THEIRS = "ww0123456789abcdef", "wwfedcba9876543210"


@pytest.fixture
def stdin(monkeypatch):
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


@pytest.fixture
def main(cli, stdin):
    """The profile `main` of our company, with a data.db."""
    stdin("our-secret\n")
    assert cli("profile", "add", "main", "--corp-id", OURS, "--secret-stdin").code == 0
    assert cli("view", "list").code == 0
    assert paths.data_db("main").exists()
    return "main"


def test_another_company_is_not_put_over_the_data_of_one(cli, main, stdin):
    stdin("their-secret\n")
    answer = cli("profile", "add", "main", "--corp-id", THEIRS, "--secret-stdin")
    assert answer.code == 9
    assert OURS in answer.err
    assert THEIRS in answer.err
    assert config.load().profiles["main"].corp_id == OURS
    assert secrets.get("main").reveal() == "our-secret"


def test_a_setting_does_not_do_it_either(cli, main):
    answer = cli("config", "set", "profiles.main.corp_id", THEIRS)
    assert answer.code == 9
    assert config.load().profiles["main"].corp_id == OURS
    assert cli("config", "set", "profiles.main.sandbox", "true").code == 2
    assert cli("config", "set", "profiles.main.base_url", "https://proxy.example.com").code == 0


def test_a_hand_that_edits_the_file_is_found_out(cli, main):
    file = paths.config_file()
    file.write_text(file.read_text().replace(OURS, THEIRS))
    for words in (["view", "list"], ["customer", "list"], ["audit", "verify"]):
        answer = cli(*words)
        assert answer.code == 3, words
        assert OURS in answer.err
        assert THEIRS in answer.err
    file.write_text(file.read_text().replace(THEIRS, OURS))
    assert cli("view", "list").code == 0


def test_a_database_of_another_profile_is_found_out(cli, main, stdin):
    stdin("their-secret\n")
    assert cli("profile", "add", "b", "--corp-id", THEIRS, "--secret-stdin").code == 0
    assert cli("view", "list", "--profile", "b").code == 0
    with (
        closing(sqlite3.connect(paths.data_db("main"))) as ours,
        closing(sqlite3.connect(paths.data_db("b"))) as theirs,
    ):
        theirs.backup(ours)
    assert cli("view", "list").code == 3


@pytest.mark.parametrize("folder", ["a#b", "a?b", "a%23b"])
def test_whose_the_files_are_is_read_in_any_folder(cli, home, stdin, monkeypatch, folder):
    monkeypatch.setenv("STOREOPS_HOME", str(home / folder))
    stdin("our-secret\n")
    assert cli("profile", "add", "main", "--corp-id", OURS, "--secret-stdin").code == 0
    assert cli("view", "list").code == 0
    assert cli("profile", "remove", "main").code == 0
    stdin("their-secret\n")
    answer = cli("profile", "add", "main", "--corp-id", THEIRS, "--secret-stdin")
    assert answer.code == 9
    assert OURS in answer.err


def test_the_address_of_a_rehearsal_is_not_kept_for_a_real_secret(cli, home, stdin):
    config.save_profile(
        config.Profile("main", THEIRS, 1000002, "http://127.0.0.1:9", sandbox=True, store="S1")
    )
    secrets.save("main", "sandbox-secret")
    stdin("real-secret\n")
    refused = cli("profile", "add", "main", "--secret-stdin")
    assert refused.code == 9
    assert "127.0.0.1" in refused.err
    stdin("real-secret\n")
    assert cli("profile", "add", "main", "--corp-id", OURS, "--secret-stdin").code == 0
    now = config.load().profiles["main"]
    assert (now.base_url, now.sandbox, now.agent_id, now.store) == (config.WECOM_URL, False, 0, "")
    assert secrets.get("main").reveal() == "real-secret"


def test_a_new_company_does_not_inherit_a_secret(cli, home, stdin):
    config.save_profile(config.Profile("main", THEIRS, 1000002))
    secrets.save("main", "their-secret")
    secrets.save_callback("main", "token", "k" * 43)
    answer = cli("profile", "add", "main", "--corp-id", OURS)
    assert answer.code == 3
    assert "--secret-stdin" in answer.err
    assert config.load().profiles["main"].corp_id == THEIRS
    stdin("our-secret\n")
    assert cli("profile", "add", "main", "--corp-id", OURS, "--secret-stdin").code == 0
    assert secrets.find("main", secrets.CALLBACK_TOKEN) is None


def test_another_app_needs_its_own_secret(cli, main, stdin):
    assert cli("profile", "add", "main", "--agent-id", "1000002").code == 0  # it had none
    answer = cli("profile", "add", "main", "--agent-id", "1000003")
    assert answer.code == 3
    stdin("other-secret\n")
    answer = cli("profile", "add", "main", "--agent-id", "1000003", "--secret-stdin")
    assert answer.code == 0
    assert "other customers" in answer.err


@pytest.mark.parametrize("text", ["ww1", "mycompany", "1000002", "ww0123456789abcdef0", "wx ab"])
def test_what_cannot_be_a_corpid_is_refused(cli, home, stdin, text):
    stdin("secret\n")
    answer = cli("profile", "add", "main", "--corp-id", text, "--secret-stdin")
    assert answer.code == 2
    assert not paths.config_file().exists()


@pytest.mark.parametrize("name", ["a.b", "a_b", "A-B"])
def test_profiles_that_would_share_a_variable_are_refused(cli, home, stdin, monkeypatch, name):
    stdin("secret\n")
    assert cli("profile", "add", "a-b", "--corp-id", OURS, "--secret-stdin").code == 0
    stdin("secret\n")
    answer = cli("profile", "add", name, "--corp-id", THEIRS, "--secret-stdin")
    assert answer.code == 9
    assert "STOREOPS_SECRET_A_B" in answer.err
    config.save_profile(config.Profile(name, THEIRS))  # by hand, or by an older version
    monkeypatch.setenv("STOREOPS_SECRET_A_B", "whose")
    answer = cli("api", "get", "department/list", "--profile", "a-b")
    assert answer.code == 3
    assert name in answer.err
    assert "whose" not in answer.err


def test_a_sandbox_is_not_put_over_a_company(cli, main):
    answer = cli("sandbox", "up", "--detach", "--profile", "main", "--stores", "1", "--json")
    assert answer.code == 9
    assert cli("sandbox", "status").code != 0, "none was left running"


# --- config.toml and secrets.toml in any condition ------------------------------------------

DAMAGE = {
    "nested": b"x = " + b"[" * 5000 + b"]" * 5000,
    "tables": b"x = " + b"{a=" * 5000 + b"1" + b"}" * 5000,
    "digits": b"stale_after = " + b"9" * 5000,
    "not utf-8": 'language = "中"'.encode("gb18030"),
    "utf-16": 'language = "en"'.encode("utf-16"),
    "duplicate": b'language = "en"\nlanguage = "en"\n',
    "twice a table": b'[profiles.a]\ncorp_id = "wwx"\n[profiles.a]\n',
    "nul": b'language = "e\0n"\n',
    "type": b"language = 5\n",
    "profiles": b"profiles = 5\n",
    "profile": b"[profiles]\nmain = 5\n",
    "list": b"[[profiles.main]]\ncorp_id = 5\n",
    "date": b"[profiles.main]\ncorp_id = 2026-01-01\n",
    "large": b"# " + b"x" * 1_100_000,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_config_is_one_sentence(cli, home, damage):
    file = paths.config_file()
    file.parent.mkdir(parents=True)
    file.write_bytes(DAMAGE[damage])
    for words in (["config", "list"], ["status"], ["profile", "use", "x"]):
        answer = cli(*words)
        assert answer.code == 3, (words, answer.err)
        assert "config.toml" in answer.err
        assert "Traceback" not in answer.err
    assert file.read_bytes() == DAMAGE[damage]


def test_a_folder_in_the_place_of_a_file(cli, home, stdin):
    paths.config_file().mkdir(parents=True)
    assert cli("config", "list").code == 3
    paths.config_file().rmdir()
    paths.config_dir().chmod(0o700)
    paths.secrets_file().mkdir(mode=0o700)
    stdin("secret\n")
    assert cli("profile", "add", "main", "--corp-id", OURS, "--secret-stdin").code == 3


def test_a_byte_order_mark_is_no_damage(cli, main):
    for file in (paths.config_file(), paths.secrets_file()):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert cli("profile", "show", "--json").json["corp_id"] == OURS
    assert secrets.get("main").reveal() == "our-secret"


@pytest.mark.parametrize("damage", ["nested", "digits", "not utf-8", "duplicate", "nul"])
def test_damaged_secrets_are_one_sentence(cli, main, damage):
    paths.secrets_file().write_bytes(DAMAGE[damage])
    answer = cli("api", "get", "department/list")
    assert answer.code == 3
    assert "secrets.toml" in answer.err
    assert "Traceback" not in answer.err


# --- taking files away ------------------------------------------------------------------------


HOLD = """
import sys
from storeops.app import App
app = App.open("main")
getattr(app, sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("what", ["data", "run", "inbox"])
def test_files_that_another_process_works_with_are_not_deleted(cli, main, what):
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, what], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert other.stdout.readline() == b"open\n"
        answer = cli("profile", "remove", "main", "--data", "--yes")
        assert answer.code == 9
        assert paths.data_db("main").exists()
        assert config.load().profiles["main"]
        assert secrets.get("main")
    finally:
        other.communicate(timeout=20)
    assert cli("profile", "remove", "main", "--data", "--yes").code == 0
    assert not paths.profile_path("main").exists()


def test_backups_outlive_their_profile(cli, main, stdin):
    made = cli("db", "backup", "--json").json["path"]
    answer = cli("profile", "remove", "main", "--data", "--yes")
    assert answer.code == 0
    assert str(paths.backups_path("main")) in answer.err
    (kept,) = [each for each in paths.profile_path("main").rglob("*") if each.is_file()]
    assert kept.name == Path(made).name
    stdin("their-secret\n")
    assert cli("profile", "add", "main", "--corp-id", THEIRS, "--secret-stdin").code == 0
    assert cli("view", "list").code == 0, "an empty database that nobody lost"

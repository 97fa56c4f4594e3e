"""Profiles and settings: written whole, private, explained; secrets are never seen."""

from __future__ import annotations

import io
import stat
from pathlib import Path
from typing import Any

import pytest

OTHER = "ww0123456789abcdeb"


def give(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


@pytest.fixture
def main(cli: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    give(monkeypatch, "top-secret\n")
    answer = cli("profile", "add", "main", "--corp-id", "ww0123456789abcdef", "--secret-stdin")
    assert answer.code == 0
    assert "top-secret" not in answer.out + answer.err
    return answer


def test_add_list_show_use_remove(cli: Any, main: Any, monkeypatch: Any, home: Path) -> None:
    give(monkeypatch, "other\n")
    assert (
        cli(
            "profile",
            "add",
            "b",
            "--corp-id",
            OTHER,
            "--store",
            "SH-1",
            "--secret-stdin",
        ).code
        == 0
    )
    rows = cli("profile", "list", "--json").json["items"]
    assert [(row["name"], row["default"]) for row in rows] == [("main", True), ("b", False)]
    assert cli("profile", "use", "b").code == 0
    assert cli("profile", "show", "--json").json["store"] == "SH-1"
    assert cli("profile", "remove", "b").code == 0
    assert [row["name"] for row in cli("profile", "list", "--json").json["items"]] == ["main"]
    assert "other" not in (home / "config" / "secrets.toml").read_text()


def test_files_are_private(main: Any, home: Path) -> None:
    for name in ("config.toml", "secrets.toml"):
        path = home / "config" / name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "config").stat().st_mode) == 0o700
    assert "top-secret" not in (home / "config" / "config.toml").read_text()


def test_show_never_shows_the_secret(cli: Any, main: Any) -> None:
    for words in (["profile", "show"], ["profile", "show", "--json"], ["profile", "list", "--csv"]):
        answer = cli(*words)
        assert "top-secret" not in answer.out + answer.err
        assert "secrets.toml" in answer.out


def test_a_readable_secret_is_refused(cli: Any, main: Any, home: Path) -> None:
    (home / "config" / "secrets.toml").chmod(0o644)
    answer = cli("api", "get", "department/list")
    assert answer.code == 3
    assert "chmod 600" in answer.err


def test_environment_beats_the_file(cli: Any, main: Any, monkeypatch: Any) -> None:
    from storeops import secrets

    monkeypatch.setenv("STOREOPS_SECRET_MAIN", "from-env")
    assert secrets.get("main").reveal() == "from-env"
    assert secrets.variable("my-shop.2") == "STOREOPS_SECRET_MY_SHOP_2"
    assert "from-env" not in repr(secrets.get("main")) + str(secrets.get("main"))


def test_without_a_person_a_secret_must_be_given(cli: Any, home: Path, monkeypatch: Any) -> None:
    give(monkeypatch, "")
    answer = cli("profile", "add", "main", "--corp-id", OTHER)
    assert answer.code == 3
    assert "--secret-stdin" in answer.err
    assert not (home / "config" / "config.toml").exists()


@pytest.mark.parametrize("secret", ["", "two words", "esc\x1b"])
def test_a_bad_secret_saves_nothing(cli: Any, home: Path, monkeypatch: Any, secret: str) -> None:
    give(monkeypatch, secret + "\n")
    answer = cli("profile", "add", "main", "--corp-id", OTHER, "--secret-stdin")
    assert answer.code == 2
    assert not (home / "config" / "config.toml").exists()


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "x" * 65, "a..b"])
def test_a_bad_name_is_refused(cli: Any, home: Path, name: str) -> None:
    assert cli("profile", "add", name, "--corp-id", OTHER).code == 2
    assert not home.exists()


def test_an_unknown_profile_names_the_nearest(cli: Any, main: Any) -> None:
    answer = cli("--profile", "mian", "profile", "show")
    assert answer.code == 5
    assert "Did you mean main?" in answer.err


def test_no_profile_points_at_the_demo(cli: Any) -> None:
    answer = cli("sync", "status")
    assert answer.code == 3
    assert "storeops demo" in answer.err


def test_remove_data_asks_for_the_name(cli: Any, main: Any, home: Path) -> None:
    data = home / "data" / "main"
    data.mkdir(parents=True, exist_ok=True)
    (data / "data.db").write_bytes(b"")
    assert cli("profile", "remove", "main", "--data").code == 2
    assert data.exists()
    assert cli("profile", "remove", "main", "--data", "--yes").code == 0
    assert not data.exists()


@pytest.mark.parametrize(
    ("key", "value", "code", "text"),
    [
        ("language", "zh_CN", 0, "language = zh_CN"),
        ("language", "fr", 2, "expected en or zh_CN"),
        ("stale_after", "36h", 0, "stale_after = 36h"),
        ("stale_after", "soon", 2, "a duration like 24h"),
        ("profile", "nobody", 5, "There is no profile named nobody."),
        ("profiles.main.read_only", "true", 0, "= true"),
        ("profiles.main.read_only", "yes", 2, "expected true or false"),
        ("profiles.main.allow", "tag,remark", 0, "= tag,remark"),
        ("profiles.main.base_url", "http://example.com", 2, "https://"),
        ("profiles.main.base_url", "http://127.0.0.1:8080", 0, "8080"),
        ("profiles.main.limits.in_flight", "0", 2, "above 0"),
        ("profiles.main.limits.per_minute", "500", 0, "= 500"),
        ("profiles.main.limits.timeout_s", "35", 0, "= 35"),
        ("profiles.main.limits.timeout_s", "0", 2, "from 1 to 35"),
        ("profiles.main.limits.timeout_s", "36", 2, "from 1 to 35"),
        ("profiles.main.colour", "x", 5, "There is no setting"),
    ],
)
def test_config_set(
    cli: Any, main: Any, home: Path, key: str, value: str, code: int, text: str
) -> None:
    before = (home / "config" / "config.toml").read_text()
    answer = cli("config", "set", key, value)
    assert answer.code == code
    assert text in answer.out + answer.err
    after = (home / "config" / "config.toml").read_text()
    assert (after == before) is (code != 0)
    if code == 0:
        assert cli("config", "get", key).out.strip() == value
        assert cli("config", "set", key, "").code == 0
        assert (home / "config" / "config.toml").read_text() == before


def test_config_list_marks_what_is_set(cli: Any, main: Any) -> None:
    rows = {row["key"]: row for row in cli("config", "list", "--json").json["items"]}
    assert rows["profile"] == {"key": "profile", "value": "main", "set": True}
    assert rows["stale_after"] == {"key": "stale_after", "value": "24h", "set": False}


def test_a_crash_while_writing_keeps_the_old_file(
    main: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storeops import config
    from storeops.errors import ConfigError

    before = (home / "config" / "config.toml").read_text()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ConfigError):
        config.save_profile(config.Profile("c", "wwc"))
    assert (home / "config" / "config.toml").read_text() == before
    assert {path.name for path in (home / "config").iterdir()} <= {
        "config.toml",
        "config.toml.lock",
        "secrets.toml",
        "secrets.toml.lock",
    }

"""Other people's SDKs from the package registry, unmodified, against the sandbox.

They live in an interpreter of their own, so that nothing of theirs is in our lock:

    python3 -m venv /somewhere/sdks
    /somewhere/sdks/bin/pip install wechatpy cryptography httpx diskcache pydantic
    /somewhere/sdks/bin/pip install --no-deps wework wecom-crm-mcp
    SDK_PYTHON=/somewhere/sdks/bin/python make chaos DRILLS=tests/chaos/test_sdks.py

The same bytes are sent without any SDK in tests/sandbox/test_conversions.py.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storeops.sandbox import local

SCRIPT = Path(__file__).with_name("sdks.py")
NEEDS = {"wechatpy": "wechatpy.enterprise", "wework": "wework.CorpApi", "wecom_crm_mcp": ""}


@pytest.fixture(scope="module")
def chain() -> Iterator[tuple[local.SandboxHandle, dict[str, Any]]]:
    """A sandbox, and what an SDK must be told of it."""
    with local.start(stores=3, staff=14, follows=240, contact_sync_new_ip=False) as sandbox:
        apps = {a["agent_id"]: a["secret"] for a in sandbox.control.status()["apps"]}
        follow = next(r for r in sandbox.control.export("follows") if r["listed"])
        yield (
            sandbox,
            {
                "base_url": sandbox.base_url,
                "corp_id": sandbox.corp_id,
                "secret": sandbox.secret,
                "contact_secret": apps[0],
                "owner": follow["userid"],
                "customer": follow["external_userid"],
                "tag_id": next(iter(sandbox.control.export("tags")))["tag_id"],
            },
        )


def _run(name: str, at: dict[str, Any]) -> dict[str, Any]:
    python = os.environ.get("SDK_PYTHON", "")
    if not python:
        pytest.skip("SDK_PYTHON names no interpreter that has the SDKs (see the top of this file)")
    module = NEEDS[name] or name
    probe = [python, "-W", "ignore", "-c", f"import {module}"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip(f"{python} has no {name}")
    done = subprocess.run(
        [python, "-W", "ignore", str(SCRIPT), name, json.dumps(at)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    print(name, seen)
    return seen


def test_wechatpy(chain: tuple[local.SandboxHandle, dict[str, Any]]) -> None:
    sandbox, at = chain
    seen = _run("wechatpy", at)
    assert seen["created"] == "created. Warning: wrong json format. "
    assert (seen["mobile"], seen["gender"]) == ("13755550003", "1")
    assert seen["members"] == seen["enabled"] >= 14
    assert seen["tagged"] == ["wechatpy.new"]
    assert seen["unassigned"] == sandbox.control.status()["counts"]["unassigned"]
    assert seen["customer"] == at["customer"]
    assert seen["groups"] == sum(g["status"] == 0 for g in sandbox.control.export("groups"))
    assert seen["refused"].startswith("40068 invalid tagid: etNobody, hint: [")
    assert seen["not_offered"] == "48001 the sandbox does not offer menu/delete"
    row = next(
        r
        for r in sandbox.control.export("follows")
        if (r["userid"], r["external_userid"]) == (at["owner"], at["customer"])
    )
    assert at["tag_id"] in row["tag_id"]


def test_wework(chain: tuple[local.SandboxHandle, dict[str, Any]]) -> None:
    _sandbox, at = chain
    seen = _run("wework", at)
    assert seen["created"] == "created. Warning: wrong json format. "
    assert (seen["mobile"], seen["gender"]) == ("13755550004", "2")
    assert seen["members"] == seen["enabled"] >= 14
    assert seen["tagged"] == ["wework.new"]
    assert seen["existed"] == "60104 Warning: wrong json format. mobile existed:wework.new"


def test_wecom_crm_mcp(chain: tuple[local.SandboxHandle, dict[str, Any]]) -> None:
    _sandbox, at = chain
    seen = _run("wecom_crm_mcp", at)
    assert seen["followers"] > 0
    assert (seen["rows"], seen["pages"]) == (240, 3)
    assert seen["tag"] == "2026"
    assert "40071" in seen["twice"]
    assert "UserTag Name Already Exist" in seen["twice"]
    assert seen["groups"] == 1

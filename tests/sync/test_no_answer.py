"""A server that takes the call and never answers: the profile says how long, the error tells."""

from __future__ import annotations

from typing import Any

import pytest

from storeops import config
from storeops.app import App
from storeops.ceilings import CallLimits
from storeops.errors import NetworkError
from storeops.wecom import customers


def test_the_wait_is_the_profiles_and_the_error_names_it(home: Any) -> None:
    from storeops.sandbox import local

    with local.start(stores=2, staff=6, follows=20) as sandbox:
        config.save_profile(
            config.Profile(
                "slow",
                sandbox.corp_id,
                agent_id=sandbox.agent_id,
                base_url=sandbox.base_url,
                limits=CallLimits(timeout_s=1),
            )
        )
        from storeops import secrets

        secrets.save("slow", sandbox.secret)
        app = App.open("slow")
        try:
            assert customers.list_follow_users(app.client)
            sandbox.control.fault("timeout", "externalcontact/*", seconds=30)
            with pytest.raises(NetworkError) as given_up:
                customers.list_follow_users(app.client)
            struck = sandbox.control.call("GET", "faults")["faults"][0]["hit"]
        finally:
            app.close()
    assert "no answer within 1 s" in given_up.value.message
    assert struck == 3

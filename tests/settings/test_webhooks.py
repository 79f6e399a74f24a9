"""Webhooks of the settings: where to, with which secret; neither is shown."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from antiphon.settings.problems import ConfigurationError
from antiphon.settings.sources import load
from antiphon.settings.webhooks import Webhook, endpoints

KEY = bytes(range(32))
SECRET = "whsec_" + b64encode(KEY).decode()
HOOK = {"url": "https://Hooks.example/a?token=canary", "secret": SECRET}


def webhooks(*written: dict[str, Any], **environ: str) -> list[Webhook]:
    environ = {"ANTIPHON_CONFIG": "/dev/null", "ANTIPHON_WEBHOOKS": json.dumps(written), **environ}
    return load(environ).settings.webhooks


def test_what_is_written_becomes_what_the_engine_knows_and_is_not_shown() -> None:
    found = webhooks(HOOK | {"secret": "${HOOK}"}, {**HOOK, "url": "http://10.0.0.5:9/"}, HOOK=SECRET)
    first, second = endpoints(found, "default")
    assert (first.url, first.key, first.host) == (HOOK["url"], KEY, "hooks.example")
    assert (first.webhook.project_id, len(first.webhook.id), len(first.webhook.events)) == ("default", 16, 4)
    assert first.webhook.id != second.webhook.id
    shown = repr((found, first, second))
    assert "canary" not in shown and SECRET not in shown and repr(KEY) not in shown


def test_with_a_new_secret_it_is_the_same_webhook() -> None:
    changed = HOOK | {"secret": "whsec_" + "QUJD" * 10, "events": ["response.failed"]}
    (before,), (after,) = endpoints(webhooks(HOOK), "p"), endpoints(webhooks(changed), "p")
    assert before.webhook.id == after.webhook.id
    assert after.webhook.events == {"response.failed"}


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"secret": ""}, "whsec_"),
        ({"secret": "whsec_"}, "24 to 64 bytes"),
        ({"secret": "whsec_" + b64encode(bytes(23)).decode()}, "24 to 64 bytes"),
        ({"secret": "whsec_" + b64encode(bytes(65)).decode()}, "24 to 64 bytes"),
        ({"secret": b64encode(KEY).decode()}, "whsec_"),
        ({"secret": "whsec_canary canary canary canary canary canary"}, "24 to 64 bytes"),
        ({"url": "ftp://canary/"}, "http or https"),
        ({"url": "https://canary:canary@a.example/"}, "user or password"),
        ({"url": "http://2130706433/canary"}, "host"),
        ({"url": "canary"}, "http or https"),
        ({"events": []}, "an empty list says nothing"),
        ({"events": ["response.done"]}, "response.completed"),
    ],
)
def test_what_cannot_be_right_stops_the_start(changes: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ConfigurationError, match=wrong) as refused:
        webhooks({**HOOK, **changes})
    assert "canary" not in str(refused.value)


def test_the_same_url_twice_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="the same url"):
        webhooks(HOOK, HOOK)

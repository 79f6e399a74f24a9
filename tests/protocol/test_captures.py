"""Requests of real agents and client libraries: every one is served, or refused for a reason written here.

The files live outside the project, in the folder named by ANTIPHON_CAPTURES: one folder a client, one
JSON file a request (`method`, `path`, `body`) or a message over a WebSocket (the message itself).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from antiphon.edge.openapi import document
from antiphon.protocol.errors import InvalidRequest, UnsupportedParameter
from antiphon.protocol.items import normalised, split
from antiphon.protocol.request import Limits, create_response, input_tokens_request

FOLDER = Path(os.environ.get("ANTIPHON_CAPTURES", ""))
FILES = sorted(FOLDER.glob("**/*.json")) if FOLDER.name else []

if not FILES:
    pytest.skip("ANTIPHON_CAPTURES is not set: no requests of real agents here", allow_module_level=True)

# Every field of the surface at once, which no client means: a conversation and a previous response.
SENSELESS = "create_all_params.json"
NOT_YET = {"background", "generate"}


def request_of(file: Path) -> dict[str, Any] | None:
    """The body of a request for a response, or None for other requests."""
    capture = json.loads(file.read_text())
    if capture.get("type") == "response.create":
        return {key: value for key, value in capture.items() if key != "type"}
    asks = capture.get("path", "").endswith(("/responses", "/responses/input_tokens"))
    return capture["body"] if asks and capture["method"] == "POST" else None


def test_every_request_of_a_real_agent_is_served_or_refused_by_name() -> None:
    served = 0
    for file in FILES:
        if (body := request_of(file)) is None or file.name == SENSELESS:
            continue
        parse = input_tokens_request if "input_tokens" in file.name else create_response
        try:
            request = parse(body, Limits())
            items, tools = split(normalised(request.input))
            tools = request.tools + tools
        except UnsupportedParameter as error:
            assert error.param in NOT_YET, file
            continue
        served += 1
        assert all(isinstance(item["content"], list) for item in items if item["type"] == "message"), file
        assert len(tools) >= len(body.get("tools") or ()), file
    assert served >= 150


def test_every_request_of_a_real_agent_is_valid_by_the_document() -> None:
    components = document("0")["components"]
    schema = Draft202012Validator({"$ref": "#/components/schemas/CreateResponse", "components": components})
    for file in FILES:
        if (body := request_of(file)) is not None:
            schema.validate(body)


def test_a_request_with_every_field_is_refused_for_two_that_exclude_each_other() -> None:
    body = request_of(next(file for file in FILES if file.name == SENSELESS))
    with pytest.raises(InvalidRequest) as caught:
        create_response(body, Limits())
    assert caught.value.code == "mutually_exclusive_parameters"

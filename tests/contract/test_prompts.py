"""Prompts: templates that the gateway keeps, and requests that name them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.wire import Answer, ask
from tests.running import Running

TEMPLATE = {
    "model": "sim/echo",
    "instructions": "Greet {{who}}.",
    "input": [{"role": "user", "content": "Say {{greeting}} now."}],
    "metadata": {"made": "by template"},
}


def made(gateway: Running, template: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = ask(gateway, "POST", "/v1/prompts", {"name": "greeting", "template": template or TEMPLATE})
    assert answer.status == 200
    prompt: dict[str, Any] = answer.json()
    return prompt


def asked(gateway: Running, prompt: dict[str, Any], path: str = "/v1/responses", **fields: Any) -> Answer:
    return ask(gateway, "POST", path, {"prompt": prompt, **fields})


def test_a_request_needs_to_say_nothing_but_the_prompt(gateway: Running) -> None:
    prompt = made(gateway)
    named = {"id": prompt["id"], "variables": {"who": "pirates", "greeting": "ahoy"}}
    response = asked(gateway, named).json()
    assert response["output"][0]["content"][0]["text"] == "Say ahoy now."
    assert response["instructions"] == "Greet pirates."
    assert response["metadata"] == {"made": "by template"}
    assert response["prompt"] == {**named, "version": "1"}
    again = ask(gateway, "GET", f"/v1/responses/{response['id']}").json()
    assert again["prompt"] == response["prompt"]
    items = ask(gateway, "GET", f"/v1/responses/{response['id']}/input_items").json()["data"]
    assert [item["content"][0]["text"] for item in items] == ["Say ahoy now."]


def test_versions_do_not_change_and_the_latest_is_used(gateway: Running) -> None:
    prompt = made(gateway)
    second = {"template": {"model": "sim/echo", "input": "Version two."}}
    answer = ask(gateway, "POST", f"/v1/prompts/{prompt['id']}", second)
    assert (answer.status, answer.json()["version"]) == (200, "2")
    assert asked(gateway, {"id": prompt["id"]}).json()["output"][0]["content"][0]["text"] == "Version two."
    variables = {"who": "a", "greeting": "b"}
    first = asked(gateway, {"id": prompt["id"], "version": "1", "variables": variables}).json()
    assert first["output"][0]["content"][0]["text"] == "Say b now."
    path = f"/v1/prompts/{prompt['id']}"
    assert ask(gateway, "GET", path).json()["version"] == "2"
    assert ask(gateway, "GET", f"{path}?version=1").json()["template"] == TEMPLATE


def test_tokens_are_counted_and_routes_explained_with_it(gateway: Running) -> None:
    named = {"id": made(gateway)["id"], "variables": {"who": "a", "greeting": "b"}}
    assert asked(gateway, named, "/v1/responses/input_tokens").json()["input_tokens"] > 4
    assert asked(gateway, named, "/v1/router/explain").json()["targets"] == ["sim/echo"]


@pytest.mark.parametrize(
    "prompt", [{"id": "pmpt_none"}, {"id": "{id}", "version": "7"}, {"id": "{id}", "version": "x"}]
)
def test_one_that_is_not_there_is_told(gateway: Running, prompt: dict[str, Any]) -> None:
    id = prompt["id"].replace("{id}", made(gateway)["id"])
    answer = asked(gateway, {**prompt, "id": id})
    assert (answer.status, answer.json()["error"]["param"]) == (404, "prompt")


def test_a_variable_that_is_missing_is_named(gateway: Running) -> None:
    answer = asked(gateway, {"id": made(gateway)["id"], "variables": {"who": "a"}})
    assert (answer.status, answer.json()["error"]["param"]) == (400, "prompt.variables.greeting")


def test_they_are_listed_page_by_page_and_deleted(gateway: Running) -> None:
    ids = [made(gateway)["id"] for _ in range(3)]
    page = ask(gateway, "GET", f"/v1/prompts?limit=2&after={ids[0]}").json()
    assert [prompt["id"] for prompt in page["data"]] == ids[1:]
    assert ask(gateway, "DELETE", f"/v1/prompts/{ids[1]}").json()["deleted"] is True
    assert ask(gateway, "GET", f"/v1/prompts/{ids[1]}").status == 404
    assert ask(gateway, "DELETE", f"/v1/prompts/{ids[1]}").status == 404
    page = ask(gateway, "GET", f"/v1/prompts?limit=2&after={ids[0]}").json()
    assert [prompt["id"] for prompt in page["data"]] == [ids[2]]


def test_a_template_that_could_never_be_asked_is_refused(gateway: Running) -> None:
    answer = ask(gateway, "POST", "/v1/prompts", {"template": {"temperature": 9}})
    assert (answer.status, answer.json()["error"]["param"]) == (400, "template.temperature")

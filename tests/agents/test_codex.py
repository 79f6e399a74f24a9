"""Codex CLI does its work: shells, patches, searches of tools, schemas, images, resumed threads, failures."""

from __future__ import annotations

import json
import re
import shutil
import struct
import zlib
from pathlib import Path

import pytest

from tests.agents.codex import KEY_BY_COMMAND, Codex, answer, events, items
from tests.agents.installed import BIN, HERE, OPENAI_3
from tests.agents.provider import FAILURES
from tests.agents.script import PERSON
from tests.agents.site import CHAT, CLAUDE, SIMULATED, Site, all_models, made, some_models

pytestmark = [
    pytest.mark.agents,
    pytest.mark.skipif(not (BIN / "codex").exists(), reason="Codex is not installed: npm is missing"),
]

# Models that Codex knows, of which each has its own tools and instructions. Ours are none of them.
LEGACY, LATEST = "gpt-5.5", "gpt-5.6-sol"


@pytest.fixture
def codex(site: Site, tmp_path: Path) -> Codex:
    return Codex(site, tmp_path)


def like(codex: Codex, model: str, known: str) -> list[str]:
    """Has Codex treat the model as one that it knows."""
    return ["-c", codex.knows(model, known)]


@some_models
def test_it_answers(codex: Codex, model: str) -> None:
    assert answer(codex.exec(model, "greet me")) == "Hello from the script."


@some_models
def test_it_shows_the_thoughts(codex: Codex, model: str) -> None:
    thinks = ("-c", 'model_reasoning_summary="auto"')
    ran = codex.exec(model, *like(codex, model, LEGACY), *thinks, "think and greet")
    assert answer(ran) == "Hello after a thought."
    assert [item["text"] for item in items(ran, "reasoning")] == ["A greeting is due."]


@all_models
def test_it_runs_a_command_and_reads_what_came_out(codex: Codex, model: str) -> None:
    assert answer(codex.exec(model, "make the file")) == "done"
    assert (codex.work / "made.txt").read_text() == "made\n"


@some_models
def test_thoughts_go_back_with_the_call_that_they_led_to(codex: Codex, model: str) -> None:
    ran = codex.exec(model, *like(codex, model, LEGACY), "think and make it")
    assert answer(ran) == "Thought."
    if model == CLAUDE:
        (said,) = [each for each in codex.site.asked(model)[-1]["messages"] if each["role"] == "assistant"]
        assert [block["type"] for block in said["content"]] == ["thinking", "tool_use"]


@some_models
def test_it_applies_a_patch(codex: Codex, model: str) -> None:
    ran = codex.exec(model, *like(codex, model, LEGACY), "patch the file")
    assert answer(ran) == "Patched."
    assert [item["status"] for item in items(ran, "file_change")] == ["completed"]
    assert (codex.work / "patched.txt").read_text() == "made by a patch\n"


def test_a_name_that_it_knows_is_known_after_a_slash(codex: Codex) -> None:
    """Patches are offered only to models that it knows."""
    assert answer(codex.exec("openrouter/gpt-5.5", "patch the file")) == "Patched."
    assert (codex.work / "patched.txt").read_text() == "made by a patch\n"


def test_it_reads_the_list_of_models_and_keeps_what_it_knows(site: Site, tmp_path: Path) -> None:
    codex = Codex(site, tmp_path, auth=KEY_BY_COMMAND)
    assert answer(codex.exec("openrouter/gpt-5.5", "patch the file")) == "Patched."
    assert json.loads((codex.home / "models_cache.json").read_text())["models"] == []
    assert LEGACY in [model["slug"] for model in codex.shown()]


def test_a_catalogue_with_instructions_is_taken_as_it_is(tmp_path: Path) -> None:
    """So nothing has to be written at home: not even the sizes of contexts are guessed."""
    (tmp_path / "codex.md").write_text("You are Codex, as the operator wants it.")
    with made(tmp_path / "site", codex_instructions=str(tmp_path / "codex.md")) as site:
        codex = Codex(site, tmp_path, auth=KEY_BY_COMMAND)
        ran = codex.exec(CHAT, "patch the file")
        assert answer(ran) == "Patched."
        assert "metadata" not in ran.out
        (asked, *_) = site.asked(CHAT)
        assert "as the operator wants it" in json.dumps(asked)
        cached = json.loads((codex.home / "models_cache.json").read_text())["models"]
    known = {model["slug"]: model for model in cached}
    assert (known[CLAUDE]["context_window"], known[CLAUDE]["input_modalities"]) == (
        200_000,
        ["text", "image"],
    )


@pytest.mark.skipif(not shutil.which("jq"), reason="jq is not installed")
def test_the_catalogue_of_the_documentation_makes_every_model_known(codex: Codex) -> None:
    page = (HERE.parents[1] / "docs" / "clients.md").read_text()
    (recipe,) = [each for each in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) if "catalogue.json" in each]
    codex.follow(recipe)
    with (codex.home / "config.toml").open("r+") as config:
        text = config.read()
        config.seek(0)
        config.write(f'model_catalog_json = "{codex.home}/catalogue.json"\n{text}')
    known = {model["slug"]: model for model in codex.shown()}
    assert (known[CLAUDE]["context_window"], known[CLAUDE]["input_modalities"]) == (
        200_000,
        ["text", "image"],
    )
    assert known[SIMULATED]["base_instructions"].startswith("You are Codex")
    ran = codex.exec(SIMULATED, "patch the file")
    assert answer(ran) == "Patched."
    assert "metadata" not in ran.out


@some_models
def test_it_runs_code_with_tools_that_the_input_brings(codex: Codex, model: str) -> None:
    ran = codex.exec(model, *like(codex, model, LATEST), "run the code")
    assert answer(ran) == "The code ran."
    assert (codex.work / "made.txt").read_text() == "made\n"


@pytest.mark.parametrize("model", [CHAT, CLAUDE])
def test_it_searches_tools_and_calls_what_it_found(codex: Codex, model: str) -> None:
    """The simulated model does not search."""
    ran = codex.exec(
        model,
        *like(codex, model, LEGACY),
        *("-c", f'mcp_servers.calendar.command="{OPENAI_3}"'),
        *("-c", "mcp_servers.calendar.required=true"),  # so that Codex waits until it has started
        *("-c", f'mcp_servers.calendar.args=["{HERE / "python" / "calendar_server.py"}"]'),
        "look for tools",
    )
    assert answer(ran) == "walk"
    assert [call["tool"] for call in items(ran, "mcp_tool_call")] == ["next_event"]


@some_models
def test_it_answers_by_a_schema(codex: Codex, model: str) -> None:
    properties = {"name": {"type": "string"}, "age": {"type": "integer"}}
    schema = {"type": "object", "properties": properties, "required": ["name", "age"]}
    file, last = codex.folder / "schema.json", codex.folder / "last.json"
    file.write_text(json.dumps({**schema, "additionalProperties": False}))
    ran = codex.exec(model, "--output-schema", str(file), "--output-last-message", str(last), "who is it")
    assert json.loads(answer(ran)) == json.loads(last.read_text()) == json.loads(PERSON)


@some_models
def test_it_shows_a_picture(codex: Codex, model: str) -> None:
    picture = codex.folder / "red.png"
    picture.write_bytes(red_square())
    ran = codex.exec(model, *like(codex, model, LEGACY), "describe the picture", "-i", str(picture))
    assert answer(ran) == "A red square."
    codex.site.was_told(model, "image_url" if model == CHAT else "base64")


@all_models
def test_it_resumes_a_thread(codex: Codex, model: str) -> None:
    known = like(codex, model, LEGACY)
    first = codex.exec(model, *known, "think and make it")
    (started,) = [event for event in events(first) if event["type"] == "thread.started"]
    second = codex.exec(model, *known, "resume", started["thread_id"], "greet me")
    assert answer(second) == "Hello from the script."
    codex.site.was_told(model, "it is done")


@pytest.mark.parametrize("model", [CHAT, CLAUDE])
def test_another_agent_is_told_its_task_and_gives_its_answer(codex: Codex, model: str) -> None:
    ran = codex.exec(model, *like(codex, model, LATEST), "delegate it")
    assert answer(ran) == "Delegated."
    assert (codex.work / "made.txt").read_text() == "made\n"
    codex.site.was_told(model, "Message Type: FINAL_ANSWER", "The code ran.")


@some_models
def test_a_thread_that_grew_too_long_is_compacted_by_the_model(codex: Codex, model: str) -> None:
    ran = codex.exec(model, "-c", "model_auto_compact_token_limit=13", "make two files")
    assert answer(ran) == "I carry on."
    codex.site.was_told(model, "A file was made.")


def test_it_tries_again_after_failures_of_a_provider(codex: Codex) -> None:
    codex.site.stage.failures["openrouter"] = [*FAILURES]
    codex.site.meant += [("POST", 429), ("POST", 502)]
    assert answer(codex.exec(CHAT, "greet me")) == "Hello from the script."


@some_models
def test_it_knows_a_full_context_and_does_not_try_again(codex: Codex, model: str) -> None:
    codex.site.meant += [("POST", 400)]
    ran = codex.exec(model, "no more room")
    (failed,) = [event for event in events(ran) if event["type"] == "turn.failed"]
    assert "ran out of room in the model's context window" in failed["error"]["message"]


def test_it_speaks_over_a_websocket_where_it_may(site: Site, tmp_path: Path) -> None:
    codex = Codex(site, tmp_path, websockets=True)
    assert answer(codex.exec(SIMULATED, "make the file")) == "done"
    requests = [(line["method"], line["status"]) for line in site.logged() if line["event"] == "request"]
    assert ("WEBSOCKET", 200) in requests
    assert ("GET", 101) in requests


def red_square() -> bytes:
    """A PNG of 8 by 8 pixels."""
    rows = (b"\0" + b"\xff\0\0" * 8) * 8
    head = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )

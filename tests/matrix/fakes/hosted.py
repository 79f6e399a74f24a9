"""Tools that a provider runs itself, as Anthropic and Gemini have them: what is asked, and what came out.

What was said of a run is wanted back as it was said, and only while the tool is offered.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.matrix.conversation import Ran
from tests.matrix.fakes.base import Body, Fake, require

USES = ("server_tool_use", "mcp_tool_use")
RESULTS = ("bash_code_execution_tool_result", "mcp_tool_result")

# Anthropic


def check_servers(body: Body, betas: str) -> None:
    """Each server has its tools, each toolset its server, and both their beta."""
    servers = [server["name"] for server in body.get("mcp_servers", ())]
    toolsets = [
        tool["mcp_server_name"] for tool in body.get("tools", ()) if tool.get("type") == "mcp_toolset"
    ]
    require(sorted(servers) == sorted(toolsets), "mcp_servers: each must be referenced by one mcp_toolset")
    require(len(set(servers)) == len(servers), "mcp_servers: names must be unique")
    require(not servers or "mcp-client-2025-11-20" in betas, "mcp_servers: Extra inputs are not permitted")
    urls = [server["url"] for server in body.get("mcp_servers", ())]
    require(all(url.startswith("https://") for url in urls), "mcp_servers.url: must start with https://")


def of_anthropic(ran: Ran, body: Body, fake: Fake) -> Iterator[Body]:
    """The blocks of a run. It is remembered, to be recognised."""
    kinds = [tool.get("type") for tool in body.get("tools", ())]
    if ran.kind == "mcp":
        require("mcp_toolset" in kinds, "the script wants to call a server, and there is none")
        use: Body = {"type": "mcp_tool_use", "id": fake.new("mcptoolu_01"), "name": ran.name}
        use |= {"server_name": body["mcp_servers"][0]["name"], "input": ran.asked}
        result: Body = {"type": "mcp_tool_result", "is_error": False}
        result["content"] = [{"type": "text", "text": ran.came}]
    else:
        require("code_execution_20250825" in kinds, "the script wants to run code, and cannot")
        use = {"type": "server_tool_use", "id": fake.new("srvtoolu_01"), "name": "bash_code_execution"}
        use["input"] = {"command": ran.asked["code"]}
        result = {"type": "bash_code_execution_tool_result"}
        out = {"type": "bash_code_execution_result", "stdout": ran.came, "stderr": "", "return_code": 0}
        result["content"] = {**out, "content": []}
    result["tool_use_id"] = use["id"]
    fake.sealed |= {use["id"]: use, f"{use['id']} result": result}
    yield from (use, result)


def recognised(block: Body, fake: Fake, where: str) -> None:
    key = block["id"] if block["type"] in USES else f"{block['tool_use_id']} result"
    fake.recognise(key, block, f"{where}: `{block['type']}` was not made by this model")


def paired(messages: list[Body]) -> None:
    """A use that is over has its result in the same message."""
    for at, message in enumerate(messages):
        content: list[Any] = message["content"]
        uses = [block["id"] for block in content if block["type"] in USES]
        results = [block["tool_use_id"] for block in content if block["type"] in RESULTS]
        require(uses == results, f"messages.{at}: uses without results: {uses}, {results}")


# Gemini


def of_gemini(ran: Ran, body: Body, fake: Fake) -> Iterator[Body]:
    require({"codeExecution": {}} in body.get("tools", ()), "the script wants to run code, and cannot")
    run = fake.new("run")
    code: Body = {"executableCode": {"id": run, "language": "PYTHON", "code": ran.asked["code"]}}
    came: Body = {"codeExecutionResult": {"id": run, "outcome": "OUTCOME_OK", "output": ran.came}}
    fake.sealed |= {f"{run} executableCode": code, f"{run} codeExecutionResult": came}
    yield from (code, came)


def recognised_part(part: Body, fake: Fake, where: str) -> None:
    for kind in ("executableCode", "codeExecutionResult"):
        if kind in part:
            fake.recognise(f"{part[kind]['id']} {kind}", part, f"Code is not this model's: {where}")

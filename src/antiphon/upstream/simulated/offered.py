"""Which tools the simulated model may call, and whether it must."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct

from antiphon.core.adaptations import Adaptation, Adaptations
from antiphon.core.turn import Turn
from antiphon.core.unsaid import without_tool
from antiphon.protocol.errors import InvalidRequest, UnsupportedParameter
from antiphon.protocol.json import JSON


class Offered(Struct, frozen=True):
    """A tool of the request; `definition` as the request has it."""

    name: str
    kind: Literal["function", "custom"]
    namespace: str | None
    definition: JSON

    def answers_to(self, name: str) -> bool:
        """By its bare name, or as `namespace.name`."""
        return name == self.name or (self.namespace is not None and name == f"{self.namespace}.{self.name}")


class Toolbox(Struct, frozen=True):
    """The tools that may be called now. `forced`: one must be."""

    tools: list[Offered]
    forced: bool = False

    def find(self, name: str) -> Offered | None:
        """The tool of this name; a bare name means a tool outside of namespaces, if there is one."""
        found = [tool for tool in self.tools if tool.answers_to(name)]
        return min(found, key=lambda tool: tool.namespace is not None, default=None)


def toolbox(turn: Turn) -> Toolbox:
    """What the request offers, as `tool_choice` leaves it. Raises InvalidRequest where that cannot be met."""
    tools = [tool for definition in turn.tools for tool in _opened(definition)]
    match turn.tool_choice:
        case None | "auto":
            return Toolbox(tools)
        case "none":
            return Toolbox([])
        case "required":
            return _forced(tools, "required")
        case dict() as choice if choice.get("type") == "allowed_tools":
            return _allowed(tools, choice)
        case dict() as choice if choice.get("type") in ("function", "custom"):
            return _forced([tool for tool in tools if _means(choice, tool)], str(choice.get("name")))
        case choice:
            raise UnsupportedParameter(
                f"The simulated model cannot run the tool that 'tool_choice' demands: {_kind(choice)}.",
                param="tool_choice",
            )


def left_out(turn: Turn) -> tuple[Adaptation, ...]:
    """The tools that the simulated model cannot run: hosted ones."""
    adapted = Adaptations()
    for at, tool in enumerate(turn.tools):
        if not any(True for _ in _opened(tool)):
            adapted.dropped(f"tools[{at}]", without_tool(tool))
    return adapted.noted


def _opened(definition: JSON) -> Iterator[Offered]:
    """A tool, or the tools of a namespace."""
    namespace = definition.get("name") if definition.get("type") == "namespace" else None
    for tool in definition.get("tools", ()) if namespace is not None else (definition,):
        kind = tool.get("type")
        if kind in ("function", "custom"):
            yield Offered(str(tool.get("name", "")), kind, namespace, tool)


def _forced(tools: list[Offered], wanted: str) -> Toolbox:
    if not tools:
        raise InvalidRequest(
            f"'tool_choice' demands a call ({wanted}), but no tool that it could call is offered.",
            param="tool_choice",
        )
    return Toolbox(tools, forced=True)


def _allowed(tools: list[Offered], choice: JSON) -> Toolbox:
    allowed = [tool for tool in tools if any(_means(entry, tool) for entry in choice.get("tools", ()))]
    return _forced(allowed, "allowed_tools") if choice.get("mode") == "required" else Toolbox(allowed)


def _means(choice: JSON, tool: Offered) -> bool:
    """Whether an entry of `tool_choice` means this tool; one of type `namespace` means all of its tools."""
    name = str(choice.get("name"))
    if choice.get("type") == "namespace":
        return name == tool.namespace
    return (
        choice.get("type", tool.kind) == tool.kind
        and tool.answers_to(name)
        and choice.get("namespace") in (None, tool.namespace)
    )


def _kind(choice: Any) -> str:
    return str(choice.get("type")) if isinstance(choice, dict) else str(choice)

"""The tools of a turn, as a model that lacks some of them is offered them.

    its own kinds                    as they are
    function                         under a name that fits
    custom, apply_patch, shell, …    a function in place of each (`kinds`)
    namespace                        its tools, each under the name of both
    tool_search (server)             all that is deferred is offered at once
    tool_search (client)             a function; what is deferred is offered when it was found
    any other                        left out: a provider runs it, and this one does not

Tools that a search has found (`tool_search_output`) are offered after all others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from antiphon.core.adaptations import Adaptations
from antiphon.core.grammars.judge import LONGEST, HeldTool, ToolName, UnsupportedGrammar, grammar_of
from antiphon.core.turn import Turn
from antiphon.core.unsaid import without_tool
from antiphon.protocol.errors import UnsupportedParameter
from antiphon.protocol.json import JSON
from antiphon.protocol.tools import COMPUTER, WEB_SEARCH
from antiphon.upstream.emulation.kinds import KINDS, Kind
from antiphon.upstream.emulation.kinds.base import described
from antiphon.upstream.emulation.names import Key, Names

NAMED = ("function", "custom")
"""The kinds of tools that have names of their own."""

_LONGEST_GRAMMARS = 2 * LONGEST  # all of a turn: they are read while others wait

_NOT_TOLD = ("defer_loading",)  # what is offered is loaded


@dataclass(frozen=True, slots=True)
class Offered:
    """One tool: what the client knows it by and has said of it, and what the model is told."""

    key: Key
    definition: JSON
    told: JSON
    stands_for: Kind | None  # None: it is told as it is

    @property
    def name(self) -> str:
        """The name that the model knows."""
        return str(self.told["name"])

    @property
    def differs(self) -> bool:
        """Whether calls of it must be told otherwise than the model makes them."""
        return self.stands_for is not None or self.key.namespace is not None or self.key.name != self.name


@dataclass(frozen=True, slots=True)
class Given:
    """A tool of the request, at its place there; `found`: a search has brought it."""

    tool: JSON
    place: str
    namespace: str | None = None
    found: bool = False

    @property
    def kind(self) -> str:
        return str(self.tool.get("type"))


class Offer:
    """What is offered so far. `tools` go to the dialect; `places` say where each stands in the request."""

    def __init__(self, turn: Turn, native: frozenset[str], adapted: Adaptations) -> None:
        """Raises UnsupportedParameter for a tool without which the others make no sense."""
        self.tools: list[JSON] = []
        self.places: list[str] = []
        self.names = Names()
        self.by_key: dict[Key, Offered] = {}
        self.grammars: dict[ToolName, HeldTool] = {}
        self._grammar_length = 0
        self._native = native
        self._adapted = adapted
        self._searched = any(_executes(tool, "client") for tool in turn.tools) and "tool_search" not in native
        for own in (WEB_SEARCH, COMPUTER):
            if any(tool.get("type") in native.intersection(own) for tool in turn.tools):
                self.names.reserve(own[0])
        for index, tool in enumerate(turn.tools):
            self._add(Given(tool, f"tools[{index}]"))
        if "tool_search" not in native:
            for given in _found(turn.items):
                self._add(given)

    def _add(self, given: Given) -> None:
        kind, functions = given.kind, "function" in self._native
        if kind in self._native and kind in NAMED:
            self._offer(given, None)
        elif kind in self._native:
            self._tell(given.tool, given.place)
        elif kind == "namespace" and functions:
            self._open(given)
        elif kind in KINDS and functions and not _is_hosted(given.tool):
            self._emulate(given, KINDS[kind])
        elif kind == "tool_search" and functions:
            self._adapted.emulated(given.place, "all deferred tools are offered at once")
        elif kind == "programmatic_tool_calling":
            raise UnsupportedParameter(
                "This model cannot call tools from programs: leave this tool out.", param=given.place
            )
        else:
            self._adapted.dropped(given.place, without_tool(given.tool))

    def _open(self, given: Given) -> None:
        """The tools of a namespace. What it says of itself is said with the first."""
        self._adapted.translated(given.place, "its tools are offered one by one, under both names joined")
        name, about = given.tool["name"], given.tool.get("description")
        for index, tool in enumerate(given.tool["tools"]):
            child = Given(tool, f"{given.place}.tools[{index}]", name, given.found)
            if about and not self._is_hidden(child):
                lead = f"(All tools whose names begin with {name}__: {about})"
                child = replace(child, tool={**tool, "description": described(lead, tool.get("description"))})
                about = None
            self._add(child)

    def _emulate(self, given: Given, kind: Kind) -> None:
        if not self._offer(given, kind):
            return
        self._adapted.emulated(given.place, "it is offered as a function")
        shape = given.tool.get("format") or {}
        if shape.get("type") == "grammar":
            self._hold(given, str(shape.get("syntax")), str(shape.get("definition")))

    def _hold(self, given: Given, syntax: str, definition: str) -> None:
        """The tool to its grammar, if that can be checked."""
        self._grammar_length += len(definition)
        try:
            if self._grammar_length > _LONGEST_GRAMMARS:
                raise UnsupportedGrammar("with the others of this request it is too large")
            grammar = grammar_of(syntax, definition)
        except UnsupportedGrammar as error:
            self._adapted.emulated(
                f"{given.place}.format.definition",
                f"the model is told the grammar in words, and nobody checks whether it keeps to it: {error}",
            )
            return
        how = "the model is told the grammar in words, and the input of its calls is checked"
        self._adapted.emulated(f"{given.place}.format", how)
        key = key_of(given.tool, given.namespace)
        self.grammars[key.namespace, key.name] = HeldTool(given.place, grammar)

    def _offer(self, given: Given, stands_for: Kind | None) -> bool:
        """Whether it is offered: not if it is hidden, or offered already."""
        tool, key = given.tool, key_of(given.tool, given.namespace)
        if self._is_hidden(given):
            return False
        if key in self.by_key:
            if not given.found:
                self._adapted.dropped(given.place, "a tool of this name is offered already")
            return False
        name = self.names.of(key)
        not_told = () if "tool_search" in self._native else _NOT_TOLD
        told = {field: value for field, value in tool.items() if field not in not_told} | {"name": name}
        if stands_for is not None:
            told = {"type": "function", "name": name, **stands_for.offer(tool)}
            if tool.get("allowed_callers") is not None:
                told["allowed_callers"] = tool["allowed_callers"]
        self.by_key[key] = Offered(key, tool, told, stands_for)
        self._tell(told, given.place)
        return True

    def _tell(self, told: JSON, place: str) -> None:
        self.tools.append(told)
        self.places.append(place)

    def _is_hidden(self, given: Given) -> bool:
        return self._searched and not given.found and bool(given.tool.get("defer_loading"))

    # What is meant by a choice or an item

    def meant(self, choice: JSON) -> list[Offered]:
        """The tools that an entry of `tool_choice` means: one, or those of a namespace."""
        kind, name = str(choice.get("type")), choice.get("name")
        if kind == "namespace":
            return [tool for tool in self.by_key.values() if tool.key.namespace == name]
        if kind not in NAMED:
            key = key_of(choice, None)
            return [self.by_key[key]] if key in self.by_key else []
        asked = choice.get("namespace")
        found = [
            tool
            for tool in self.by_key.values()
            if (tool.key.kind, tool.key.name) == (kind, name) and asked in (None, tool.key.namespace)
        ]
        return [min(found, key=lambda tool: tool.key.namespace is not None)] if found else []

    def names_of(self, tool: JSON) -> list[str]:
        """The names under which a tool that was found, or all of a namespace, is offered."""
        namespace = tool.get("name") if tool.get("type") == "namespace" else None
        children = (tool.get("tools") or ()) if namespace is not None else (tool,)
        keys = [key_of(child, namespace) for child in children]
        return [self.by_key[key].name for key in keys if key in self.by_key]

    def name_of(self, kind: str, item: JSON) -> str:
        """The name that the model knows for the tool that was called, whether or not it is offered now."""
        key = key_of({**item, "type": kind}, item.get("namespace"))
        if key not in self.by_key and key.namespace == key.name:
            key = key._replace(namespace=None)  # OpenAI's word for a deferred tool outside of namespaces
        return self.names.of(key)


def key_of(tool: JSON, namespace: Any) -> Key:
    """Of a tool, or of what has a tool's type and name. Kinds with several names are one kind."""
    kind = str(tool.get("type"))
    if kind in NAMED:
        return Key(kind, namespace if isinstance(namespace, str) else None, str(tool.get("name")))
    kind = KINDS[kind].kind if kind in KINDS else kind
    return Key(kind, None, kind)


def _found(items: list[JSON]) -> Iterator[Given]:
    """The tools that searches have found."""
    for at, item in enumerate(items):
        if item.get("type") == "tool_search_output":
            for index, tool in enumerate(item.get("tools") or ()):
                yield Given(tool, f"input[{at}].tools[{index}]", found=True)


def _executes(tool: JSON, who: str) -> bool:
    """Whether it is a search for tools that is executed by the server or the client."""
    return tool.get("type") == "tool_search" and (tool.get("execution") or "server") == who


def _is_hosted(tool: JSON) -> bool:
    """Whether it is a kind that is usually the client's, and here is the provider's."""
    environment = (tool.get("environment") or {}) if tool.get("type") == "shell" else {}
    return _executes(tool, "server") or str(environment.get("type")).startswith("container")

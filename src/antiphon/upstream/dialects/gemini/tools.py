"""Tools and tool_choice, as Gemini offers them.

    function             functionDeclarations, the schema as `parametersJsonSchema`
    web_search           googleSearch
    code_interpreter     codeExecution
    file_search          fileSearch (`file_search`)
    computer…            computerUse, where the model has it (`computer`)
    image_generation     no tool: models that draw are told to answer with images, too (`images`)

All others are left out and noted. The nine forms of tool_choice:

    "none"                                NONE; the provider's tools are not offered, it does not reach them
    "auto"                                AUTO, or VALIDATED if a function is strict
    "required"                            ANY
    {type: function, name}                ANY with this name alone
    {type: allowed_tools, mode, tools}    ANY or VALIDATED with these names; and of the provider's tools these
    {type: web_search | file_search | …}  only this tool is offered: nothing can force it
    {type: image_generation}              an image alone is asked for
    {type: custom | mcp | shell | …}      refused: it demands a tool that is not offered

Before 3, functions and the provider's tools exclude each other: then the functions are offered. A search in
files excludes the other tools there. From 3 on the Gemini API (not Vertex AI) wants it said that calls of its
own tools may come between.
"""

from __future__ import annotations

import re

from antiphon.core.adaptations import Adaptations
from antiphon.core.turn import Turn
from antiphon.core.unsaid import NOT_OFFERED, without_tool
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON, encode
from antiphon.protocol.tools import COMPUTER, WEB_SEARCH
from antiphon.upstream.dialects.gemini.computer import Computer, note_environment
from antiphon.upstream.dialects.gemini.file_search import file_search
from antiphon.upstream.dialects.gemini.images import image_config
from antiphon.upstream.dialects.gemini.models import Abilities
from antiphon.upstream.dialects.gemini.schema import IN_DESCRIPTIONS, reshaped
from antiphon.upstream.dialects.gemini.wire import mapping, mappings, string

CODE = "code_interpreter"
FILES = "file_search"
IMAGES = "image_generation"

_SEARCH = "web_search"
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}")


class Offer:
    """What is offered: functions by name, the provider's own tools by type, and what is chosen."""

    def __init__(self, computer: Computer | None) -> None:
        self.computer = computer
        self.functions: dict[str, JSON] = {}
        self.hosted: dict[str, JSON] = {}
        self.images: JSON | None = None  # imageConfig, if images may be made
        self.images_alone = False  # and are all that is asked for
        self.strict: list[str] = []  # the paths of the functions whose calls must be valid
        self.calling: JSON | None = None  # functionCallingConfig

    @property
    def tools(self) -> list[JSON]:
        declared = list(self.functions.values())
        return [*([{"functionDeclarations": declared}] if declared else []), *self.hosted.values()]

    @property
    def served(self) -> list[str]:
        """Of the provider's own tools, those that it runs itself."""
        return [kind for kind in self.hosted if kind != COMPUTER[0]]

    def config(self, vertex: bool) -> JSON:
        """The `toolConfig`."""
        config: JSON = {}
        if self.calling is not None:
            config["functionCallingConfig"] = self.calling
        if self.functions and self.served and not vertex:
            config["includeServerSideToolInvocations"] = True
        return config


def native_to(abilities: Abilities, vertex: bool) -> frozenset[str]:
    """The types of tools that are offered as they are, but for a computer."""
    searches = [FILES] if abilities.searches_files and not vertex else []
    return frozenset({"function", CODE, *WEB_SEARCH, *searches, *([IMAGES] if abilities.draws else [])})


def offer_tools(
    turn: Turn, abilities: Abilities, vertex: bool, computer: Computer | None, adapted: Adaptations
) -> Offer:
    """Raises InvalidRequest for a `tool_choice` that cannot be met, or a function's name that is unfit."""
    offer = Offer(computer)
    for index, tool in enumerate(turn.tools):
        _add(offer, tool, f"tools[{index}]", abilities, vertex, adapted)
    _choose(turn.tool_choice, offer, abilities, adapted)
    if offer.calling is None or offer.calling["mode"] == "AUTO":
        for path in offer.strict:
            adapted.dropped(f"{path}.strict", NOT_OFFERED)
    if offer.functions and offer.served and not abilities.combines:
        offer.hosted = {kind: tool for kind, tool in offer.hosted.items() if kind not in offer.served}
        adapted.dropped("tools", "this model takes functions or the provider's own tools, not both")
    if FILES in offer.hosted and len(offer.served) > 1 and not abilities.combines:
        offer.hosted = {
            kind: tool for kind, tool in offer.hosted.items() if kind not in offer.served or kind == FILES
        }
        adapted.dropped("tools", "this model searches in files or uses the provider's other tools, not both")
    if turn.parallel_tool_calls is False and (offer.functions or COMPUTER[0] in offer.hosted):
        adapted.dropped("parallel_tool_calls", NOT_OFFERED)
    if turn.max_tool_calls is not None and (offer.served or offer.images is not None):
        adapted.dropped("max_tool_calls", NOT_OFFERED)
    return offer


def _add(
    offer: Offer, tool: JSON, path: str, abilities: Abilities, vertex: bool, adapted: Adaptations
) -> None:
    kind = _kind(tool)
    if kind == "function":
        _declare(offer, tool, path, adapted)
        return
    if kind in offer.hosted or (kind == IMAGES and offer.images is not None):
        adapted.dropped(path, "a tool of this type is offered already")
        return
    if kind == _SEARCH and tool.get("external_web_access") is False:
        adapted.dropped(path, "this model has no search without access to the web")
    elif kind == _SEARCH:
        offer.hosted[kind] = {"googleSearch": _search(tool, path, vertex, adapted)}
    elif kind == CODE:
        offer.hosted[kind] = {"codeExecution": _code(tool, path, adapted)}
    elif kind == FILES and abilities.searches_files and not vertex:
        if (said := file_search(tool, path, adapted)) is not None:
            offer.hosted[kind] = {"fileSearch": said}
    elif kind == COMPUTER[0] and offer.computer is not None:
        offer.hosted[kind] = {"computerUse": offer.computer.tool}
        note_environment(tool, offer.computer, path, adapted)
    elif kind == IMAGES and abilities.draws:
        offer.images = image_config(tool, path, abilities, vertex, adapted)
    else:
        adapted.dropped(path, without_tool(tool))


def _kind(tool: JSON) -> str:
    """Its type; that of a search or a computer by the newest of its names."""
    kind = string(tool.get("type"))
    return _SEARCH if kind in WEB_SEARCH else COMPUTER[0] if kind in COMPUTER else kind


def _declare(offer: Offer, tool: JSON, path: str, adapted: Adaptations) -> None:
    declared = _function(tool, path, adapted)
    if declared["name"] in offer.functions:
        adapted.dropped(path, "a function of this name is offered already")
        return
    offer.functions[declared["name"]] = declared
    if tool.get("strict") is True:
        offer.strict.append(path)


def _code(tool: JSON, path: str, adapted: Adaptations) -> JSON:
    container = tool.get("container")
    if isinstance(container, str) or set(mapping(container)) - {"type"}:
        adapted.dropped(f"{path}.container", NOT_OFFERED)
    _note_callers(tool, path, adapted)
    return {}


def _note_callers(tool: JSON, path: str, adapted: Adaptations) -> None:
    if tool.get("allowed_callers") not in (None, ["direct"]):
        adapted.dropped(f"{path}.allowed_callers", NOT_OFFERED)


def _function(tool: JSON, path: str, adapted: Adaptations) -> JSON:
    name, schema = tool.get("name"), tool.get("parameters")
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise InvalidRequest(
            "A function's name must begin with a letter or underscore, and have at most 128 letters, digits, "
            "underscores, dots, colons and hyphens for this model.",
            param=f"{path}.name",
        )
    declared: JSON = {"name": name, "description": string(tool.get("description"))}
    if schema:
        shape, told = reshaped(schema)
        if shape is None:
            adapted.emulated(f"{path}.parameters", "this schema is told in words, nothing enforces it")
            words = f"(Arguments are valid against this JSON schema: {encode(schema).decode()})"
            declared["description"] = " ".join(filter(None, (declared["description"], words)))
        elif told and tool.get("strict") is True:
            adapted.emulated(f"{path}.parameters", IN_DESCRIPTIONS)
        declared["parametersJsonSchema"] = {**(shape or {}), "type": "object"}
    if not declared["description"]:
        del declared["description"]
    return declared


def _search(tool: JSON, path: str, vertex: bool, adapted: Adaptations) -> JSON:
    said: JSON = {}
    filters = mapping(tool.get("filters"))
    if blocked := filters.get("blocked_domains"):
        if vertex:
            said["excludeDomains"] = blocked
        else:
            adapted.dropped(f"{path}.filters.blocked_domains", NOT_OFFERED)
    if filters.get("allowed_domains"):
        adapted.dropped(f"{path}.filters.allowed_domains", NOT_OFFERED)
    if any(value for key, value in mapping(tool.get("user_location")).items() if key != "type"):
        adapted.dropped(f"{path}.user_location", NOT_OFFERED)
    if tool.get("search_context_size") not in (None, "medium"):
        adapted.dropped(f"{path}.search_context_size", NOT_OFFERED)
    if tool.get("search_content_types") not in (None, ["text"]):
        adapted.dropped(f"{path}.search_content_types", NOT_OFFERED)
    _note_callers(tool, path, adapted)
    return said


def _choose(choice: str | JSON | None, offer: Offer, abilities: Abilities, adapted: Adaptations) -> None:
    """Sets what is chosen, and takes back what must not be called."""
    if isinstance(choice, dict):
        if choice.get("type") == "allowed_tools":
            _allow(choice, offer, abilities, adapted)
        else:
            _demand(choice, offer, adapted)
    elif choice == "none":
        offer.hosted.clear()
        offer.images = None
        offer.calling = {"mode": "NONE"} if offer.functions else None
    elif choice == "required":
        _require(offer, adapted)
    elif offer.functions and offer.strict and abilities.validated_calls:
        offer.calling = {"mode": "VALIDATED"}
    elif offer.functions and choice == "auto":
        offer.calling = {"mode": "AUTO"}


def _require(offer: Offer, adapted: Adaptations) -> None:
    if offer.functions:
        offer.calling = {"mode": "ANY"}
    elif offer.images is not None and not offer.hosted:
        offer.images_alone = True
    elif offer.hosted:
        adapted.emulated("tool_choice", "this model cannot be made to call the provider's tools, it may")
    else:
        raise InvalidRequest("No tool is offered that could be called.", param="tool_choice")


def _demand(choice: JSON, offer: Offer, adapted: Adaptations) -> None:
    kind, name = _named(choice, offer)
    if kind == "function":
        offer.hosted.clear()
        offer.images = None
        offer.calling = {"mode": "ANY", "allowedFunctionNames": [name]}
    elif kind == IMAGES:
        offer.functions.clear()
        offer.hosted.clear()
        offer.images_alone = True
    elif kind:
        offer.images = None
        offer.functions.clear()
        offer.hosted = {kind: offer.hosted[kind]}
        adapted.emulated("tool_choice", "only this tool is offered, the model may do without")
    else:
        what = " ".join(str(choice[key]) for key in ("type", "name") if choice.get(key))
        raise InvalidRequest(
            f"tool_choice demands {what}, which is not offered by this model.", param="tool_choice"
        )


def _allow(choice: JSON, offer: Offer, abilities: Abilities, adapted: Adaptations) -> None:
    """Which functions may be called is said by name: taking them away would spoil the cached prompt."""
    named = [_named(tool, offer) for tool in mappings(choice.get("tools"))]
    allowed = [name for kind, name in named if kind == "function"]
    offer.hosted = {kind: tool for kind, tool in offer.hosted.items() if (kind, "") in named}
    offer.images = offer.images if (IMAGES, "") in named else None
    required = choice.get("mode") == "required"
    if not allowed:
        offer.functions.clear()
    elif required:
        offer.calling = {"mode": "ANY", "allowedFunctionNames": allowed}
    elif abilities.validated_calls:
        offer.calling = {"mode": "VALIDATED", "allowedFunctionNames": allowed}
    else:
        offer.functions = {name: offer.functions[name] for name in allowed}
    if required and not allowed:
        _require(offer, adapted)


def _named(choice: JSON, offer: Offer) -> tuple[str, str]:
    """The offered tool that is meant, as type and name; ("", "") if there is none."""
    kind = _kind(choice)
    if kind == "function":
        name = string(choice.get("name"))
        return ("function", name) if name in offer.functions else ("", "")
    offered = kind in offer.hosted or (kind == IMAGES and offer.images is not None)
    return (kind, "") if offered else ("", "")

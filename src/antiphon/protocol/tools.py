"""Tools of a request.

The sixteen kinds of OpenAI's surface (three of them under two names) are checked, with every field kept as
it came; a kind we have not met is carried. Whether a target can run a hosted tool is not decided here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from antiphon.protocol.content import untyped
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON
from antiphon.protocol.schema import by_type, check

Name = Annotated[str, Meta(min_length=1, max_length=128, pattern="^[a-zA-Z0-9_-]+$")]
Callers = Annotated[list[Literal["direct", "programmatic"]], Meta(min_length=1)]
Percent = Annotated[int, Meta(ge=0, le=100)]
Few = Annotated[int, Meta(ge=0, le=3)]
AtLeastOne = Annotated[int, Meta(ge=1)]

WEB_SEARCH = ("web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11")
"""The names of one hosted tool."""

MAX_NAMESPACE = 1000  # tools in one namespace


class FunctionTool(Struct):
    """A function of the client's. `parameters` is a JSON schema."""

    type: Literal["function"]
    name: Name
    description: str | None = None
    parameters: JSON | None = None
    strict: bool | None = None
    output_schema: JSON | None = None
    defer_loading: bool | None = None
    allowed_callers: Callers | None = None


class AnyTextFormat(Struct, tag_field="type", tag="text"):
    """Input may be any text."""


class GrammarFormat(Struct, tag_field="type", tag="grammar"):
    """Input must follow a grammar."""

    syntax: Literal["lark", "regex"]
    definition: str


class CustomTool(Struct):
    """A tool of the client's whose input is any text, or text of a grammar."""

    type: Literal["custom"]
    name: Name
    description: str | None = None
    format: AnyTextFormat | GrammarFormat | None = None
    defer_loading: bool | None = None
    allowed_callers: Callers | None = None


class NamespaceTool(Struct):
    """Tools under a common name; calls to them carry it as `namespace`."""

    type: Literal["namespace"]
    name: Annotated[str, Meta(min_length=1)]
    tools: Annotated[list[JSON], Meta(min_length=1, max_length=MAX_NAMESPACE)]
    description: str | None = None


class ToolSearchTool(Struct):
    """Lets the model look for deferred tools; `execution` "client" leaves the looking to the client."""

    type: Literal["tool_search"]
    execution: Literal["server", "client"] | None = None
    description: str | None = None
    parameters: JSON | None = None


class Location(Struct):
    """Where the user is, roughly."""

    type: Literal["approximate"] = "approximate"
    country: str | None = None
    region: str | None = None
    city: str | None = None
    timezone: str | None = None


class SearchFilters(Struct):
    """Where a web search may look."""

    allowed_domains: list[str] | None = None
    blocked_domains: list[str] | None = None


class WebSearchTool(Struct):
    """Search the web."""

    type: Literal[
        "web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11"
    ]
    external_web_access: bool | None = None
    filters: SearchFilters | None = None
    user_location: Location | None = None
    search_context_size: Literal["low", "medium", "high"] | None = None
    search_content_types: list[Literal["text", "image"]] | None = None


class FileSearchTool(Struct):
    """Search in vector stores."""

    type: Literal["file_search"]
    vector_store_ids: list[str]
    max_num_results: Annotated[int, Meta(ge=1, le=50)] | None = None
    ranking_options: JSON | None = None
    filters: JSON | None = None


class ComputerTool(Struct):
    """Let the model use a computer's screen."""

    type: Literal["computer", "computer_use"]


class ComputerUsePreviewTool(Struct):
    """Let the model use a computer's screen (preview form)."""

    type: Literal["computer_use_preview"]
    environment: Literal["windows", "mac", "linux", "ubuntu", "browser"]
    display_width: AtLeastOne
    display_height: AtLeastOne


class McpFilter(Struct):
    """Some of a server's tools."""

    tool_names: list[str] | None = None
    read_only: bool | None = None


class McpApproval(Struct):
    """Which tools need the user's consent."""

    always: McpFilter | None = None
    never: McpFilter | None = None


class McpTool(Struct):
    """The tools of a remote MCP server: one of `server_url`, `connector_id` and `tunnel_id`."""

    type: Literal["mcp"]
    server_label: Annotated[str, Meta(min_length=1)]
    server_url: str | None = None
    connector_id: str | None = None
    tunnel_id: Annotated[str, Meta(pattern="^tunnel_[a-z0-9]{32}$")] | None = None
    authorization: str | None = None
    server_description: str | None = None
    headers: dict[str, str] | None = None
    allowed_tools: list[str] | McpFilter | None = None
    allowed_callers: Callers | None = None
    require_approval: Literal["always", "never"] | McpApproval | None = None
    defer_loading: bool | None = None


class CodeInterpreterTool(Struct):
    """Run Python in a container: its id, or `{"type": "auto", …}`."""

    type: Literal["code_interpreter"]
    container: str | JSON
    allowed_callers: Callers | None = None


class ImageMask(Struct):
    """The part of an image to paint over."""

    image_url: str | None = None
    file_id: str | None = None


class ImageGenerationTool(Struct):
    """Make or edit images."""

    type: Literal["image_generation"]
    model: str | None = None
    quality: str | None = None
    size: str | None = None
    output_format: str | None = None
    output_compression: Percent | None = None
    moderation: Literal["auto", "low"] | None = None
    background: Literal["transparent", "opaque", "auto"] | None = None
    input_fidelity: Literal["high", "low"] | None = None
    input_image_mask: ImageMask | None = None
    partial_images: Few | None = None
    action: Literal["generate", "edit", "auto"] | None = None


class ShellTool(Struct):
    """Run commands in a shell."""

    type: Literal["shell"]
    environment: JSON | None = None
    allowed_callers: Callers | None = None


class PlainTool(Struct):
    """A hosted tool without settings of its own."""

    type: Literal["apply_patch", "local_shell", "programmatic_tool_calling"]
    allowed_callers: Callers | None = None


COMPUTER_PREVIEW = "computer_use_preview"
COMPUTER = ("computer", "computer_use", COMPUTER_PREVIEW)

CLIENT_RUN = ("custom", "namespace", "tool_search", "apply_patch", "shell", "local_shell", *COMPUTER)
"""Types that clients run, beside functions (some may be run by the provider, too)."""
HOSTED = (*WEB_SEARCH, "file_search", "code_interpreter", "mcp", "image_generation")
"""Types that providers run."""
"""The types of the tool that is a computer."""


TOOLS = by_type(
    FunctionTool,
    CustomTool,
    NamespaceTool,
    ToolSearchTool,
    WebSearchTool,
    FileSearchTool,
    ComputerTool,
    ComputerUsePreviewTool,
    McpTool,
    CodeInterpreterTool,
    ImageGenerationTool,
    ShellTool,
    PlainTool,
)


def check_tools(tools: list[JSON], at: str = "tools") -> None:
    """Raises InvalidRequest naming the tool and field, as in `tools[1].name`."""
    for index, tool in enumerate(tools):
        kind = tool.get("type")
        if kind.__class__ is not str:
            raise untyped(tool, f"{at}[{index}]")
        if kind in TOOLS:
            check(tool, TOOLS[kind], at, index)
        if kind == "namespace":
            check_tools(tool["tools"], f"{at}[{index}].tools")
        elif kind == "mcp":
            _check_server(tool, f"{at}[{index}]")


def _check_server(tool: JSON, at: str) -> None:
    addresses = ("server_url", "connector_id", "tunnel_id")
    if sum(tool.get(name) is not None for name in addresses) != 1:
        raise InvalidRequest(
            f"Invalid '{at}': exactly one of 'server_url', 'connector_id' and 'tunnel_id' must be given.",
            code="invalid_value",
            param=f"{at}.server_url",
        )

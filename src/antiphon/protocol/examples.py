"""Examples: a value for every field that a request may have, as data.

`LEAST` holds the least that is valid of each kind of object: required fields, and one source where there
must be one. `FIELDS` holds for each type a value of every field, one that is neither the default nor that
of `LEAST`; beside the fields of the type itself, those that its items and tools are known to carry. From
both `protocol/cases.py` makes requests; a test sees that no field is missing.
"""

from __future__ import annotations

from typing import Any

from antiphon.protocol.json import JSON

UNKNOWN = "unheard_of"
"""A field that no specification has."""

PNG = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
    "AABJRU5ErkJggg=="
)
PDF = "data:application/pdf;base64,JVBERi0xLjQK"
SCHEMA: JSON = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
OTHER_SCHEMA: JSON = {**SCHEMA, "properties": {"city": {"type": "string"}, "day": {"type": "string"}}}
FUNCTION: JSON = {"type": "function", "name": "find", "parameters": SCHEMA}
CALLERS = ["programmatic"]
TEXT: JSON = {"type": "input_text", "text": "Hi."}

LEAST: dict[str, JSON] = {
    # tools
    "function": FUNCTION,
    "custom": {"type": "custom", "name": "sql"},
    "namespace": {"type": "namespace", "name": "crm", "tools": [FUNCTION]},
    "file_search": {"type": "file_search", "vector_store_ids": ["fileSearchStores/a"]},
    "computer_use_preview": {
        "type": "computer_use_preview",
        "environment": "linux",
        "display_width": 800,
        "display_height": 600,
    },
    "mcp": {
        "type": "mcp",
        "server_label": "dice",
        "server_url": "https://dice.example/mcp",
        "require_approval": "never",
    },
    "code_interpreter": {"type": "code_interpreter", "container": "cntr_1"},
    # parts
    "input_text": TEXT,
    "input_image": {"type": "input_image", "image_url": PNG},
    "input_file": {"type": "input_file", "file_data": PDF},
    "input_audio": {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
    "output_text": {"type": "output_text", "text": "Hello."},
    "refusal": {"type": "refusal", "refusal": "No."},
    "reasoning_text": {"type": "reasoning_text", "text": "Hmm."},
    "summary_text": {"type": "summary_text", "text": "Hm."},
    # items
    "message": {"type": "message", "role": "user", "content": [TEXT]},
    "function_call": {"type": "function_call", "call_id": "call_1", "name": "find", "arguments": "{}"},
    "function_call_output": {"type": "function_call_output", "call_id": "call_1", "output": "Paris"},
    "custom_tool_call": {"type": "custom_tool_call", "call_id": "call_1", "name": "sql", "input": "a"},
    "custom_tool_call_output": {"type": "custom_tool_call_output", "call_id": "call_1", "output": "b"},
    "reasoning": {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
    "compaction": {"type": "compaction", "encrypted_content": "gAAAAA"},
    "additional_tools": {"type": "additional_tools", "tools": [{**FUNCTION, "name": "later"}]},
    "tool_search_call": {"type": "tool_search_call", "call_id": "call_1", "arguments": {"query": "a"}},
    "tool_search_output": {"type": "tool_search_output", "call_id": "call_1", "tools": [FUNCTION]},
    "mcp_approval_response": {
        "type": "mcp_approval_response",
        "approval_request_id": "mcpr_1",
        "approve": True,
    },
    "local_shell_call_output": {"type": "local_shell_call_output", "id": "call_1", "output": "a"},
    # smaller objects
    "json_schema": {"type": "json_schema", "name": "place", "schema": SCHEMA},
    "grammar": {"type": "grammar", "syntax": "lark", "definition": "start: /[a-z]+/"},
    "Moderation": {"model": "omni-moderation-latest"},
    "ModerationConfig": {"mode": "score"},
    "CacheControl": {"type": "ephemeral"},
}
"""By `type`, or by the name of the Struct where there is none."""

_CALL: JSON = {"id": "other_1", "status": "incomplete", "call_id": "call_2"}
_TEXTS: JSON = {"text": "Ho.", "cache_control": {"type": "ephemeral"}}
_SOURCES: JSON = {
    **_TEXTS,
    "file_id": "file_1",
    "detail": "high",
    "prompt_cache_breakpoint": {"mode": "explicit"},
}
_NAMED: JSON = {"name": "other", "description": "Finds it."}
_DEFERRED: JSON = {"defer_loading": True, "allowed_callers": CALLERS}

FIELDS: dict[str, JSON] = {
    # what a request has beside its objects
    "CreateResponse": {
        "instructions": "Be brief.",
        "parallel_tool_calls": False,
        "max_tool_calls": 3,
        "max_output_tokens": 5000,
        "temperature": 0.5,
        "top_p": 0.5,
        "top_k": 5,
        "top_logprobs": 2,
        "presence_penalty": 0.5,
        "frequency_penalty": 0.5,
        "reasoning_effort": "high",
        "truncation": "auto",
        "service_tier": "priority",
        "metadata": {"a": "b"},
        "user": "user-1",
        "safety_identifier": "safe-1",
        "prompt_cache_key": "key-1",
        "prompt_cache_retention": "24h",
        "cache_control": {"type": "ephemeral"},
        "store": False,
        "stream": True,
        "access_programs": {"cyber": "standard"},
        "image": {"context_compression": "enabled"},
        UNKNOWN: 1,
    },
    "ReasoningOptions": {
        "effort": "high",
        "summary": "detailed",
        "mode": "pro",
        "context": "all_turns",
        "generate_summary": "detailed",
    },
    "TextOptions": {"verbosity": "low"},
    "JsonSchemaFormat": {
        "name": "other",
        "schema": OTHER_SCHEMA,
        "description": "A place.",
        "strict": True,
    },
    "PromptCacheOptions": {
        "mode": "implicit",
        "ttl": "12h",
        "prewarm": True,
        "comparison_response_id": "resp_1",
    },
    "Moderation": {"model": "other"},
    "ModerationConfig": {"mode": "block"},
    # tools
    "FunctionTool": {
        **_NAMED,
        **_DEFERRED,
        "parameters": OTHER_SCHEMA,
        "strict": True,
        "output_schema": SCHEMA,
    },
    "CustomTool": {**_NAMED, **_DEFERRED},
    "GrammarFormat": {"syntax": "regex", "definition": "a+"},
    "NamespaceTool": {**_NAMED, "tools": [{**FUNCTION, "name": "lose"}]},
    "ToolSearchTool": {"execution": "client", "description": "Finds tools.", "parameters": SCHEMA},
    "WebSearchTool": {
        "external_web_access": False,
        "search_context_size": "high",
        "search_content_types": ["text", "image"],
    },
    "SearchFilters": {"allowed_domains": ["example.com"], "blocked_domains": ["example.org"]},
    "Location": {"country": "FR", "region": "Brittany", "city": "Brest", "timezone": "Europe/Paris"},
    "FileSearchTool": {
        "vector_store_ids": ["fileSearchStores/b"],
        "max_num_results": 5,
        "ranking_options": {"score_threshold": 0.5},
        "filters": {"type": "eq", "key": "a", "value": "b"},
    },
    "ComputerTool": {},
    "ComputerUsePreviewTool": {"environment": "browser", "display_width": 640, "display_height": 480},
    "McpTool": {
        **_DEFERRED,
        "server_label": "cards",
        "server_url": "https://cards.example/mcp",
        "connector_id": "connector_gmail",
        "tunnel_id": f"tunnel_{'a' * 32}",
        "authorization": "token",
        "server_description": "Rolls dice.",
        "headers": {"X-A": "b"},
        "allowed_tools": ["roll"],
        "require_approval": "always",
    },
    "McpFilter": {"tool_names": ["roll"], "read_only": True},
    "CodeInterpreterTool": {"container": {"type": "auto"}, "allowed_callers": CALLERS},
    "ImageMask": {"image_url": PNG, "file_id": "file_1"},
    "ImageGenerationTool": {
        "model": "gpt-image-1",
        "quality": "low",
        "size": "1024x1024",
        "output_format": "webp",
        "output_compression": 50,
        "moderation": "low",
        "background": "opaque",
        "input_fidelity": "high",
        "partial_images": 2,
        "action": "edit",
    },
    "ShellTool": {"environment": {"type": "container_auto"}, "allowed_callers": CALLERS},
    "PlainTool": {"allowed_callers": CALLERS},
    # parts
    "InputText": {**_TEXTS, "prompt_cache_breakpoint": {"mode": "explicit"}},
    "InputImage": {**_SOURCES, "image_url": "https://example.com/a.png"},
    "InputFile": {
        **_SOURCES,
        "file_data": "data:application/pdf;base64,JVBERi0xLjUK",
        "file_url": "https://example.com/a.pdf",
        "filename": "a.pdf",
    },
    "InputAudio": {},
    "AudioData": {"data": "UklGRgA=", "format": "mp3"},
    "OutputText": {
        **_TEXTS,
        "annotations": [
            {
                "type": "url_citation",
                "url": "https://a.example",
                "title": "A",
                "start_index": 0,
                "end_index": 2,
            }
        ],
        "logprobs": [{"token": "Hello", "logprob": -0.1, "bytes": [72], "top_logprobs": []}],
    },
    "Refusal": {"refusal": "Never."},
    "ReasoningText": {"text": "Ho."},
    "SummaryText": {"text": "Ho."},
    "CacheControl": {"ttl": "1h"},
    "CacheBreakpoint": {"mode": "explicit", "ttl": "1h"},
    # items
    "Message": {**_CALL, "content": "Ho.", "phase": "commentary"},
    "FunctionCall": {**_CALL, "name": "lose", "arguments": '{"a":1}', "namespace": "crm"},
    "CustomToolCall": {**_CALL, "name": "other", "input": "c", "namespace": "crm"},
    "CallOutput": {**_CALL, "output": [TEXT]},
    "Reasoning": {
        **_CALL,
        "summary": [{"type": "summary_text", "text": "Ho."}],
        "content": [{"type": "reasoning_text", "text": "Ho."}],
        "encrypted_content": "gAAAAA",
    },
    "Compaction": {**_CALL, "encrypted_content": "gAAAAB"},
    "AdditionalTools": {**_CALL, "tools": [{**FUNCTION, "name": "latest"}], "role": "developer"},
    "ToolSearchCall": {**_CALL, "arguments": {"query": "b"}, "execution": "client"},
    "ToolSearchOutput": {**_CALL, "tools": [{**FUNCTION, "name": "lose"}], "execution": "client"},
    "HostedCall": _CALL,
    "ClientCall": _CALL,
    "ClientCallOutput": _CALL,
    "LocalShellOutput": {**_CALL, "output": "b", "call_id": "call_9"},
    "ApprovalResponse": {**_CALL, "approval_request_id": "mcpr_2", "approve": False, "reason": "No."},
}
"""By the name of the Struct. A field that holds objects of a type of their own need not stand here."""

CARRIED: dict[str, JSON] = {
    "web_search_call": {"id": "ws_1", "status": "completed", "action": {"type": "search", "query": "a"}},
    "file_search_call": {"id": "fs_1", "status": "completed", "queries": ["a"], "results": []},
    "image_generation_call": {"id": "ig_1", "status": "completed", "result": "iVBORw0KGgo="},
    "code_interpreter_call": {
        "id": "ci_1",
        "status": "completed",
        "code": "1",
        "container_id": "cntr_1",
        "outputs": [{"type": "logs", "logs": "1"}],
    },
    "mcp_list_tools": {"id": "mcpl_1", "server_label": "dice", "tools": []},
    "mcp_call": {
        "id": "mcp_1",
        "server_label": "dice",
        "name": "roll",
        "arguments": '{"n":1}',
        "output": "4",
    },
    "mcp_approval_request": {"id": "mcpr_1", "server_label": "dice", "name": "roll", "arguments": "{}"},
    "computer_call": {
        "id": "cu_1",
        "call_id": "call_1",
        "status": "completed",
        "action": {"type": "screenshot"},
        "pending_safety_checks": [{"id": "check_1", "code": "a", "message": "b"}],
    },
    "shell_call": {"call_id": "call_1", "action": {"commands": ["ls"]}},
    "apply_patch_call": {
        "call_id": "call_1",
        "status": "completed",
        "operation": {"type": "delete_file", "path": "a"},
    },
    "local_shell_call": {
        "call_id": "call_1",
        "status": "completed",
        "action": {"type": "exec", "command": ["ls"], "env": {}},
    },
    "program": {"call_id": "call_1", "code": "1"},
    "computer_call_output": {
        "call_id": "call_1",
        "output": {"type": "computer_screenshot", "image_url": PNG},
    },
    "shell_call_output": {
        "call_id": "call_1",
        "output": [{"stdout": "a", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}],
    },
    "apply_patch_call_output": {"call_id": "call_1", "status": "failed", "output": "done"},
    "program_output": {"call_id": "call_1", "output": "1"},
}
"""Items whose contents are carried unchecked, each as it really looks."""

INSTEAD: dict[tuple[str, str], str] = {
    ("InputImage", "file_id"): "image_url",
    ("InputFile", "file_url"): "file_data",
    ("InputFile", "file_id"): "file_data",
    ("McpTool", "connector_id"): "server_url",
    ("McpTool", "tunnel_id"): "server_url",
}
"""Fields that stand in the place of another, and which."""


def least(kind: str, struct: str) -> JSON:
    """The least of this `type`, or of a Struct that has none."""
    if kind in CARRIED:
        return {"type": kind, **CARRIED[kind]}
    if kind in LEAST:
        return LEAST[kind]
    named: JSON = LEAST.get(struct, {})
    return {"type": kind, **named} if kind else named


def values(struct: str) -> dict[str, Any]:
    """An example of each field of this Struct."""
    return FIELDS.get(struct, {})

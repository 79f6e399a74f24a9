"""The kinds of tools that the client runs, each with a module that says how functions stand for it.

    custom.py        any text                       apply_patch.py   changes of files
    shell.py         shell and local_shell          computer.py      screen, mouse and keyboard
    tool_search.py   tools that are loaded later    base.py          what all kinds have in common

What is not here a provider runs itself, and nobody can stand in for it.
"""

from __future__ import annotations

from types import MappingProxyType

from antiphon.upstream.emulation.kinds.apply_patch import ApplyPatch
from antiphon.upstream.emulation.kinds.base import EmulatedCall, Kind
from antiphon.upstream.emulation.kinds.computer import PREVIEW, Computer
from antiphon.upstream.emulation.kinds.custom import Custom
from antiphon.upstream.emulation.kinds.shell import LocalShell, Shell
from antiphon.upstream.emulation.kinds.tool_search import ToolSearch

__all__ = ["CALLS", "KINDS", "OUTPUTS", "EmulatedCall", "Kind"]

_ALL: tuple[Kind, ...] = (Custom(), ApplyPatch(), Shell(), LocalShell(), Computer(), ToolSearch())

_ALIASES = {"computer_use": Computer(), PREVIEW: Computer()}

KINDS: MappingProxyType[str, Kind] = MappingProxyType({**{kind.kind: kind for kind in _ALL}, **_ALIASES})
"""By the type of the tool."""

CALLS: MappingProxyType[str, Kind] = MappingProxyType({kind.call_type: kind for kind in _ALL})
"""By the type of the items that are calls."""

OUTPUTS: MappingProxyType[str, Kind] = MappingProxyType({kind.output_type: kind for kind in _ALL})
"""By the type of the items that are outputs."""

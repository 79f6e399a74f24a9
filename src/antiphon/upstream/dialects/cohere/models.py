"""What Cohere's models can, by their names: nobody tells before a request is sent.

Models before the reasoning ones write a plan before they call (`tool_plan`), know no `thinking`, and want
the plan back. Those with thoughts have them in content blocks, want them back there, and refuse a plan.
"""

from __future__ import annotations

import re

_PLANNERS = re.compile(
    r"command(-(r|r-plus|r7b|light|nightly|xlarge|medium)\b.*|-a-(03|vision|translate)\b.*)?|(c4ai-)?aya\b.*"
)


def thinks(model: str) -> bool:
    """Whether it is one with thoughts. Names we have not met are of newer models, and those think."""
    return _PLANNERS.fullmatch(model) is None

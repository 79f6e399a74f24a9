"""What Codex tells the models of this gateway: the file that the operator names."""

from __future__ import annotations

from antiphon.settings import Settings
from antiphon.settings.problems import ConfigurationError, Problem


def instructions(settings: Settings) -> str | None:
    """None if no file is named. Raises ConfigurationError for one that cannot be read, or says nothing."""
    file = settings.codex_instructions
    if file is None:
        return None
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError([Problem("", "codex_instructions", f"{file}: {reason}")]) from None
    if not text:
        raise ConfigurationError([Problem("", "codex_instructions", f"{file}: there is nothing in it")])
    return text

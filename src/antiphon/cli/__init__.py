"""The command line: one file per command, which is imported only when its command runs.

Exit codes: 0 it worked, 1 it did not, 2 the command or the configuration is wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from antiphon.protocol.errors import AntiphonError
from antiphon.settings.problems import ConfigurationError
from antiphon.version import __version__

# name → (where it is, what it does, examples)
COMMANDS = {
    "serve": (
        "antiphon.cli.serve:serve",
        "Start the gateway.",
        ("antiphon serve", "antiphon serve --port 9000 --data /var/lib/antiphon"),
    ),
    "worker": (
        "antiphon.cli.worker:worker",
        "Make background responses, apart from the gateways that take them.",
        ("antiphon worker", "antiphon worker --config production.yaml"),
    ),
    "check": (
        "antiphon.cli.check:check",
        "Check the configuration, and show which providers it enables.",
        ("antiphon check", "antiphon check staging.yaml", "antiphon check --json"),
    ),
    "models": (
        "antiphon.cli.models:models",
        "List the models that can be asked for, with their limits and prices.",
        ("antiphon models", "antiphon models openai/gpt-5.5 fast", "antiphon models --json"),
    ),
    "usage": (
        "antiphon.cli.usage:usage",
        "Print what the calls to providers cost, by model.",
        ("antiphon usage", "antiphon usage --since 2026-11-01", "antiphon usage --json"),
    ),
    "migrate": (
        "antiphon.cli.migrate:migrate",
        "Bring the schema of the database up to date.",
        ("antiphon migrate", "antiphon migrate --config production.yaml", "antiphon migrate --json"),
    ),
    "backup": (
        "antiphon.cli.backup:backup",
        "Copy the database while gateways run on it.",
        ("antiphon backup copy.db", "antiphon backup /backup/copy.db --data /var/lib/antiphon"),
    ),
    "init": (
        "antiphon.cli.init:init",
        "Write a commented configuration file, with the providers whose keys are in the environment.",
        ("antiphon init", "antiphon init staging.yaml"),
    ),
    "schema": (
        "antiphon.cli.schema:schema",
        "Print the schema of the configuration file, for editors.",
        ("antiphon schema > antiphon.schema.json", "antiphon schema --format markdown"),
    ),
    "fields": (
        "antiphon.cli.fields:fields",
        "Print what becomes of each field of a request, in every dialect.",
        ("antiphon fields", "antiphon fields > fields.md"),
    ),
    "fake-upstream": (
        "antiphon.cli.fake_upstream:fake_upstream",
        "Start a model provider that goes wrong on request, to test gateways and agents with.",
        (
            "antiphon fake-upstream",
            "antiphon fake-upstream script.yaml --port 9000 --json",
            "antiphon fake-upstream --print-script",
        ),
    ),
    "version": (
        "antiphon.cli.version:version",
        "Print the versions of Antiphon and of what it runs on.",
        ("antiphon version", "antiphon version --json"),
    ),
    "completion": (
        "antiphon.cli.completion:completion",
        "Print a script that completes commands in your shell.",
        (
            'eval "$(antiphon completion bash)"',
            "antiphon completion zsh > ~/.zfunc/_antiphon",
            "antiphon completion fish > ~/.config/fish/completions/antiphon.fish",
        ),
    ),
}

KEY_COMMANDS = {
    "create": (
        "antiphon.cli.keys:create",
        "Make a gateway key and print it. It is shown this once.",
        ("antiphon keys create laptop", "antiphon keys create ci --json"),
    ),
    "list": (
        "antiphon.cli.keys:list_keys",
        "List the gateway keys: never the keys themselves.",
        ("antiphon keys list", "antiphon keys list --json"),
    ),
    "revoke": (
        "antiphon.cli.keys:revoke",
        "Revoke a gateway key. Requests with it are refused from now on.",
        ("antiphon keys revoke key_0123456789abcdef",),
    ),
}


def build() -> App:
    """The application, without any command imported."""
    app = App(
        name="antiphon",
        help="A self-hosted Responses API gateway: one protocol in front of every model provider.",
        version=__version__,
        version_flags=["--version"],
        help_format="plaintext",
    )
    keys = App(name="keys", help="Make, list and revoke gateway keys.", help_format="plaintext")
    for group, commands in ((app, COMMANDS), (keys, KEY_COMMANDS)):
        for name, (where, sentence, examples) in commands.items():
            shown = "\n".join(("Examples:", *(f"  {example}" for example in examples)))
            group.command(where, name=name, help=sentence, help_epilogue=shown)
    app.command(keys)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    try:
        code: int = build()(
            arguments,
            exit_on_error=False,
            result_action="return_int_as_exit_code_else_zero",
        )
    except CycloptsError:
        return 2  # it was printed
    except ConfigurationError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return 2
    except AntiphonError as error:
        print(f"antiphon: {error.message}", file=sys.stderr)
        return 1
    return code

"""The gateway keeps what its own OpenAPI document promises, whatever is asked that the document allows, or
forbids: what is just allowed and just not, in each place of it, then anything, then one thing after another.

The document that is tested is the one that is served, but for two things: of models it names the simulated
one, because it cannot know which there are; and the other paths of POST /v1/responses are left out, as are
keys of requests, which would make most of them the same. That a
request is valid by the document does not mean that it makes sense (`positive_data_acceptance`): an output
may lack its call. ANTIPHON_DESCRIBED_SECONDS asks for longer.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from antiphon.edge.openapi import CREATE_PATHS
from tests.contract.wire import ask
from tests.running import Running

SECONDS = os.environ.get("ANTIPHON_DESCRIBED_SECONDS", "15")


def test_whatever_is_asked_is_answered_as_the_document_says(gateway: Running, tmp_path: Path) -> None:
    document = ask(gateway, "GET", "/openapi.json", keyed=False).json()
    for path in CREATE_PATHS[1:]:
        del document["paths"][path]
    for methods in document["paths"].values():
        given = methods.get("post", {}).get("parameters", [])
        given[:] = [parameter for parameter in given if parameter["name"] != "Idempotency-Key"]
    for request in ("CreateResponse", "CountTokens"):
        document["components"]["schemas"][request]["properties"]["model"] = {"enum": ["sim/echo"]}
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    command = [sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", f"--url={gateway.url}"]
    command += [f"--header=Authorization: Bearer {gateway.key}", f"--max-time={SECONDS}"]
    command += [
        "--exclude-checks=positive_data_acceptance",
        "--suppress-health-check=all",
        "--max-failures=5",
    ]
    command += ["--generation-database=none", "--request-timeout=10", "--warnings=off", "--no-color"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    print(ran.stdout)
    assert ran.returncode == 0
    [generated] = re.findall(r"(\d+) generated, \1 passed", ran.stdout)
    assert int(generated) > 10  # hundreds on a machine with nothing else to do

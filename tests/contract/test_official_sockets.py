"""What the official compliance suite of Open Responses asserts over a WebSocket, against the specification as
it is, unamended. The requests are those of the suite, by the names of its tests.

For each: every message is one of the 24 events or a WebSocketErrorEvent, and the response that it ends in is
one, completed, with output.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.contract import specifications
from tests.contract.test_official_suite import CONVERSATION, check, message
from tests.contract.wire import ask
from tests.edge.sockets import Socket, socket
from tests.running import Running

pytestmark = specifications.needed

INVENTED = "resp_openresponses_missing"


def turn(client: Socket, **fields: Any) -> tuple[dict[str, Any] | None, str | None]:
    """The response, and the code of what went wrong, as the suite looks for them."""
    client.send(**fields)
    events = client.answer()
    for event in events:
        if event["type"] == "error":
            specifications.open_responses(amended=False).check("WebSocketErrorEvent", event)
            return None, event["error"]["code"]
        specifications.open_responses(amended=False).check_event(event)
    response = events[-1]["response"]
    return response, (response["error"] or {}).get("code")


def completed(client: Socket, **fields: Any) -> dict[str, Any]:
    response, code = turn(client, **fields)
    assert code is None
    check(response)
    assert response is not None
    return response


def test_websocket_response(gateway: Running) -> None:
    with socket(gateway) as client:
        completed(client, input=[message("user", "Say hello in exactly 3 words.")])


def test_websocket_sequential_responses(gateway: Running) -> None:
    with socket(gateway) as client:
        completed(client, store=False, input="Say one.")
        completed(client, store=False, input="Say two.")


def test_websocket_continuation(gateway: Running) -> None:
    with socket(gateway) as client:
        first = completed(client, store=False, input="Remember the code word maple.")
        completed(client, store=False, input="What is it?", previous_response_id=first["id"])


def test_websocket_reconnect_store_false_recovery(gateway: Running) -> None:
    with socket(gateway) as client:
        first = completed(client, store=False, input="Remember the code word maple.")
    with socket(gateway) as client:
        _, code = turn(client, store=False, input="What is it?", previous_response_id=first["id"])
        assert code == "previous_response_not_found"
        completed(client, store=False, input="Remember the code word maple. What is it?")


def test_websocket_previous_response_not_found(gateway: Running) -> None:
    with socket(gateway) as client:
        _, code = turn(client, store=False, input="x", previous_response_id=INVENTED)
        assert code == "previous_response_not_found"


def test_websocket_failed_continuation_evicts_cache(gateway: Running) -> None:
    lost = {"type": "function_call_output", "call_id": "call_openresponses_missing", "output": "x"}
    with socket(gateway) as client:
        first = completed(client, store=False, input="Remember the code word maple.")
        response, code = turn(client, store=False, input=[lost], previous_response_id=first["id"])
        assert response is None
        assert code is not None
        _, code = turn(client, store=False, input="What is it?", previous_response_id=first["id"])
        assert code == "previous_response_not_found"


def test_websocket_compact_new_chain(gateway: Running) -> None:
    body = {"model": "sim/echo", "input": CONVERSATION}
    compacted = ask(gateway, "POST", "/v1/responses/compact", body).json()["output"]
    with socket(gateway) as client:
        window = [*compacted, message("user", "What is my code name?")]
        completed(client, store=False, input=window, tools=[])


def test_all_of_them_at_once(gateway: Running) -> None:
    cases = [
        test_websocket_response,
        test_websocket_sequential_responses,
        test_websocket_continuation,
        test_websocket_reconnect_store_false_recovery,
        test_websocket_previous_response_not_found,
        test_websocket_failed_continuation_evicts_cache,
        test_websocket_compact_new_chain,
    ]
    with ThreadPoolExecutor(len(cases)) as threads:
        for played in [threads.submit(case, gateway) for case in cases]:
            played.result(30)

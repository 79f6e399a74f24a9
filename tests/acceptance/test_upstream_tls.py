"""A provider behind TLS is called only when its certificate is in order, and is sent nothing before that.

The gateway trusts the authorities in the file that SSL_CERT_FILE names, as OpenSSL does everywhere.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from tests.acceptance.processes import KEYS, gateway
from tests.acceptance.provider import PROVIDER_KEY, TIMEOUTS, Place, asked
from tests.upstream.faults import HELLO, Script, Visit, always, answer

HOST = "127.0.0.1"
ours, unknown = trustme.CA(), trustme.CA()


def behind(certificate: trustme.LeafCert, script: Script) -> Script:
    """The script, spoken through TLS with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)

    async def speak(visit: Visit) -> None:
        await visit.writer.start_tls(context)
        await script(visit)

    return speak


def expired() -> trustme.LeafCert:
    day, now = timedelta(days=1), datetime.now(UTC)
    return ours.issue_cert(HOST, not_before=now - 2 * day, not_after=now - day)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("place")
    authorities = folder / "authorities.pem"
    ours.cert_pem.write_to_path(str(authorities))
    with socket.create_server((HOST, 0)) as listening:
        port = listening.getsockname()[1]
        provider = {
            "dialect": "chat",
            "base_url": f"https://{HOST}:{port}/v1",
            "api_key": PROVIDER_KEY,
            "timeouts": TIMEOUTS,
        }
        settings = {"keys": KEYS, "providers": {"faulty": provider}, "log": {"level": "debug"}}
        with gateway(folder, settings, {"SSL_CERT_FILE": str(authorities)}) as process:
            yield Place(process, folder, listening)


async def test_a_certificate_of_an_authority_that_the_operator_trusts_is_accepted(place: Place) -> None:
    async with place.speaking(behind(ours.issue_cert(HOST), always(HELLO))) as upstream:
        answered = await asked(place)
    assert answered.status == 200, answered.body
    assert len(upstream.requests) == 1


async def speak_plainly(visit: Visit) -> None:
    """As a server does that knows HTTP and no TLS."""
    await visit.send(answer(b"What?", "400 Bad Request", "text/plain"))


async def hang_up(visit: Visit) -> None:
    """In the middle of the handshake."""


NOT_TRUSTED = "No trusted TLS connection to the provider could be made."
REFUSED = "The provider refused the connection."

# What the provider does, and what the client is told.
UNFIT: dict[str, tuple[Script, str]] = {
    "has expired": (behind(expired(), always(HELLO)), NOT_TRUSTED),
    "names another host": (behind(ours.issue_cert("elsewhere.example"), always(HELLO)), NOT_TRUSTED),
    "is of an unknown authority": (behind(unknown.issue_cert(HOST), always(HELLO)), NOT_TRUSTED),
    "is not shown": (speak_plainly, NOT_TRUSTED),
    "does not come": (hang_up, REFUSED),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", UNFIT)
async def test_a_provider_whose_certificate_is_not_in_order_is_asked_once_and_sent_nothing(
    place: Place, name: str, stream: bool
) -> None:
    script, told = UNFIT[name]
    async with place.speaking(script) as upstream:
        answered = await asked(place, stream=stream)
    assert (answered.status, answered.error["code"]) == (502, "upstream_unreachable")
    assert answered.error["message"] == told
    assert (len(upstream.visits), upstream.requests) == (1, [])
    assert PROVIDER_KEY not in (place.folder / "log").read_text()

"""Ports on which nobody can be reached: refused, swallowed, or behind a certificate that is not in order.

    refuses       no one listens
    swallows      the queue of connections is full, and the kernel drops what knocks
    tls-trusted   a certificate of an authority that `GET /` gives out, for those who want to trust it
    tls-expired   … of yesterday               tls-other-host   … for another name
    tls-unknown   … of an authority that nobody knows

Behind TLS the same script is played. TLS spoken to the ordinary port is the case of a server without it.
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from socket import AF_INET, SOCK_STREAM, socket
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
_KNOCKS = 8  # connections that nobody accepts; the queue of Linux holds one more than it is told
_DAY = timedelta(days=1)

Serve: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class FaultyPorts:
    """`ports` by what is wrong with them; `authority`: a certificate in PEM, that of `tls-trusted`."""

    ports: dict[str, int]
    authority: str


@asynccontextmanager
async def faulty_ports(serve: Serve) -> AsyncIterator[FaultyPorts]:
    """Open until the end of the block."""
    known, unknown = Authority("known"), Authority("unknown")
    certificates = {
        "tls-trusted": known.issue(HOST),
        "tls-expired": known.issue(HOST, expired=True),
        "tls-other-host": known.issue("elsewhere.example"),
        "tls-unknown": unknown.issue(HOST),
    }
    async with AsyncExitStack() as stack:
        ports = {"refuses": stack.enter_context(refusing()), "swallows": stack.enter_context(swallowing())}
        for name, certificate in certificates.items():
            server = await asyncio.start_server(serve, HOST, 0, ssl=_context(certificate))
            stack.callback(server.close)
            ports[name] = server.sockets[0].getsockname()[1]
        yield FaultyPorts(ports, known.pem.decode())


@contextmanager
def refusing() -> Iterator[int]:
    """A port that is taken, so that no one else listens there either."""
    with socket(AF_INET, SOCK_STREAM) as taken:
        taken.bind((HOST, 0))
        yield taken.getsockname()[1]


@contextmanager
def swallowing() -> Iterator[int]:
    """A port whose queue is full."""
    with socket(AF_INET, SOCK_STREAM) as full:
        full.bind((HOST, 0))
        full.listen(0)
        knocking = [socket(AF_INET, SOCK_STREAM) for _ in range(_KNOCKS)]
        for each in knocking:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        try:
            yield full.getsockname()[1]
        finally:
            for each in knocking:
                each.close()


class Authority:
    """Issues certificates, each with its key, as PEM."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(f"Antiphon's fake upstream ({name})")
        now = datetime.now(UTC)
        certificate = (
            _begun(self._name, self._name, self._key.public_key(), now - _DAY, now + 30 * _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, SHA256())
        )
        self.pem = certificate.public_bytes(Encoding.PEM)

    def issue(self, host: str, *, expired: bool = False) -> bytes:
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        until = now - _DAY if expired else now + 30 * _DAY
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        name = x509.IPAddress(ip_address(host)) if host == HOST else x509.DNSName(host)
        certificate = (
            _begun(_named(host), self._name, key.public_key(), now - 2 * _DAY, until)
            .add_extension(x509.SubjectAlternativeName([name]), critical=False)
            .add_extension(issuer, critical=False)
            .sign(self._key, SHA256())
        )
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return secret + certificate.public_bytes(Encoding.PEM)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _begun(
    name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, since: datetime, until: datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder(issuer, name, key, x509.random_serial_number())
    return builder.not_valid_before(since).not_valid_after(until)


def _context(certificate: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:  # which only we can read
        file = Path(folder) / "certificate.pem"
        file.write_bytes(certificate)
        context.load_cert_chain(file)
    return context

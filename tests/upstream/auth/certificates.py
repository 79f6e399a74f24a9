"""A certificate and its key, as an application of Entra ID has them, and files of these."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509 import Certificate, CertificateBuilder, Name, NameAttribute
from cryptography.x509.oid import NameOID

PASSWORD = "correct horse"


@cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def certificate(private: Any = None) -> Certificate:
    name, now = Name([NameAttribute(NameOID.COMMON_NAME, "gateway")]), datetime.now(UTC)
    built = CertificateBuilder().subject_name(name).issuer_name(name).serial_number(7)
    built = built.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return built.public_key((private or key()).public_key()).sign(private or key(), SHA256())


def key_in_pem(private: Any = None, password: str | None = None) -> bytes:
    encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return bytes((private or key()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))


def in_pem(*certificates: Certificate, password: str | None = None) -> bytes:
    return key_in_pem(password=password) + b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


def in_pkcs12(own: Certificate, password: str | None = None) -> bytes:
    encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return pkcs12.serialize_key_and_certificates(b"gateway", key(), own, None, encryption)

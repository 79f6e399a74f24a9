"""URLs of databases and of Redis: which of them mean something, and what of one may be shown.

    sqlite:///relative/or//absolute.db
    postgresql://user:password@host:port/database?sslmode=require      as of libpq, several hosts with commas
    redis://user:password@host:port    rediss://… with TLS    unix:///run/redis.sock

https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import SplitResult, parse_qs, parse_qsl, urlencode, urlsplit

SQLITE = "sqlite:///"
POSTGRES = ("postgresql://", "postgres://")
REDIS = ("redis://", "rediss://", "unix://")
_REDIS_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname")
_LIBPQ = ("host", "port", "dbname", "user", "sslmode", "sslrootcert", "sslcert", "sslkey")
_ENCODED = "in a password, write each of @ : / ? # % as its percent-encoding, such as %40"


def mistake(url: str) -> str | None:
    """What is wrong with it, in words that quote nothing of it; None if nothing is."""
    if url.startswith(SQLITE):
        return None if url != SQLITE else "names no file, as in sqlite:////var/lib/antiphon/antiphon.db"
    if url.startswith(("postgresql+", "postgres+")):
        return "a PostgreSQL URL begins with postgresql://, without the name of a driver"
    if not url.startswith(POSTGRES):
        return f"a database URL begins with {SQLITE} or {POSTGRES[0]}"
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"not a URL; {_ENCODED}"
    return _mistake_of_server(parts)


def _mistake_of_server(parts: SplitResult) -> str | None:
    hosts = parts.netloc.rpartition("@")[2].split(",")
    ports = [host.rpartition("]")[2].partition(":")[2] for host in hosts]
    if parts.fragment or "@" in parts.path or not all(port.isdecimal() or not port for port in ports):
        return f"not a URL with a host and a port; {_ENCODED}"
    if not parts.path.strip("/") and "dbname" not in parse_qs(parts.query):
        return "names no database, as in postgresql://user@host/antiphon"
    return None


def mistake_of_redis(url: str) -> str | None:
    """What is wrong with a URL of Redis, in words that quote nothing of it; None if nothing is."""
    if not url.startswith(REDIS):
        return "a Redis URL begins with redis://, rediss:// (TLS) or unix:// (a socket)"
    try:
        parts = urlsplit(url)
        whole = parts.port is None or parts.port > 0
    except ValueError:
        return f"not a URL with a host and a port; {_ENCODED}"
    if not whole or parts.fragment or "@" in parts.path:
        return f"not a URL with a host and a port; {_ENCODED}"
    if set(parse_qs(parts.query)) - set(_REDIS_OPTIONS):
        return f"knows no options but {', '.join(_REDIS_OPTIONS)}"
    return _mistake_of_place(parts)


def _mistake_of_place(parts: SplitResult) -> str | None:
    if parts.scheme == "unix":
        return None if parts.path.strip("/") else "names no socket, as in unix:///run/redis/redis.sock"
    if not parts.hostname:
        return "names no host, as in redis://127.0.0.1:6379"
    if parts.query and parts.scheme != "rediss":
        return "options are for TLS, with rediss://"
    if parts.path.strip("/") and not parts.path.strip("/").isdecimal():
        return f"behind the host stands at most the number of a database; {_ENCODED}"
    return None


def is_postgres(url: str) -> bool:
    """Whether it is PostgreSQL's, of those without a mistake."""
    return url.startswith(POSTGRES)


def file(url: str) -> Path:
    """Where the database of an sqlite URL is."""
    return Path(url.removeprefix(SQLITE))


def shown(url: str) -> str:
    """What people are told of it: the file, or the server without password and options."""
    if not is_postgres(url):
        return str(file(url))
    return _without_password(urlsplit(url))


def for_tools(url: str) -> str:
    """A PostgreSQL URL for PostgreSQL's own tools, without its password."""
    parts = urlsplit(url)
    options = [(name, value) for name, value in parse_qsl(parts.query) if name in _LIBPQ]
    return _without_password(parts) + ("?" + urlencode(options) if options else "")


def _without_password(parts: SplitResult) -> str:
    credentials, at, hosts = parts.netloc.rpartition("@")
    return f"postgresql://{credentials.partition(':')[0]}{at}{hosts}{parts.path}"

"""URLs of databases and of Redis: what is refused, in which words, and what is never shown."""

from __future__ import annotations

import pytest

from antiphon.stores.drivers.redis import RedisBus
from antiphon.stores.urls import file, for_tools, is_postgres, mistake, mistake_of_redis, shown

PASSWORD = "s3cr3t"


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///antiphon.db",
        "sqlite:////var/lib/antiphon.db",
        "postgresql://localhost/antiphon",
        "postgres://me@[::1]:5433/antiphon",
        "postgresql://me:s%40crt@one:5432,two:5432/antiphon?sslmode=verify-full",
        "postgresql:///antiphon?host=/var/run/postgresql",
        "postgresql://me@db?dbname=antiphon",
    ],
)
def test_what_means_something_is_accepted(url: str) -> None:
    assert mistake(url) is None
    assert is_postgres(url) == url.startswith("postgres")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("antiphon.db", "begins with sqlite:/// or postgresql://"),
        (f"mysql://me:{PASSWORD}@db/antiphon", "begins with sqlite:/// or postgresql://"),
        ("sqlite:///", "names no file"),
        (f"postgresql+asyncpg://me:{PASSWORD}@db/antiphon", "without the name of a driver"),
        (f"postgresql://me:{PASSWORD}@db", "names no database"),
        (f"postgresql://me:{PASSWORD}@db/", "names no database"),
        (f"postgresql://me:{PASSWORD}@db:port/antiphon", "percent-encoding"),
        (f"postgresql://me:{PASSWORD}/x@db/antiphon", "percent-encoding"),
        (f"postgresql://me:{PASSWORD}#x@db/antiphon", "percent-encoding"),
        (f"postgresql://me:[{PASSWORD}@db/antiphon", "percent-encoding"),
    ],
)
def test_what_means_nothing_is_explained_without_quoting_it(url: str, said: str) -> None:
    told = mistake(url)
    assert told is not None
    assert said in told
    assert PASSWORD not in told


def test_what_is_shown_has_no_password_and_no_options() -> None:
    assert shown("sqlite:////var/lib/antiphon.db") == "/var/lib/antiphon.db"
    url = f"postgres://me:{PASSWORD}@one:5432,two/antiphon?sslmode=require&password={PASSWORD}"
    assert shown(url) == "postgresql://me@one:5432,two/antiphon"
    assert for_tools(url) == "postgresql://me@one:5432,two/antiphon?sslmode=require"
    assert shown("postgresql:///antiphon?host=/run") == "postgresql:///antiphon"


def test_the_file_is_what_stands_behind_the_slashes() -> None:
    assert str(file("sqlite:///a/b.db")) == "a/b.db"
    assert str(file("sqlite:////a/b.db")) == "/a/b.db"


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1",
        "redis://me:s%40crt@[::1]:6380/0",
        "rediss://:secret@cache.internal:6380?ssl_ca_certs=/etc/ca.pem",
        "unix:///run/redis/redis.sock",
        "unix://me:secret@/run/redis.sock",
    ],
)
def test_a_url_of_redis_that_means_something_is_accepted(url: str) -> None:
    assert mistake_of_redis(url) is None
    RedisBus(url, "process", prefix="test")._client()  # which knows every option of it


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("127.0.0.1:6379", "begins with redis://"),
        (f"http://:{PASSWORD}@cache", "begins with redis://"),
        (f"redis://:{PASSWORD}@", "names no host"),
        (f"redis://:{PASSWORD}@cache:port", "percent-encoding"),
        (f"redis://:{PASSWORD}@cache:0", "percent-encoding"),
        (f"redis://:{PASSWORD}/x@cache", "percent-encoding"),
        (f"redis://:{PASSWORD}#x@cache", "percent-encoding"),
        (f"redis://:[{PASSWORD}@cache", "percent-encoding"),
        (f"redis://cache/{PASSWORD}", "number of a database"),
        (f"redis://cache?password={PASSWORD}", "knows no options but ssl_ca_certs"),
        ("redis://cache?ssl_ca_certs=x", "with rediss://"),
        ("unix://", "names no socket"),
    ],
)
def test_a_url_of_redis_that_means_nothing_is_explained_without_quoting_it(url: str, said: str) -> None:
    told = mistake_of_redis(url)
    assert told is not None
    assert said in told
    assert PASSWORD not in told

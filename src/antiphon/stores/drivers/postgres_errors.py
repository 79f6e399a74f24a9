"""What an error of asyncpg means: for its connection, for whether to try again, and for the caller.

    lost          the connection is of no use any more
    conflict      the transaction was rolled back for another's sake; the same again may succeed
    unavailable   the server cannot serve now
    constraint    a row is there twice, or refers to nothing
    all others    mistakes of ours, handed on as they are

The classes: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import asyncpg

from antiphon.stores.drivers.base import ConstraintViolated, unavailable

ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,  # and with it TimeoutError
    TypeError,
    ValueError,
    OverflowError,
    KeyError,
)
"""What a statement can raise."""

_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InternalClientError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    OSError,
)
_CONFLICT = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InvalidCachedStatementError,  # the schema was changed under a prepared statement
)
_UNAVAILABLE = (
    *_LOST,
    *_CONFLICT,
    asyncpg.LockNotAvailableError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresSystemError,
    asyncpg.InternalServerError,
)


def loses_connection(error: BaseException) -> bool:
    """Whether the connection must be dropped. One that is closed must be as well, whatever the error."""
    return isinstance(error, _LOST)


def is_conflict(error: BaseException) -> bool:
    """Whether the server has rolled back and may be asked again."""
    return isinstance(error, _CONFLICT)


def concerns_one(error: BaseException) -> bool:
    """Whether, of several in one transaction, it is the matter of one of them alone."""
    return not isinstance(error, _UNAVAILABLE) or isinstance(error, asyncpg.LockNotAvailableError)


def told(error: Exception, *, closed: bool) -> Exception:
    """Our error for the server's. Its text, which may name hosts, stays out of what clients see."""
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return ConstraintViolated(str(error))
    if closed or isinstance(error, _UNAVAILABLE):
        return unavailable(error)
    return error

"""Answers: what was answered to requests that have an Idempotency-Key, so that each is done once.

    (nothing) ──claim──▶ held until … ──save──▶ answered ──24 h──▶ (nothing)
        ▲                  │ ▲  └─┘ renew
        └──release─────────┘ └── claim by another, when it was not renewed in time

A row is found by project, route and key. The token fences: who was replaced can neither save nor release.
Times are the database's own, in milliseconds.
"""

from __future__ import annotations

from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    and_,
    bindparam,
    delete,
    insert,
    null,
    or_,
    select,
    tuple_,
    update,
)

from antiphon.core.records import Answer, AnswerKey
from antiphon.stores.clock import database_now
from antiphon.stores.drivers.base import ConstraintViolated, Driver, Parameters, Statement, Step
from antiphon.stores.schema import answers


def delete_answers_about() -> ClauseElement:
    """Parameters: `project_id`, and the `id` of a response or conversation that is deleted."""
    return delete(answers).where(
        answers.c.project_id == bindparam("project_id"), answers.c.subject == bindparam("id")
    )


LIFETIME = 24 * 60 * 60 * 1000  # milliseconds


class Answers:
    """The answers of all projects. All methods raise StorageUnavailable and Overloaded."""

    def __init__(self, driver: Driver, *, lifetime: int = LIFETIME) -> None:
        """`lifetime`: milliseconds for which an answer is kept. Compiles the statements, once."""
        self._driver = driver
        self._lifetime = lifetime
        self._clear: Statement = driver.compile(_clear())
        self._insert: Statement = driver.compile(_insert())
        self._select: Statement = driver.compile(_select())
        self._renew: Statement = driver.compile(_renew())
        self._save: Statement = driver.compile(_save())
        self._release: Statement = driver.compile(_release())
        self._forget: Statement = driver.compile(_forget())

    async def claim(self, key: AnswerKey, fingerprint: bytes, token: str, lease: int) -> Answer | None:
        """Begin to answer, for `lease` milliseconds; or what there is already: None if it was claimed."""
        row: Parameters = {**_found(key), "fingerprint": fingerprint, "token": token, "lease": lease}
        cleared: Parameters = {**_found(key), "lifetime": self._lifetime}
        while True:
            try:
                await self._driver.write(Step(self._clear, [cleared]), Step(self._insert, [row]))
            except ConstraintViolated:
                answered = await self._driver.read(self._select, _found(key))
                if answered:  # else it was released in between
                    return Answer(*answered[0])
            else:
                return None

    async def renew(self, key: AnswerKey, token: str, lease: int) -> bool:
        """For another `lease` milliseconds; False if somebody else answers by now."""
        held: Parameters = {**_found(key), "token": token, "lease": lease}
        return bool(await self._driver.note(Step(self._renew, [held])))

    async def save(self, key: AnswerKey, token: str, answer: Answer) -> bool:
        """Committed when this returns; False if somebody else answers by now."""
        row: Parameters = {
            **_found(key),
            "token": token,
            "its_status": answer.status,
            "its_type": answer.content_type,
            "its_body": answer.body,
            "its_subject": answer.subject,
        }
        return bool(await self._driver.write(Step(self._save, [row])))

    async def release(self, key: AnswerKey, token: str) -> None:
        """Nothing was done; the next request with the key begins anew."""
        await self._driver.note(Step(self._release, [{**_found(key), "token": token}]))

    async def forget(self, most: int) -> int:
        """Delete so many answers that are too old; how many there were."""
        bounds: Parameters = {"lifetime": self._lifetime, "most": most}
        return len(await self._driver.note(Step(self._forget, [bounds])))


def _found(key: AnswerKey) -> Parameters:
    return {"project": key.project_id, "its_route": key.route, "its_key": key.key}


def _is_found() -> ColumnElement[bool]:
    return and_(
        answers.c.project_id == bindparam("project"),
        answers.c.route == bindparam("its_route"),
        answers.c.key == bindparam("its_key"),
    )


def _is_held() -> ColumnElement[bool]:
    return and_(_is_found(), answers.c.token == bindparam("token"), answers.c.held_until.is_not(None))


def _is_old() -> ColumnElement[bool]:
    return answers.c.created_at < database_now() - bindparam("lifetime")


def _clear() -> ClauseElement:
    """Away with what is too old, or left behind."""
    return delete(answers).where(_is_found(), or_(_is_old(), answers.c.held_until < database_now()))


def _insert() -> ClauseElement:
    return insert(answers).values(
        project_id=bindparam("project"),
        route=bindparam("its_route"),
        key=bindparam("its_key"),
        fingerprint=bindparam("fingerprint"),
        token=bindparam("token"),
        held_until=database_now() + bindparam("lease"),
        created_at=database_now(),
    )


def _select() -> ClauseElement:
    return select(
        answers.c.fingerprint, answers.c.status, answers.c.content_type, answers.c.body, answers.c.subject
    ).where(_is_found())


def _renew() -> ClauseElement:
    until = database_now() + bindparam("lease")
    return update(answers).where(_is_held()).values(held_until=until).returning(answers.c.key)


def _save() -> ClauseElement:
    return (
        update(answers)
        .where(_is_held())
        .values(
            held_until=null(),
            status=bindparam("its_status"),
            content_type=bindparam("its_type"),
            body=bindparam("its_body"),
            subject=bindparam("its_subject"),
        )
        .returning(answers.c.key)
    )


def _release() -> ClauseElement:
    return delete(answers).where(_is_held())


def _forget() -> ClauseElement:
    place = tuple_(answers.c.project_id, answers.c.route, answers.c.key)
    old = (
        select(answers.c.project_id, answers.c.route, answers.c.key)
        .where(_is_old())
        .order_by(answers.c.created_at)
        .limit(bindparam("most"))
        .offset(0)
    )
    return delete(answers).where(place.in_(old)).returning(answers.c.key)

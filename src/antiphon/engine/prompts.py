"""Prompts: made and read by clients, and put into the requests that name them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from antiphon.core.records import Caller, Page, PromptRecord
from antiphon.observe.clock import NewId, Now
from antiphon.protocol.json import JSON
from antiphon.protocol.options import Prompt
from antiphon.protocol.prompts import PromptVersion, filled, prompt_object, unknown_prompt
from antiphon.protocol.schema import check


class PromptStore(Protocol):
    """Where prompts are kept; every call is for one project, and raises nothing but GatewayError."""

    async def create(self, record: PromptRecord, /) -> None: ...

    async def add(self, record: PromptRecord, /) -> int | None: ...

    async def get(self, project_id: str, id: str, version: int | None = None, /) -> PromptRecord | None: ...

    async def list(self, project_id: str, /, *, after: str, limit: int) -> Sequence[PromptRecord]: ...

    async def delete(self, project_id: str, id: str, /) -> bool: ...


class Prompts:
    """The prompts of all projects.

    Everything raises NotFound for one that is not there, or not the caller's.
    """

    def __init__(self, store: PromptStore, new_id: NewId, now: Now) -> None:
        self._store = store
        self._new_id = new_id
        self._now = now

    async def fill(self, caller: Caller, body: JSON) -> JSON:
        """The request that the body of a request makes with the prompt that it names, if it names one.

        Raises InvalidRequest for its variables.
        """
        if body.get("prompt") is None:
            return body
        named: Prompt = check(body["prompt"], Prompt, "prompt")
        record = await self._found(caller, named.id, named.version, "prompt")
        prompt: JSON = {"id": record.id, "version": str(record.version)}
        if named.variables:
            prompt["variables"] = named.variables
        return filled(body, record.template, prompt)

    async def create(self, caller: Caller, asked: PromptVersion) -> JSON:
        """The object of the first version."""
        record = self._record(caller, self._new_id("prompt"), asked)
        await self._store.create(record)
        return _object(record)

    async def add(self, caller: Caller, prompt_id: str, asked: PromptVersion) -> JSON:
        """The object of another version."""
        record = self._record(caller, prompt_id, asked)
        version = await self._store.add(record)
        if version is None:
            raise unknown_prompt(prompt_id)
        record.version = version
        return _object(record)

    async def retrieve(self, caller: Caller, prompt_id: str, version: str | None) -> JSON:
        """The object of this version, or of the latest."""
        return _object(await self._found(caller, prompt_id, version, "prompt_id"))

    async def list(self, caller: Caller, *, after: str | None, limit: int) -> Page:
        """The latest versions, the oldest prompt first."""
        found = await self._store.list(caller.project_id, after=after or "", limit=limit + 1)
        return Page([_object(record) for record in found[:limit]], len(found) > limit)

    async def delete(self, caller: Caller, prompt_id: str) -> None:
        """With all its versions."""
        if not await self._store.delete(caller.project_id, prompt_id):
            raise unknown_prompt(prompt_id)

    def _record(self, caller: Caller, prompt_id: str, asked: PromptVersion) -> PromptRecord:
        return PromptRecord(
            project_id=caller.project_id,
            id=prompt_id,
            version=1,
            name=asked.name,
            created_at=self._now(),
            template=asked.template,
        )

    async def _found(self, caller: Caller, prompt_id: str, version: str | None, param: str) -> PromptRecord:
        is_number = version is None or (version.isascii() and version.isdecimal() and len(version) < 10)
        number = int(version) if version is not None and is_number else None
        found = await self._store.get(caller.project_id, prompt_id, number) if is_number else None
        if found is None or number == 0:
            raise unknown_prompt(prompt_id, version, param)
        return found


def _object(record: PromptRecord) -> JSON:
    return prompt_object(record.id, str(record.version), record.name, record.created_at, record.template)

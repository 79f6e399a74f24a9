"""instructor: one task, named by the first argument, with the model of the second; prints JSON."""

import json
import sys
from typing import Any

import instructor
from openai import OpenAI
from pydantic import BaseModel, field_validator

_asked: list[str] = []


class Person(BaseModel):
    name: str
    age: int


class Picky(Person):
    """The first answer is refused, so that the model is asked again."""

    @field_validator("name")
    @classmethod
    def _not_at_once(cls, name: str) -> str:
        _asked.append(name)
        if len(_asked) == 1:
            raise ValueError("not at once")
        return name


def client(mode: instructor.Mode = instructor.Mode.RESPONSES_TOOLS) -> Any:
    return instructor.from_openai(OpenAI(), mode=mode)


def extracted(model: str) -> object:
    return client().responses.create(model=model, input="Who was it?", response_model=Person).model_dump()


def provided(model: str) -> object:
    chosen = instructor.from_provider(f"openai/{model}", mode=instructor.Mode.RESPONSES_TOOLS)
    return chosen.responses.create(input="Who was it?", response_model=Person).model_dump()


def partial(model: str) -> object:
    pieces = list(
        client().responses.create_partial(model=model, input="Who was it, in parts?", response_model=Person)
    )
    return {"last": pieces[-1].model_dump(), "pieces": len(pieces)}


def again(model: str) -> object:
    found = client().responses.create(
        model=model, input="Who was it, again?", response_model=Picky, max_retries=2
    )
    return {"found": found.model_dump(), "asked": _asked}


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](sys.argv[2])))

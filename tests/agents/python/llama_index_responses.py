"""LlamaIndex: one task, named by the first argument, with the model of the second; prints JSON."""

import asyncio
import json
import os
import sys
from base64 import b64decode

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock, ThinkingBlock
from llama_index.llms.openai import OpenAIResponses
from pydantic import BaseModel

asked: list[str] = []
THINKS = {"effort": "medium", "summary": "auto"}
RED = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
)


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


def get_weather(city: str) -> str:
    """The weather of a city."""
    asked.append(city)
    return f"It is sunny in {city}."


def llm(model: str, **more: object) -> OpenAIResponses:
    """Its models are known to it by name; of others it must be told the size of the context, and to think."""
    own = {"context_window": 100_000, "additional_kwargs": {"reasoning": THINKS}}
    return OpenAIResponses(model=model, api_base=os.environ["BASE_URL"], **own, **more)


async def answer(model: str) -> object:
    return llm(model).complete("Greet me.").text


async def streamed(model: str) -> object:
    pieces = list(llm(model).stream_chat([ChatMessage("Think and greet.")]))
    thoughts = [block.content for block in pieces[-1].message.blocks if isinstance(block, ThinkingBlock)]
    return {"text": "".join(piece.delta for piece in pieces), "pieces": len(pieces), "thoughts": thoughts}


async def steps(model: str, **more: object) -> object:
    agent = FunctionAgent(tools=[get_weather], llm=llm(model, **more))
    return {"text": str(await agent.run("The weather step by step, please.")), "asked": asked}


async def stored(model: str) -> object:
    return await steps(model, store=True, track_previous_responses=True)


async def structured(model: str) -> object:
    return llm(model).as_structured_llm(Person).complete("Who is it?").raw.model_dump()


async def picture(model: str) -> object:
    blocks = [TextBlock(text="Describe the picture."), ImageBlock(image=RED)]
    return llm(model).chat([ChatMessage(role="user", blocks=blocks)]).message.content


if __name__ == "__main__":
    print(json.dumps(asyncio.run(globals()[sys.argv[1]](sys.argv[2]))))

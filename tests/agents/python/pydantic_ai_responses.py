"""Pydantic AI: one task, named by the first argument, with the model of the second; prints JSON."""

import asyncio
import json
import sys
from base64 import b64decode

from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, NativeOutput
from pydantic_ai.messages import ThinkingPart
from pydantic_ai.models.openai import OpenAIResponsesModel, OpenAIResponsesModelSettings

asked: list[str] = []
THINKS = OpenAIResponsesModelSettings(openai_reasoning_effort="medium", openai_reasoning_summary="auto")
RED = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
)


class Person(BaseModel):
    name: str
    age: int


def get_weather(city: str) -> str:
    """The weather of a city."""
    asked.append(city)
    return f"It is sunny in {city}."


async def answer(model: OpenAIResponsesModel) -> object:
    result = await Agent(model).run("Greet me.")
    return {"text": result.output, "tokens": result.usage.total_tokens}


async def streamed(model: OpenAIResponsesModel) -> object:
    async with Agent(model, model_settings=THINKS).run_stream("Think and greet.") as result:
        pieces = [piece async for piece in result.stream_text(delta=True, debounce_by=None)]
        parts = result.all_messages()[-1].parts
    thoughts = [part.content for part in parts if isinstance(part, ThinkingPart)]
    return {"text": "".join(pieces), "pieces": len(pieces), "thoughts": thoughts}


async def steps(model: OpenAIResponsesModel, **more: object) -> object:
    agent = Agent(model, tools=[get_weather], model_settings=THINKS | more)
    first = await agent.run("The weather step by step, please.")
    second = await agent.run("Greet me.", message_history=first.all_messages())
    return {"texts": [first.output, second.output], "asked": asked}


async def chained(model: OpenAIResponsesModel) -> object:
    """The gateway keeps the conversation: only what is new is sent."""
    return await steps(model, openai_previous_response_id="auto")


async def unstored(model: OpenAIResponsesModel) -> object:
    return await steps(model, openai_store=False, openai_include_encrypted_reasoning=True)


async def by_schema(model: OpenAIResponsesModel) -> object:
    result = await Agent(model, output_type=NativeOutput(Person)).run("Who is it?")
    return result.output.model_dump()


async def by_tool(model: OpenAIResponsesModel) -> object:
    """The type is a tool that the model must call."""
    return (await Agent(model, output_type=Person).run("Who called?")).output.model_dump()


async def picture(model: OpenAIResponsesModel) -> object:
    image = BinaryContent(RED, media_type="image/png")
    return (await Agent(model).run(["Describe the picture.", image])).output


if __name__ == "__main__":
    task = globals()[sys.argv[1]]
    print(json.dumps(asyncio.run(task(OpenAIResponsesModel(sys.argv[2])))))

"""OpenAI's Agents SDK: one task, named by the first argument, with the model of the second; prints JSON."""

import asyncio
import json
import sys

from agents.items import ReasoningItem
from openai.types.shared import Reasoning
from pydantic import BaseModel

from agents import (
    Agent,
    ModelSettings,
    OpenAIProvider,
    RunConfig,
    Runner,
    function_tool,
    set_tracing_disabled,
)

set_tracing_disabled(True)
# By default the SDK takes what stands before a slash for the name of a provider of its own.
AS_NAMED = RunConfig(model_provider=OpenAIProvider())
asked: list[str] = []


@function_tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    asked.append(city)
    return f"It is sunny in {city}."


class Person(BaseModel):
    name: str
    age: int


def agent(model: str, **more: object) -> Agent:
    return Agent(name="Helper", model=model, instructions="Be brief.", **more)


async def answer(model: str) -> object:
    return (await Runner.run(agent(model), "Greet me.", run_config=AS_NAMED)).final_output


async def tools(model: str, store: bool | None = None) -> object:
    settings = ModelSettings(
        reasoning=Reasoning(effort="medium", summary="auto"),
        store=store,
        response_include=None if store is None else ["reasoning.encrypted_content"],
    )
    helper = agent(model, tools=[get_weather], model_settings=settings)
    result = await Runner.run(helper, "The weather step by step, please.", run_config=AS_NAMED)
    thoughts = [
        part.text
        for item in result.new_items
        if isinstance(item, ReasoningItem)
        for part in item.raw_item.summary
    ]
    return {"text": result.final_output, "asked": asked, "thoughts": thoughts}


async def unstored(model: str) -> object:
    return await tools(model, store=False)


async def chained(model: str) -> object:
    """The server keeps the conversation: only what is new is sent."""
    helper = agent(model, tools=[get_weather])
    first = await Runner.run(
        helper, "The weather in two places, please.", auto_previous_response_id=True, run_config=AS_NAMED
    )
    second = await Runner.run(
        helper, "Greet me.", previous_response_id=first.last_response_id, run_config=AS_NAMED
    )
    return [first.final_output, second.final_output]


async def handoff(model: str) -> object:
    poet = Agent(name="poet", model=model, instructions="Write verse.", handoff_description="Writes verse.")
    result = await Runner.run(agent(model, handoffs=[poet]), "A poem, please.", run_config=AS_NAMED)
    return {"text": result.final_output, "last": result.last_agent.name}


async def structured(model: str) -> object:
    return (
        await Runner.run(agent(model, output_type=Person), "Who is it?", run_config=AS_NAMED)
    ).final_output.model_dump()


async def streamed(model: str) -> object:
    result = Runner.run_streamed(
        agent(model, tools=[get_weather]), "The weather in two places, please.", run_config=AS_NAMED
    )
    kinds = [event.name async for event in result.stream_events() if event.type == "run_item_stream_event"]
    return {"text": result.final_output, "asked": asked, "kinds": kinds}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(globals()[sys.argv[1]](sys.argv[2]))))

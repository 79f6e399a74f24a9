"""LangChain: one task, named by the first argument, with the model of the second; prints JSON."""

import json
import sys

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.prebuilt import create_react_agent
from pydantic import BaseModel

asked: list[str] = []
RED = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    asked.append(city)
    return f"It is sunny in {city}."


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


def chat(model: str, **more: object) -> ChatOpenAI:
    thinks = {"effort": "medium", "summary": "auto"}
    return ChatOpenAI(model=model, use_responses_api=True, reasoning=thinks, **more)


def answer(model: str) -> object:
    message = chat(model).invoke("Greet me.")
    return {"text": message.text, "tokens": message.usage_metadata["total_tokens"]}


def streamed(model: str) -> object:
    whole = None
    for chunk in chat(model, output_version="responses/v1").stream("Think and greet."):
        whole = chunk if whole is None else whole + chunk
    thoughts = [
        part["text"] for block in whole.content if block["type"] == "reasoning" for part in block["summary"]
    ]
    return {"text": whole.text, "thoughts": thoughts}


def steps(model: str, **more: object) -> object:
    agent = create_react_agent(chat(model, **more), [get_weather])
    result = agent.invoke({"messages": [("user", "The weather step by step, please.")]})
    again = agent.invoke({"messages": [*result["messages"], ("user", "Greet me.")]})
    return {"texts": [each["messages"][-1].text for each in (result, again)], "asked": asked}


def chained(model: str) -> object:
    """The gateway keeps the conversation: only what is new is sent."""
    return steps(model, use_previous_response_id=True)


def unstored(model: str) -> object:
    return steps(model, store=False, include=["reasoning.encrypted_content"], output_version="responses/v1")


def structured(model: str) -> object:
    return chat(model).with_structured_output(Person, method="json_schema").invoke("Who is it?").model_dump()


def picture(model: str) -> object:
    image = {"type": "image", "base64": RED, "mime_type": "image/png"}
    content = [{"type": "text", "text": "Describe the picture."}, image]
    return chat(model).invoke([{"role": "user", "content": content}]).text


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](sys.argv[2])))

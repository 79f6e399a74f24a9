// OpenAI's own library: one task, named by the first argument, with the model of the second; prints JSON.

import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

const [task, model] = process.argv.slice(2);
const client = new OpenAI({ maxRetries: 2 });
const reasoning = { effort: "medium", summary: "auto" };
const include = ["reasoning.encrypted_content"];

const asked = [];
const tools = [
  {
    type: "function",
    name: "get_weather",
    description: "The weather of a city.",
    parameters: {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
      additionalProperties: false,
    },
    strict: true,
  },
];
const RED =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";

const answers = (response) =>
  response.output
    .filter((item) => item.type === "function_call")
    .map((item) => {
      const { city } = JSON.parse(item.arguments);
      asked.push(city);
      return { type: "function_call_output", call_id: item.call_id, output: `It is sunny in ${city}.` };
    });

const thoughts = (response) =>
  response.output.filter((item) => item.type === "reasoning").flatMap((item) => item.summary.map((part) => part.text));

// Asks until no tool is called any more. `ask(items)` gets what is new.
async function steps(ask) {
  let response = await ask([{ role: "user", content: "The weather step by step, please." }]);
  const first = thoughts(response);
  for (let outputs = answers(response); outputs.length; outputs = answers(response)) response = await ask(outputs);
  const greeting = await ask([{ role: "user", content: "Greet me." }]);
  return { texts: [response.output_text, greeting.output_text], asked, thoughts: first };
}

const tasks = {
  async answer() {
    const response = await client.responses.create({ model, input: "Greet me." });
    return { text: response.output_text, status: response.status, tokens: response.usage.total_tokens };
  },

  async streamed() {
    const kinds = {};
    const stream = client.responses.stream({ model, input: "Think and greet.", reasoning });
    for await (const event of stream) kinds[event.type] = (kinds[event.type] ?? 0) + 1;
    const response = await stream.finalResponse();
    return { text: response.output_text, thoughts: thoughts(response), kinds };
  },

  // The client keeps the conversation, with its thoughts sealed.
  unstored() {
    const input = [];
    return steps(async (items) => {
      input.push(...items);
      const response = await client.responses.create({ model, input, tools, reasoning, include, store: false });
      input.push(...response.output);
      return response;
    });
  },

  // The gateway keeps it.
  chained() {
    let previous_response_id;
    return steps(async (input) => {
      const stream = client.responses.stream({ model, input, tools, reasoning, previous_response_id });
      const response = await stream.finalResponse();
      previous_response_id = response.id;
      return response;
    });
  },

  async parsed() {
    const format = zodTextFormat(z.object({ name: z.string(), age: z.number() }), "person");
    return (await client.responses.parse({ model, input: "Who is it?", text: { format } })).output_parsed;
  },

  async picture() {
    const content = [
      { type: "input_text", text: "Describe the picture." },
      { type: "input_image", image_url: `data:image/png;base64,${RED}`, detail: "auto" },
    ];
    return (await client.responses.create({ model, input: [{ role: "user", content }] })).output_text;
  },

  // Listed, read again, taken away.
  async kept() {
    const { id } = await client.responses.create({ model, input: "Greet me." });
    const again = await client.responses.retrieve(id);
    const items = await client.responses.inputItems.list(id);
    await client.responses.delete(id);
    const gone = await client.responses.retrieve(id).catch((error) => error.status);
    return { text: again.output_text, said: items.data[0].content[0].text, gone };
  },

  async failure() {
    try {
      await client.responses.create({ model, input: "There is no more room." });
    } catch (error) {
      return { name: error.constructor.name, status: error.status, code: error.code };
    }
  },
};

console.log(JSON.stringify(await tasks[task]()));

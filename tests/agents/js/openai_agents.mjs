// OpenAI's Agents SDK: one task, named by the first argument, with the model of the second; prints JSON.

import { Agent, Runner, setTracingDisabled, tool } from "@openai/agents";
import { z } from "zod";

const [task, model] = process.argv.slice(2);
setTracingDisabled(true);

const asked = [];
const getWeather = tool({
  name: "get_weather",
  description: "The weather of a city.",
  parameters: z.object({ city: z.string() }),
  execute: async ({ city }) => {
    asked.push(city);
    return `It is sunny in ${city}.`;
  },
});
const agent = (more = {}) => new Agent({ name: "Helper", model, instructions: "Be brief.", ...more });
const runner = new Runner();

async function steps(modelSettings) {
  const reasoning = { effort: "medium", summary: "auto" };
  const helper = agent({ tools: [getWeather], modelSettings: { reasoning, ...modelSettings } });
  const result = await runner.run(helper, "The weather step by step, please.");
  const thoughts = result.newItems
    .filter((item) => item.type === "reasoning_item")
    .flatMap((item) => item.rawItem.content.map((part) => part.text));
  return { text: result.finalOutput, asked, thoughts };
}

const tasks = {
  answer: async () => (await runner.run(agent(), "Greet me.")).finalOutput,

  tools: () => steps({}),

  unstored: () => steps({ store: false, providerData: { include: ["reasoning.encrypted_content"] } }),

  // The server keeps the conversation: only what is new is sent.
  async chained() {
    const helper = agent({ tools: [getWeather] });
    const first = await runner.run(helper, "The weather in two places, please.");
    const previousResponseId = first.lastResponseId;
    const second = await runner.run(helper, "Greet me.", { previousResponseId });
    return [first.finalOutput, second.finalOutput];
  },

  async handoff() {
    const poet = new Agent({ name: "poet", model, handoffDescription: "Writes verse." });
    const result = await runner.run(agent({ handoffs: [poet] }), "A poem, please.");
    return { text: result.finalOutput, last: result.lastAgent.name };
  },

  async structured() {
    const outputType = z.object({ name: z.string(), age: z.number().int() });
    return (await runner.run(agent({ outputType }), "Who is it?")).finalOutput;
  },

  async streamed() {
    const helper = agent({ tools: [getWeather] });
    const result = await runner.run(helper, "The weather in two places, please.", { stream: true });
    const kinds = [];
    for await (const event of result) if (event.type === "run_item_stream_event") kinds.push(event.name);
    await result.completed;
    return { text: result.finalOutput, asked, kinds };
  },
};

console.log(JSON.stringify(await tasks[task]()));

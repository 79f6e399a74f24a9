// The Vercel AI SDK: one task, named by the first argument; the result is one line of JSON.
// The others: the package that speaks to the gateway, the model, and whether responses are stored there.

import { createOpenAI } from "@ai-sdk/openai";
import { createOpenResponses } from "@ai-sdk/open-responses";
import { generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const [task, through, name, store] = process.argv.slice(2);
const baseURL = process.env.BASE_URL;
const apiKey = process.env.GATEWAY_KEY;

const model =
  through === "openai"
    ? createOpenAI({ baseURL, apiKey })(name)
    : createOpenResponses({ name: "antiphon", url: `${baseURL}/responses`, apiKey })(name);
const thinks = { reasoningEffort: "medium", reasoningSummary: "auto" };
const providerOptions = {
  openai: { store: store === "stored", forceReasoning: true, ...thinks },
  antiphon: thinks,
};

const asked = [];
const tools = {
  get_weather: tool({
    description: "The weather of a city.",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => {
      asked.push(city);
      return `It is sunny in ${city}.`;
    },
  }),
};
const RED =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";

const tasks = {
  async answer() {
    const { text, finishReason, usage } = await generateText({ model, providerOptions, prompt: "Greet me." });
    return { text, finishReason, tokens: usage.totalTokens };
  },

  async stream() {
    const result = streamText({ model, providerOptions, prompt: "Think and greet." });
    const kinds = {};
    for await (const part of result.fullStream) {
      if (part.type === "error") throw part.error;
      kinds[part.type] = (kinds[part.type] ?? 0) + 1;
    }
    return { text: await result.text, reasoning: await result.reasoningText, kinds };
  },

  async steps() {
    const prompt = "The weather step by step, please.";
    const result = await generateText({ model, providerOptions, tools, stopWhen: stepCountIs(5), prompt });
    return { text: result.text, steps: result.steps.length, asked, reasoning: result.steps[0].reasoningText };
  },

  async streamed_steps() {
    const prompt = "The weather in two places, please.";
    const result = streamText({ model, providerOptions, tools, stopWhen: stepCountIs(5), prompt });
    for await (const part of result.fullStream) if (part.type === "error") throw part.error;
    return { text: await result.text, steps: (await result.steps).length, asked };
  },

  async object() {
    const schema = z.object({ name: z.string(), age: z.number().int() });
    return (await generateObject({ model, providerOptions, schema, prompt: "Who is it?" })).object;
  },

  async picture() {
    const content = [
      { type: "text", text: "Describe the picture." },
      { type: "file", data: Buffer.from(RED, "base64"), mediaType: "image/png" },
    ];
    const messages = [{ role: "user", content }];
    return { text: (await generateText({ model, providerOptions, messages })).text };
  },

  async talk() {
    const messages = [{ role: "user", content: "The weather step by step, please." }];
    const first = await generateText({ model, providerOptions, tools, stopWhen: stepCountIs(5), messages });
    messages.push(...first.responseMessages, { role: "user", content: "Greet me." });
    return { text: (await generateText({ model, providerOptions, tools, messages })).text };
  },

  async failure() {
    try {
      await generateText({ model, providerOptions, prompt: "There is no more room.", maxRetries: 0 });
    } catch (error) {
      return { name: error.name, status: error.statusCode, message: error.message, retry: error.isRetryable };
    }
  },

  async retries() {
    return { text: (await generateText({ model, providerOptions, prompt: "Greet me." })).text };
  },
};

console.log(JSON.stringify(await tasks[task]()));

// @ts-check
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { ChatError, sendFeedback, streamAnswer } from "../../static/molsys-chat/client.js";

/**
 * @typedef {import("node:http").IncomingMessage} Request
 * @typedef {import("node:http").ServerResponse} Response
 */

/** @type {(request: Request, response: Response, body: string) => void} */
let answer = () => {};
const server = createServer(async (request, response) => {
  let body = "";
  for await (const piece of request) body += piece;
  answer(request, response, body);
});
let endpoint = "";

before(async () => {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  endpoint = `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

/** @type {Question} */
const QUESTION = { messages: [{ role: "user", content: "how?" }], stream: true };

/** @param {AbortSignal} [stop] @param {Partial<Limits>} [limits] */
async function collect(stop = new AbortController().signal, limits = {}) {
  const events = [];
  const whole = { connect: 5000, silence: 5000, ...limits };
  for await (const event of streamAnswer(endpoint, QUESTION, stop, whole)) events.push(event);
  return events;
}

/** @param {Response} response @param {...string} pieces */
function stream(response, ...pieces) {
  response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8" });
  for (const piece of pieces) response.write(piece);
}

/** @param {Promise<any>} asked @param {string} code @returns {Promise<ChatError>} */
async function failure(asked, code) {
  const error = await asked.then(
    () => assert.fail("it succeeded"),
    (reason) => reason,
  );
  assert.ok(error instanceof ChatError, String(error));
  assert.equal(error.failure.code, code);
  return error;
}

test("an answer's events come up to done, whatever follows", async () => {
  /** @type {any} */
  let asked;
  answer = (request, response, body) => {
    asked = { url: request.url, method: request.method, body: JSON.parse(body) };
    stream(response, ': ping\n\nevent: token\ndata: {"text": "α"}\n\n', "event: done\ndata: {}\n\nevent: x\ndata: {}\n\n");
  };
  assert.deepEqual(await collect(), [
    { event: "token", data: { text: "α" } },
    { event: "done", data: {} },
  ]);
  assert.deepEqual(asked, { url: "/v1/chat", method: "POST", body: QUESTION });
});

test("a stream that ends or breaks before done is broken", async () => {
  answer = (_, response) => {
    stream(response, 'event: token\ndata: {"text": "a"}\n\n');
    response.end();
  };
  await failure(collect(), "broken");
  answer = (_, response) => {
    stream(response, 'event: token\ndata: {"text": "a"}\n\n');
    setTimeout(() => response.destroy(), 20);
  };
  await failure(collect(), "broken");
});

test("an error event says what the service says", async () => {
  answer = (_, response) => stream(response, 'event: error\ndata: {"code": "internal", "message": "sorry", "retry_after_s": 5}\n\n');
  const error = await failure(collect(), "failed");
  assert.equal(error.failure.message, "sorry");
  assert.ok(error.failure.until > Date.now());
});

test("refusals by status", async () => {
  /** @type {[number, string, Record<string, string>, string][]} */
  const cases = [
    [429, '{"error": {"code": "rate_limited", "message": "slow"}}', { "Retry-After": "7" }, "rate_limited"],
    [429, '{"error": {"code": "rate_limited", "message": "slow", "retry_after_s": 7}}', {}, "rate_limited"],
    [503, "busy", { "Retry-After": "7" }, "busy"],
    [404, '{"error": {"code": "unknown_project", "message": "no such project"}}', {}, "unknown_project"],
    [413, '{"error": {"code": "too_large", "message": "too long"}}', {}, "too_large"],
    [403, '{"error": {"code": "origin_refused", "message": "no"}}', {}, "refused"],
    [500, '{"error": {"code": "internal", "message": "sorry"}}', {}, "failed"],
    [404, "<h1>Not found</h1>", {}, "unreachable"],
    [405, "null", {}, "unreachable"],
    [200, "<h1>Docs</h1>", {}, "unreachable"],
  ];
  for (const [status, body, headers, code] of cases) {
    answer = (_, response) => response.writeHead(status, headers).end(body);
    const { failure: described } = await failure(collect(), code);
    assert.equal(described.until > Date.now() + 5000, status === 429 || status === 503, body);
  }
});

test("nobody listening", async () => {
  const closed = streamAnswer("http://127.0.0.1:1", QUESTION, new AbortController().signal);
  await failure(closed.next(), "unreachable");
  assert.equal(await sendFeedback("http://127.0.0.1:1", { id: "a", vote: "up" }), false);
});

test("every wait has an end", async () => {
  answer = () => {};
  const { failure: late } = await failure(collect(undefined, { connect: 50 }), "late");
  assert.equal(late.seconds, 0.05);
  answer = (_, response) => stream(response, 'event: token\ndata: {"text": "a"}\n\n');
  await failure(collect(undefined, { silence: 50 }), "silent");
});

test("stopping closes the connection", async () => {
  const closed = new Promise((resolve) => {
    answer = (_, response) => {
      response.on("close", () => resolve(true));
      stream(response, 'event: token\ndata: {"text": "a"}\n\n');
    };
  });
  const stop = new AbortController();
  setTimeout(() => stop.abort("stopped"), 50);
  await assert.rejects(collect(stop.signal), (reason) => reason === "stopped");
  assert.equal(await closed, true);
});

test("feedback is sent as it is", async () => {
  answer = (request, response, body) => {
    response.writeHead(request.url === "/v1/feedback" && JSON.parse(body).vote === "up" ? 200 : 400).end("{}");
  };
  assert.equal(await sendFeedback(endpoint, { id: "a", vote: "up" }), true);
  assert.equal(await sendFeedback(endpoint, { id: "a", vote: "down" }), false);
});

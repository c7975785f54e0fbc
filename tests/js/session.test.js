// @ts-check
/** Sessions. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, beforeEach, test } from "node:test";

import { sendFeedback, streamAnswer } from "../../static/molsys-chat/client.js";
import { openSession } from "../../static/molsys-chat/session.js";

/** @type {{path: string, token: string | undefined, body: any}[]} */
let seen = [];
/** What the service answers, by path; each a list that the last of stays. @type {Record<string, [number, object][]>} */
let answers = {};
let endpoint = "";

const server = createServer(async (request, response) => {
  let text = "";
  for await (const piece of request) text += piece;
  const path = request.url ?? "";
  seen.push({ path, token: /** @type {string} */ (request.headers["x-molsys-chat-session"]), body: JSON.parse(text) });
  const [status, body] = (answers[path].length > 1 ? answers[path].shift() : answers[path][0]) ?? [500, {}];
  const streamed = path === "/v1/chat" && status === 200;
  response.writeHead(status, { "Content-Type": streamed ? "text/event-stream" : "application/json" });
  response.end(streamed ? 'event: done\ndata: {"kind": "quoted"}\n\n' : JSON.stringify(body));
});

before(async () => {
  await new Promise((listening) => server.listen(0, "127.0.0.1", () => listening(undefined)));
  endpoint = `http://127.0.0.1:${/** @type {any} */ (server.address()).port}`;
});
after(() => server.close());
beforeEach(() => {
  seen = [];
  answers = { "/v1/chat": [[200, {}]], "/v1/feedback": [[200, {}]], "/v1/session": [[404, {}]] };
});

/** @param {string} code @returns {[number, object]} */
const refused = (code) => [401, { error: { code, message: "no" } }];
/** @param {string} token @returns {[number, object]} */
const given = (token) => [200, { token, expires_s: 900, kept_days: 3 }];

async function ask() {
  const events = [];
  const question = /** @type {any} */ ({ messages: [], stream: true });
  for await (const { event } of streamAnswer(endpoint, question, new AbortController().signal)) events.push(event);
  return events;
}

const paths = () => seen.map(({ path }) => path.slice(4));

test("an older service knows no sessions", async () => {
  assert.equal((await openSession(endpoint)).kept_days, undefined);
  assert.deepEqual(await ask(), ["done"]);
  assert.deepEqual(paths(), ["session", "chat"]);
  assert.equal(seen[1].token, undefined);
});

test("a service that is away gives none, and says nothing", async () => {
  assert.deepEqual(await openSession("http://127.0.0.1:1"), {});
});

test("the token goes along with all requests", async () => {
  answers["/v1/session"] = [given("one")];
  assert.equal((await openSession(endpoint)).kept_days, 3);
  await ask();
  await sendFeedback(endpoint, { id: "0", vote: "up" });
  assert.deepEqual(seen.slice(1).map(({ token }) => token), ["one", "one"]);
});

test("a question waits for a session that is on its way", async () => {
  answers["/v1/session"] = [given("late")];
  openSession(endpoint);
  await ask();
  assert.deepEqual(paths(), ["session", "chat"]);
  assert.equal(seen[1].token, "late");
});

for (const code of ["session_needed", "session_expired"]) {
  test(`${code}: another session, and once more`, async () => {
    answers["/v1/session"] = [given("new")];
    answers["/v1/chat"] = [refused(code), [200, {}]];
    assert.deepEqual(await ask(), ["done"]);
    assert.deepEqual(paths(), ["chat", "session", "chat"]);
    assert.equal(seen[2].token, "new");
  });
}

test("it is tried once, then said", async () => {
  answers["/v1/session"] = [given("never right")];
  answers["/v1/chat"] = [refused("session_needed")];
  await assert.rejects(ask(), (/** @type {any} */ { failure }) => failure.code === "refused");
  assert.deepEqual(paths(), ["chat", "session", "chat"]);
});

test("where no session is to be had it is not tried again", async () => {
  answers["/v1/session"] = [refused("key_refused")];
  answers["/v1/chat"] = [refused("key_refused")];
  await assert.rejects(ask(), (/** @type {any} */ { failure }) => failure.code === "refused");
  assert.deepEqual(paths(), ["chat", "session"]);
});

test("a vote gets another session, too", async () => {
  answers["/v1/session"] = [given("new")];
  answers["/v1/feedback"] = [refused("session_expired"), [200, {}]];
  assert.equal(await sendFeedback(endpoint, { id: "0", vote: "up" }), true);
  answers["/v1/feedback"] = [refused("session_expired")];
  assert.equal(await sendFeedback(endpoint, { id: "0", vote: "up" }), false);
});

// @ts-check
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { ChatError } from "../../static/molsys-chat/client.js";
import {
  applyEvent,
  Conversation,
  keepCodePoints,
  messagesFor,
  newTurn,
  Store,
} from "../../static/molsys-chat/conversation.js";

const SOURCES = { event: "sources", data: { id: "a1", sources: [{ n: 1 }], index: { project: "p" } } };
const DONE = { event: "done", data: { kind: "generated", cited: [1] } };
/** @param {string} text */
const token = (text) => ({ event: "token", data: { text } });

/** A storage of bounded size, or one that refuses everything. */
class SmallStorage {
  /** @type {Map<string, string>} */
  items = new Map();

  /** @param {number} room */
  constructor(room = Infinity) {
    this.room = room;
  }

  /** @param {string} key */
  getItem(key) {
    if (!this.room) throw new DOMException("blocked", "SecurityError");
    return this.items.get(key) ?? null;
  }

  /** @param {string} key @param {string} value */
  setItem(key, value) {
    if (value.length > this.room) throw new DOMException("full", "QuotaExceededError");
    this.items.set(key, value);
  }
}

/** @param {SmallStorage} storage */
const storeOn = (storage) => new Store(() => /** @type {any} */ (storage), "key");

/** A conversation over a script, and what its listener was told. @param {(string | ChatEvent | Error)[][]} answers */
function scripted(answers, storage = new SmallStorage()) {
  /** @type {any[]} */
  const questions = [];
  /** @type {string[]} */
  const told = [];
  /** @type {(() => void)[]} */
  const waiting = [];
  /** @param {any} messages @param {AbortSignal} stop @returns {AsyncGenerator<ChatEvent>} */
  async function* stream(messages, stop) {
    questions.push(messages);
    for (const step of answers.shift() ?? []) {
      if (step instanceof Error) throw step;
      if (typeof step === "string") {
        await new Promise((resolve, reject) => {
          waiting.push(() => resolve(undefined));
          stop.addEventListener("abort", () => reject(stop.reason));
        });
      } else yield step;
    }
  }
  const conversation = new Conversation(storeOn(storage), {
    stream,
    turnsChanged: () => told.push("turns"),
    turnChanged: () => told.push("turn"),
    turnEnded: () => told.push(conversation.turns.at(-1)?.state ?? ""),
  });
  return { conversation, questions, told, waiting, storage };
}

describe("events", () => {
  test("make an answer", () => {
    /** @type {ChatEvent[]} */
    const events = [SOURCES, token("Use "), token("`select`"), { event: "rewind", data: { length: 4 } }, token("it [1]."), DONE];
    const turn = events.reduce(applyEvent, newTurn("how?"));
    assert.equal(turn.answer, "Use it [1].");
    assert.equal(turn.state, "done");
    assert.deepEqual([turn.id, turn.cited, turn.kind], ["a1", [1], "generated"]);
    assert.equal(turn.takenBack, "…");
  });

  test("that are unknown change nothing", () => {
    const turn = newTurn("how?");
    assert.equal(applyEvent(turn, { event: "later", data: {} }), turn);
  });

  test("rewind counts code points, not UTF-16 units", () => {
    assert.equal(keepCodePoints("a𝛼b𝛽c", 3), "a𝛼b");
    assert.equal(keepCodePoints("αβ", 5), "αβ");
    assert.equal(keepCodePoints("αβ", 0), "");
  });
});

test("only answered turns go along with a question, the last few, cut", () => {
  /** @type {Turn[]} */
  const turns = Array.from({ length: 9 }, (_, n) => ({ ...newTurn(`q${n}`), answer: "x".repeat(9000), state: "done" }));
  turns.push({ ...newTurn("lost"), state: "failed" });
  const messages = messagesFor(turns, "now?");
  assert.equal(messages.length, 9);
  assert.deepEqual(messages.at(-1), { role: "user", content: "now?" });
  assert.equal(messages[0]?.content, "q5");
  assert.ok(messages.every(({ content }) => content.length <= 2000));
});

test("a passage goes along with its question, then and later", () => {
  const turn = { ...newTurn("Why?", "a = 1\nb = 2"), answer: "So.", state: /** @type {const} */ ("done") };
  assert.deepEqual(messagesFor([], "Why?", "a = 1\nb = 2"), [{ role: "user", content: "Why?\n\n> a = 1\n> b = 2" }]);
  assert.equal(messagesFor([turn], "And?")[0]?.content, "Why?\n\n> a = 1\n> b = 2");
});

describe("conversation", () => {
  test("asks with what was said before, and keeps the answer", async () => {
    const { conversation, questions, told, storage } = scripted([[SOURCES, token("A"), DONE], [DONE]]);
    await conversation.ask("one?");
    await conversation.ask("two?");
    assert.deepEqual(questions[0], [{ role: "user", content: "one?" }]);
    assert.equal(questions[1].length, 3);
    assert.equal(told.filter((word) => word === "done").length, 2);
    assert.deepEqual(storeOn(storage).load(), conversation.turns);
  });

  test("stops at once, and takes nothing more of what had arrived", async () => {
    const { conversation, told } = scripted([[SOURCES, token("A"), "wait", token("B"), DONE]]);
    const asked = conversation.ask("one?");
    await new Promise(setImmediate);
    conversation.stop("stopped");
    assert.equal(conversation.answering, false);
    await asked;
    assert.equal(conversation.turns[0]?.answer, "A");
    assert.equal(conversation.turns[0]?.state, "stopped");
    assert.equal(told.filter((word) => word === "stopped").length, 1);
  });

  test("a question in between is not asked", async () => {
    const { conversation, questions, waiting } = scripted([["wait", DONE]]);
    const asked = conversation.ask("one?");
    await new Promise(setImmediate);
    await conversation.ask("two?");
    waiting[0]?.();
    await asked;
    assert.equal(questions.length, 1);
    assert.equal(conversation.turns.length, 1);
  });

  test("a failure is kept with the turn, and retry asks the same again", async () => {
    const failure = new ChatError("rate_limited", "slow down", 7);
    const { conversation, questions } = scripted([[SOURCES, token("A"), failure], [token("B"), DONE]]);
    await conversation.ask("one?");
    const [failed] = conversation.turns;
    assert.equal(failed?.state, "failed");
    assert.equal(failed?.failure?.code, "rate_limited");
    assert.ok((failed?.failure?.until ?? 0) > Date.now() + 5000);
    conversation.retry();
    await new Promise(setImmediate);
    assert.deepEqual(questions[1], questions[0]);
    assert.deepEqual(conversation.turns.map(({ answer }) => answer), ["B"]);
  });

  test("a new conversation ends the answer and forgets", async () => {
    const { conversation, storage } = scripted([[SOURCES, token("A"), "wait"], [DONE]]);
    const asked = conversation.ask("one?");
    await new Promise(setImmediate);
    conversation.clear();
    await asked;
    assert.deepEqual(conversation.turns, []);
    assert.deepEqual(storeOn(storage).load(), []);
    await conversation.ask("two?");
    assert.equal(conversation.turns.length, 1);
  });

  test("what was cleared comes back, also on another page, until the next question", async () => {
    const { conversation, storage } = scripted([[SOURCES, token("A"), DONE], [DONE]]);
    await conversation.ask("one?");
    const { turns } = conversation;
    conversation.clear();
    conversation.clear();
    const after = scripted([[DONE]], storage).conversation;
    after.restore();
    assert.deepEqual([after.turns, after.cleared], [[], turns]);
    conversation.undo();
    assert.deepEqual([conversation.turns, conversation.cleared], [turns, []]);
    assert.deepEqual(storeOn(storage).load(), turns);
    after.undo();
    after.clear();
    await after.ask("two?");
    assert.deepEqual(after.cleared, []);
    assert.deepEqual(storeOn(storage).load(true), []);
  });

  test("an answer that was on its way when the page was left is interrupted", async () => {
    const { conversation, storage } = scripted([[SOURCES, token("A"), "wait"]]);
    const asked = conversation.ask("one?");
    await new Promise(setImmediate);
    storeOn(storage).save(conversation.turns);
    const after = scripted([], storage);
    after.conversation.restore();
    assert.equal(after.conversation.turns[0]?.state, "interrupted");
    assert.equal(after.conversation.turns[0]?.answer, "A");
    conversation.stop("interrupted");
    await asked;
  });
});

describe("storage", () => {
  /** @type {Turn[]} */
  const turns = Array.from({ length: 8 }, (_, n) => ({ ...newTurn(`q${n}`), answer: "x".repeat(1000), state: "done" }));

  test("the oldest turns go when it is full", () => {
    const storage = new SmallStorage(5000);
    storeOn(storage).save(turns);
    const kept = storeOn(storage).load();
    assert.ok(kept.length > 0 && kept.length < 8);
    assert.equal(kept.at(-1)?.question, "q7");
  });

  test("blocked, damaged or of another format it is empty", () => {
    const blocked = storeOn(new SmallStorage(0));
    blocked.save(turns);
    assert.equal(blocked.write(":open", "1"), false);
    assert.equal(blocked.read(":open"), "");
    assert.deepEqual(blocked.load(), []);
    for (const text of ["{", "7", "null", '{"format": 0, "turns": [1]}']) {
      const storage = new SmallStorage();
      storage.setItem("key", text);
      assert.deepEqual(storeOn(storage).load(), []);
    }
  });

  test("what else a tab remembers is kept beside it", () => {
    const storage = new SmallStorage();
    assert.equal(storeOn(storage).write(":draft", "How do"), true);
    assert.equal(storage.getItem("key:draft"), "How do");
    assert.equal(storeOn(storage).read(":draft"), "How do");
    assert.equal(storeOn(storage).read(":open"), "");
  });
});

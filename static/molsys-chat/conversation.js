// @ts-check
/** A conversation, and where it is kept. */
import { ChatError } from "./client.js";

const HISTORY_TURNS = 4;
const HISTORY_CHARACTERS = 2000;

const LONGEST_ANSWER = 400_000;
const FORMAT = 1;
const MOST_TURNS = 200;

/** @param {string} question @returns {Turn} */
export const newTurn = (question, passage = "") => ({ question, passage, answer: "", state: "waiting", sources: [], cited: [] });

/** @param {Turn} turn */
export const isOpen = ({ state }) => state.endsWith("ing"); // waiting, writing

/** As the service counts. @param {string} text @param {number} count */
export const keepCodePoints = (text, count) => [...text].slice(0, count).join("");

/** @param {Turn} turn @param {ChatEvent} event @returns {Turn} */
export function applyEvent(turn, { event, data }) {
  const { answer } = turn;
  if (event === "sources") return { ...turn, ...data, state: "writing" };
  if (event === "token") return { ...turn, answer: (answer + (data.text ?? "")).slice(0, LONGEST_ANSWER) };
  if (event === "rewind") return { ...turn, answer: keepCodePoints(answer, data.length), takenBack: data.reason || "…" };
  return event === "done" ? { ...turn, ...data, state: event } : turn;
}

/** A question with the passage that it is about. @param {Pick<Turn, "question" | "passage">} turn */
const wholeQuestion = ({ question, passage }) => (passage ? `${question}\n\n${passage.replace(/^/gm, "> ")}` : question);

/** The question after what led to it. @param {Turn[]} turns @param {string} question @param {string} [passage] @returns {Message[]} */
export function messagesFor(turns, question, passage) {
  const told = turns.filter(({ answer, state }) => answer && state !== "failed").slice(-HISTORY_TURNS);
  /** @type {(turn: Turn) => Message[]} */
  const say = (turn) => [
    { role: "user", content: wholeQuestion(turn) },
    { role: "assistant", content: keepCodePoints(turn.answer, HISTORY_CHARACTERS) },
  ];
  return [...told.flatMap(say), { role: "user", content: wholeQuestion({ question, passage }) }];
}

/** A tab's storage; where it is blocked, full or damaged, nothing is remembered. */
export class Store {
  /** @param {() => Storage} storage @param {string} key */
  constructor(storage, key) {
    this.storage = storage;
    this.key = key;
  }

  /** @param {boolean} cleared Those that can be brought back. @returns {Turn[]} */
  load(cleared = false) {
    try {
      const { format, turns, ...facts } = JSON.parse(this.read("") || "{}");
      if (format !== FORMAT || !!facts.cleared !== cleared) return [];
      return turns.map((/** @type {Turn} */ turn) => (isOpen(turn) ? { ...turn, state: "interrupted" } : turn));
    } catch {
      return [];
    }
  }

  /** The oldest go until the rest fits. @param {Turn[]} turns @param {boolean} cleared */
  save(turns, cleared = false) {
    let kept = turns.slice(-MOST_TURNS);
    while (!this.write("", JSON.stringify({ format: FORMAT, turns: kept, cleared })) && kept.length) {
      kept = kept.slice(Math.ceil(kept.length / 2));
    }
  }

  /** @param {string} suffix */
  read(suffix) {
    try {
      return this.storage().getItem(this.key + suffix) ?? "";
    } catch {
      return "";
    }
  }

  /** @param {string} suffix @param {string} text @returns {boolean} Whether it is kept. */
  write(suffix, text) {
    try {
      this.storage().setItem(this.key + suffix, text);
      return true;
    } catch {
      return false;
    }
  }
}

export class Conversation {
  /** @type {Turn[]} */
  turns = [];
  /** What can be brought back until the next question. @type {Turn[]} */
  cleared = [];
  /** @type {AbortController | undefined} */
  #stop;

  /** @param {Store} store @param {Outside} outside */
  constructor(store, outside) {
    this.store = store;
    this.outside = outside;
  }

  get answering() {
    return !!this.#stop;
  }

  get #last() {
    return this.turns[this.turns.length - 1];
  }

  restore() {
    this.turns = this.store.load();
    this.cleared = this.store.load(true);
    this.outside.turnsChanged();
  }

  /** @param {string} question @param {string} [passage] What was selected on the page. */
  async ask(question, passage) {
    if (this.#stop) return;
    const messages = messagesFor(this.turns, question, passage);
    const stop = (this.#stop = new AbortController());
    this.cleared = [];
    this.turns.push(newTurn(question, passage));
    this.outside.turnsChanged();
    this.store.save(this.turns);
    try {
      for await (const event of this.outside.stream(messages, stop.signal)) {
        if (stop.signal.aborted) return;
        this.#change(applyEvent(this.#last, event));
      }
    } catch (error) {
      if (!stop.signal.aborted) this.#fail(error);
    } finally {
      if (this.#stop === stop) this.#end();
    }
  }

  /** @param {"stopped" | "interrupted"} state */
  stop(state) {
    if (!this.#stop) return;
    this.#stop.abort(state);
    this.#change({ ...this.#last, state });
    this.#end();
  }

  retry() {
    const turn = this.#stop ? undefined : this.turns.pop();
    if (turn) this.ask(turn.question, turn.passage);
  }

  clear() {
    this.stop("stopped");
    if (!this.turns.length) return;
    this.cleared = this.turns;
    this.turns = [];
    this.store.save(this.cleared, true);
    this.outside.turnsChanged();
  }

  /** Brings back what was cleared. */
  undo() {
    this.turns = this.cleared;
    this.cleared = [];
    this.store.save(this.turns);
    this.outside.turnsChanged();
  }

  /** @param {Turn} turn @param {Vote} vote */
  recordVote(turn, vote) {
    turn.vote = vote;
    this.store.save(this.turns);
  }

  /** @param {Turn} turn */
  #change(turn) {
    this.turns[this.turns.length - 1] = turn;
    this.outside.turnChanged();
  }

  /** @param {unknown} error */
  #fail(error) {
    const { failure } = error instanceof ChatError ? error : new ChatError("failed", String(error));
    this.#change({ ...this.#last, state: "failed", failure });
    if (!(error instanceof ChatError)) throw error;
  }

  #end() {
    this.#stop = undefined;
    this.store.save(this.turns);
    this.outside.turnEnded();
  }
}

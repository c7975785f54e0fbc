// @ts-check
/** The service. Every wait has an end. */
import { openSession, post, readJson, session } from "./session.js";

/** @type {Limits} */
export const LIMITS = { connect: 30_000, silence: 60_000 };

/** Refusals that the panel has words of its own for. */
const SAID = /^(too_large|unknown_project)$/;

export class ChatError extends Error {
  /** @param {string} code @param {string} [message] @param {number} [retryAfter] @param {number} [seconds] */
  constructor(code, message = "", retryAfter = 0, seconds = 0) {
    super(message);
    /** @type {Failure} */
    this.failure = { code, message, seconds, until: retryAfter && Date.now() + retryAfter * 1000 };
  }
}

/** Server-Sent Events from pieces of text. */
export class EventStreamDecoder {
  /** @type {string[]} */
  #line = [];
  /** @type {string[]} */
  #data = [];
  #event = "";
  #endedInReturn = false;

  /** The events that a piece completes; it may be cut anywhere. @param {string} text */
  decode(text) {
    /** @type {StreamEvent[]} */
    const events = [];
    const cut = this.#endedInReturn && text.startsWith("\n");
    if (text) this.#endedInReturn = text.endsWith("\r");
    const [first, ...others] = (cut ? text.slice(1) : text).split(/\r\n|\n|\r/);
    this.#line.push(first);
    for (const next of others) {
      this.#readLine(this.#line.join(""), events);
      this.#line = [next];
    }
    return events;
  }

  /** @param {string} line @param {StreamEvent[]} events */
  #readLine(line, events) {
    const [field, value = ""] = line.split(/: ?(.*)/s);
    if (field === "event") this.#event = value;
    if (field === "data") this.#data.push(value);
    if (line) return;
    if (this.#data.length) events.push({ event: this.#event || "message", data: this.#data.join("\n") });
    this.#data = [];
    this.#event = "";
  }
}

/** @param {Response} response @returns {Promise<ReadableStreamDefaultReader<Uint8Array>>} */
async function openStream(response) {
  const { status, headers, body } = response;
  if (body && headers.get("Content-Type")?.startsWith("text/event-stream")) return body.getReader();
  const { code, message = `HTTP ${status}`, retry_after_s: wait } = readJson(await response.text()).error ?? {};
  const retryAfter = Number(headers.get("Retry-After")) || wait;
  if (status === 429) throw new ChatError("rate_limited", message, retryAfter);
  if (status === 503) throw new ChatError("busy", message, retryAfter);
  const said = SAID.test(code) ? code : status === 401 || status === 403 ? "refused" : "failed";
  // Without a code it was some other server.
  throw new ChatError(code ? said : "unreachable", message);
}

/** @param {StreamEvent} event @returns {ChatEvent} */
function readEvent({ event, data: text }) {
  const data = readJson(text);
  if (event !== "error") return { event, data };
  throw new ChatError("failed", data.message, data.retry_after_s);
}

/**
 * Yields events up to `done`; throws a ChatError, or the signal's reason.
 *
 * @param {string} endpoint @param {Question} question @param {AbortSignal} stop @param {Limits} limits
 * @returns {AsyncGenerator<ChatEvent>}
 */
export async function* streamAnswer(endpoint, question, stop, limits = LIMITS) {
  const abort = new AbortController();
  stop.addEventListener("abort", () => abort.abort(stop.reason));
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @param {string} late @param {number} limit */
  const wait = (late, limit) => {
    clearTimeout(timer);
    timer = setTimeout(() => abort.abort(new ChatError(late, "", 0, limit / 1000)), limit);
  };
  /** @param {string} code @returns {(error: unknown) => never} */
  const failing = (code) => (error) => {
    if (abort.signal.aborted) throw abort.signal.reason;
    throw new ChatError(globalThis.navigator?.onLine === false ? "offline" : code, String(error));
  };
  try {
    let response;
    for (let again = true; ; again = false) {
      await session;
      wait("late", limits.connect);
      response = await post(`${endpoint}/v1/chat`, question, abort.signal).catch(failing("unreachable"));
      if (response.status !== 401 || !again || !(await renew(endpoint))) break;
    }
    const reader = await openStream(response);
    const decoder = new EventStreamDecoder();
    const utf8 = new TextDecoder();
    wait("silent", limits.silence);
    for (;;) {
      const { value, done } = await reader.read().catch(failing("broken"));
      if (done) throw new ChatError("broken");
      for (const event of decoder.decode(utf8.decode(value, { stream: true }))) {
        wait("silent", limits.silence);
        yield readEvent(event);
        if (event.event === "done") return;
      }
    }
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}

/** Whether asking once more has a chance. @param {string} endpoint */
const renew = async (endpoint) => (await openSession(endpoint)).token;

/** @param {string} endpoint @param {{id: string, vote: Vote, comment?: string}} feedback @returns {Promise<boolean>} */
export async function sendFeedback(endpoint, feedback, again = true) {
  try {
    await session;
    const { ok, status } = await post(`${endpoint}/v1/feedback`, feedback, AbortSignal.timeout(LIMITS.connect));
    return ok || (status === 401 && again && !!(await renew(endpoint)) && sendFeedback(endpoint, feedback, false));
  } catch {
    return false;
  }
}

// @ts-check
/** Puts the dialog, the conversation and the service together. */
import { sendFeedback, streamAnswer } from "./client.js";
import { Conversation, Store } from "./conversation.js";
import { ChatDialog } from "./dialog.js";
import { copyText, el } from "./elements.js";
import { say } from "./strings.js";
import { TurnView } from "./turn-view.js";

/** Drawing takes one part in this many of the time at most. */
const DRAWING_SHARE = 5;

/** @param {DOMStringMap} data @returns {Settings} */
const readSettings = (data) => ({
  ...data,
  endpoint: new URL(data.endpoint || "/", document.baseURI).href.replace(/\/$/, ""),
  root: new URL(data.root || "./", document.baseURI).href,
  suggestions: JSON.parse(data.suggestions || "[]"),
});

export class Panel {
  /** @type {TurnView[]} */
  #views = [];
  #following = true;
  #scrolledTo = 0;
  #drawing = false;

  /** @param {HTMLScriptElement} script @param {HTMLButtonElement} launcher @param {string} key */
  constructor(script, launcher, key) {
    const store = new Store(() => sessionStorage, key);
    const settings = (this.settings = readSettings(script.dataset));
    const { endpoint, project, version, page } = settings;
    this.conversation = new Conversation(store, {
      stream: (messages, stop) => streamAnswer(endpoint, { messages, project, version, page, stream: true }, stop),
      turnsChanged: () => this.#rewrite(),
      turnChanged: () => this.#redrawSoon(),
      turnEnded: () => this.#finish(),
    });
    this.dialog = new ChatDialog(launcher, {
      ask: (question) => this.#ask(question),
      stop: () => this.conversation.stop("stopped"),
      clear: () => this.#clear(),
      opened: (open) => store.saveOpen(open),
    });
    this.#listen();
    this.conversation.restore();
  }

  /** @param {boolean} focus */
  open(focus) {
    this.dialog.open(focus);
    this.#follow();
  }

  #listen() {
    const { log } = this.dialog;
    log.addEventListener("scroll", () => {
      if (Math.abs(log.scrollTop - this.#scrolledTo) > 4) this.#following = false;
    });
    addEventListener("pagehide", () => this.conversation.stop("interrupted"));
    addEventListener("pageshow", ({ persisted }) => persisted && this.conversation.restore());
  }

  /** Without a question, the last one again. @param {string} [question] */
  #ask(question) {
    this.dialog.announce(say("waiting"));
    this.dialog.focusInput();
    if (question) this.conversation.ask(question);
    else this.conversation.retry();
  }

  #clear() {
    this.conversation.clear();
    this.dialog.announce(say("fresh"));
    this.dialog.focusInput();
  }

  #rewrite() {
    const { turns, answering } = this.conversation;
    const { log } = this.dialog;
    const before = this.#views;
    this.#views = turns.map((turn, index) => (before[index]?.turn === turn ? before[index] : this.#createView(turn)));
    log.replaceChildren(...(turns.length ? this.#views.map(({ element }) => element) : [this.#writeWelcome()]));
    this.dialog.setAnswering(answering);
    this.#showFacts();
    this.#following = true;
    this.#follow();
  }

  /** @param {Turn} turn */
  #createView(turn) {
    /** @type {TurnView} */
    const view = new TurnView(turn, this.settings, {
      retry: () => this.#ask(),
      vote: (vote) => this.#vote(view, vote),
      copy: (text) => this.#copy(text),
    });
    return view;
  }

  #writeWelcome() {
    const { welcome, suggestions } = this.settings;
    const view = el("div", "mc-welcome", el("p", {}, welcome || say("welcome")));
    if (suggestions.length) view.append(el("h3", {}, say("suggestions")));
    for (const question of suggestions) {
      const suggestion = el("button", { type: "button", class: "mc-suggestion" }, question);
      suggestion.addEventListener("click", () => this.#ask(question));
      view.append(suggestion);
    }
    return view;
  }

  #redrawSoon() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame((begin) => {
      this.#redraw();
      const again = () => {
        this.#drawing = false;
        this.#redraw();
      };
      setTimeout(again, (performance.now() - begin) * DRAWING_SHARE);
    });
  }

  #redraw() {
    const turn = this.conversation.turns.at(-1);
    if (turn) this.#views.at(-1)?.update(turn);
    this.#follow();
  }

  #finish() {
    this.#redraw();
    this.#showFacts();
    this.dialog.setAnswering(false);
    this.dialog.announce(this.#views.at(-1)?.spoken ?? "");
  }

  /** Keeps the end in sight until the question is at the top. */
  #follow() {
    const { log } = this.dialog;
    const view = this.#views.at(-1);
    if (!view || !this.#following) return;
    log.scrollTop = Math.min(view.element.offsetTop, log.scrollHeight - log.clientHeight);
    this.#scrolledTo = log.scrollTop;
  }

  #showFacts() {
    const index = this.conversation.turns.findLast((turn) => turn.index)?.index;
    const date = index?.built_at.slice(0, 10);
    const { project = "", version = "" } = index ?? this.settings;
    this.dialog.facts.textContent = `${project} ${version}${date ? ` · ${say("built", { date })}` : ""}`;
  }

  /** @param {TurnView} view @param {Vote} vote */
  async #vote(view, vote) {
    const taken = await sendFeedback(this.settings.endpoint, { id: view.turn.id ?? "", vote });
    if (taken) this.conversation.recordVote(view.turn, vote);
    view.update(view.turn);
    this.dialog.announce(say(taken ? "thanks" : "feedbackFailed"));
  }

  /** @param {string} text */
  async #copy(text) {
    const copied = await copyText(text, this.dialog.element);
    this.dialog.announce(say(copied ? "copied" : "copyFailed"));
    return copied;
  }
}

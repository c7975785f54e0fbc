// @ts-check
/** Puts the dialog, the conversation and the service together. */
import { sendFeedback, streamAnswer } from "./client.js";
import { Conversation, Store } from "./conversation.js";
import { ChatDialog } from "./dialog.js";
import { button, copyText, el } from "./elements.js";
import { land, landOnArrival } from "./landing.js";
import { Preview } from "./preview.js";
import { openSession } from "./session.js";
import { say } from "./strings.js";
import { TurnView } from "./turn-view.js";

/** Drawing takes one part in this many of the time at most. */
const DRAWING_SHARE = 5;
/** So many turns are put back at once. */
const BATCH = 20;

/** @param {DOMStringMap} data @returns {Settings} */
const readSettings = (data) => ({
  ...data,
  title: data.title ?? "",
  endpoint: new URL(data.endpoint || "/", document.baseURI).href.replace(/\/$/, ""),
  root: new URL(data.root || "./", document.baseURI).href,
  suggestions: JSON.parse(data.suggestions || "[]"),
});

/** @param {string} name @param {object} [detail] */
const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`molsys-chat:${name}`, { detail }));

export class Panel {
  /** @type {TurnView[]} */
  #views = [];
  #following = true;
  #scrolledTo = 0;
  /** Whether the reader did something since the last question: of itself, a scroll event may as well come from the browser. */
  #acted = false;
  #sizes = new ResizeObserver(() => this.#follow());
  #drawing = false;
  #pending = "";
  #preview = new Preview();

  /** A panel with its styles. @param {DOMStringMap} data @param {HTMLElement} launcher @param {string} key */
  static async load(data, launcher, key) {
    const href = import.meta.url.replace("panel.js", "panel.css");
    await new Promise((onload, onerror) =>
      document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href, onload, onerror })),
    );
    return new Panel(data, launcher, key);
  }

  /** @param {DOMStringMap} data @param {HTMLElement} launcher @param {string} key */
  constructor(data, launcher, key) {
    const store = (this.store = new Store(() => sessionStorage, key));
    const settings = (this.settings = readSettings(data));
    const { endpoint, project, version } = settings;
    this.conversation = new Conversation(store, {
      stream: (messages, stop) => {
        const page = this.dialog.scoped ? settings.page : "";
        return streamAnswer(endpoint, { messages, project, version, page, stream: true }, stop);
      },
      turnsChanged: () => this.#rewrite(),
      turnChanged: () => this.#redrawSoon(),
      turnEnded: () => this.#finish(),
    });
    this.accepted = new Store(() => localStorage, key);
    this.dialog = new ChatDialog(launcher, settings, {
      ask: (question) => this.ask(question),
      stop: () => this.conversation.stop("stopped"),
      clear: () => this.#clear(),
      export: () => this.#export(),
      accept: () => this.#accept(),
      dismissed: () => this.#preview.hide(),
      drafted: (draft) => store.write(":draft", draft),
      recalled: () => [...this.conversation.cleared, ...this.conversation.turns].at(-1)?.question ?? "",
      followed: (href) => this.#mark(href),
      opened: (open) => {
        store.write(":open", open ? "1" : "");
        tell(open ? "open" : "close");
      },
    });
    this.dialog.element.append(this.#preview.element);
    store.write(":mark", ""); // it has been seen to
    landOnArrival();
    this.dialog.setDraft(store.read(":draft"));
    this.dialog.setLocked(!!settings.notice && this.accepted.read(":accepted") !== settings.notice);
    this.#listen();
    this.conversation.restore();
    if (this.dialog.notice.hidden) this.#begin();
  }

  /** @param {HTMLElement} opener @param {boolean} focus */
  open(opener, focus) {
    this.dialog.open(opener, focus);
  }

  close() {
    this.dialog.close(true);
  }

  /** Without a question, the last one again. @param {string} [question] */
  ask(question) {
    if (!this.dialog.notice.hidden) {
      this.#pending = question ?? "";
      return;
    }
    this.dialog.announce(say("waiting"));
    this.dialog.focusInput();
    if (!question) {
      this.conversation.retry();
      return;
    }
    if (this.conversation.answering) return;
    tell("question", { question });
    this.conversation.ask(question, this.dialog.takePassage());
  }

  #listen() {
    const { element, log } = this.dialog;
    for (const name of ["wheel", "touchmove", "keydown", "pointerdown"]) {
      element.addEventListener(name, () => (this.#acted = true), { passive: true });
    }
    log.addEventListener("scroll", () => {
      this.#preview.hide();
      if (this.#acted && Math.abs(log.scrollTop - this.#scrolledTo) > 1) this.#following = false;
    });
    this.#sizes.observe(log);
    addEventListener("pagehide", () => this.conversation.stop("interrupted"));
    addEventListener("pageshow", ({ persisted }) => persisted && this.conversation.restore());
  }

  async #begin() {
    const { kept_days: days } = await openSession(this.settings.endpoint);
    if (!days) return;
    const kept = say("kept", { days });
    this.dialog.hint.append(" ", kept);
    this.dialog.announce(kept);
  }

  #accept() {
    this.accepted.write(":accepted", this.settings.notice ?? "");
    this.dialog.setLocked(false);
    this.#begin();
    this.dialog.focusInput();
    if (this.#pending) this.ask(this.#pending);
  }

  #clear() {
    this.conversation.clear();
    this.dialog.announce(say("fresh"));
    this.dialog.focusInput();
  }

  #undo() {
    this.conversation.undo();
    this.dialog.announce(say("restored"));
    this.dialog.focusInput();
  }

  async #export() {
    const { conversationAsMarkdown, saveFile } = await import("./saving.js");
    const { title, project } = this.settings;
    const answers = await Promise.all(this.#views.map((view) => view.asMarkdown()));
    saveFile(conversationAsMarkdown(title, this.conversation.turns, answers), `${project || "conversation"}.md`);
  }

  /** The section that a link leads to is marked when it is there. @param {string} href */
  #mark(href) {
    const there = href.split("#")[0] === location.href.split("#")[0];
    if (!there) return this.store.write(":mark", href);
    document.documentElement.dataset.molsysChatMark = "";
    setTimeout(land);
  }

  #rewrite() {
    const { turns, answering } = this.conversation;
    const { log } = this.dialog;
    const kept = this.#views.filter(({ turn }, at) => turn === turns[at]);
    for (const view of this.#views.slice(kept.length)) view.element.remove();
    this.#views = [...kept, ...turns.slice(kept.length).map((turn) => this.#createView(turn))];
    this.#show(kept.length);
    log.querySelector(".mc-welcome")?.remove();
    if (!turns.length) log.append(this.#writeWelcome());
    this.dialog.export.hidden = !turns.length;
    this.dialog.setAnswering(answering);
    this.#showFacts();
    this.#following = true;
    this.#acted = false;
  }

  /** The latest first; the others when there is time. @param {number} from */
  #show(from) {
    const views = this.#views;
    const { log } = this.dialog;
    const showBefore = (/** @type {number} */ end) => {
      if (this.#views !== views || end <= from) return;
      const begin = Math.max(from, end - BATCH);
      const batch = views.slice(begin, end);
      batch.forEach((view) => view.draw());
      if (end < views.length) views[end].element.before(...batch.map(({ element }) => element));
      else log.append(...batch.map(({ element }) => element));
      setTimeout(showBefore, 30, begin);
    };
    showBefore(views.length);
  }

  /** @param {Turn} turn */
  #createView(turn) {
    /** @type {TurnView} */
    const view = new TurnView(turn, this.settings, {
      retry: () => this.ask(),
      vote: (vote, comment) => this.#vote(view, vote, comment),
      copy: (text) => this.#copy(text),
      preview: (link, source) => this.#preview.attach(link, source),
    });
    this.#sizes.observe(view.element);
    return view;
  }

  #writeWelcome() {
    const { welcome, suggestions } = this.settings;
    const view = el("div", "mc-welcome", el("p", {}, welcome || say("welcome")));
    if (this.conversation.cleared.length) view.append(button("undo", () => this.#undo()));
    if (suggestions.length) view.append(el("h3", {}, say("suggestions")));
    for (const question of suggestions) {
      const suggestion = el("button", { type: "button", class: "mc-suggestion" }, question);
      suggestion.addEventListener("click", () => this.ask(question));
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
    const view = this.#views.at(-1);
    if (!turn || !view) return;
    view.update(turn);
    this.dialog.announce(view.newlySpoken(), true);
  }

  #finish() {
    this.#redraw();
    this.#showFacts();
    this.dialog.setAnswering(false);
    const { question, answer, state, kind } = this.conversation.turns.at(-1) ?? {};
    tell("answer", { question, answer, state, kind });
  }

  /** Keeps the end in sight until the question is at the top, or its answer half way up. */
  #follow() {
    const { log } = this.dialog;
    const view = this.#views.at(-1);
    if (!view || !this.#following) return;
    log.scrollTop = Math.max(view.element.offsetTop, view.text.element.offsetTop - log.clientHeight / 2);
    this.#scrolledTo = log.scrollTop;
  }

  #showFacts() {
    const index = this.conversation.turns.findLast((turn) => turn.index)?.index;
    const date = index?.built_at.slice(0, 10);
    const commit = index?.commit.slice(0, 7);
    const named = [index ?? this.settings, ...(index?.others ?? [])];
    const names = named.map(({ project = "", version = "" }) => `${project} ${version}`.trim());
    const facts = [...names, date && say("built", { date }), commit && say("commit", { commit })];
    const shown = facts.flatMap((fact) => (fact ? [" · ", el("span", {}, fact)] : []));
    this.dialog.facts.replaceChildren(...shown.slice(1));
  }

  /** @param {TurnView} view @param {Vote} vote @param {string} comment */
  async #vote(view, vote, comment) {
    const taken = await sendFeedback(this.settings.endpoint, { id: view.turn.id ?? "", vote, comment });
    if (taken) this.conversation.recordVote(view.turn, vote);
    this.#following = false;
    if (taken || !comment) view.showVote(taken && !comment);
    this.dialog.announce(say(taken ? "thanks" : "feedbackFailed"));
  }

  /** @param {string} text */
  async #copy(text) {
    const copied = await copyText(text, this.dialog.element);
    this.dialog.announce(say(copied ? "copied" : "copyFailed"));
    return copied;
  }
}

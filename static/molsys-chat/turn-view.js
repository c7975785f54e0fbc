// @ts-check
/** How a question and its answer look. */
import { linkAddress, searchAddress, sectionOf, sourceAddress } from "./addresses.js";
import { isOpen } from "./conversation.js";
import { button, el } from "./elements.js";
import { FormattedText } from "./formatted.js";
import { linkNames, markUnverified } from "./marks.js";
import { say } from "./strings.js";

/** Milliseconds after which a wait is called long. */
const LONG_WAIT = 8000;

/** @param {Turn} turn */
const endingText = ({ state, failure }) => say(/** @type {any} */ (failure?.code ?? state), failure);

/** @param {Turn} turn */
function notesFor({ kind, degraded, truncated, unverified, index }) {
  const page = index?.asked_version;
  return [
    kind === "generated" || kind === "quoted" ? say(kind) : "",
    degraded ? say(degraded === "budget_spent" ? "spent" : "degraded") : "",
    truncated ? say("truncated") : "",
    unverified?.length ? say("unverified", { sentences: unverified.join(" / ") }) : "",
    page ? say(index.version ? "otherVersion" : "unnamedVersion", { page, version: index.version }) : "",
  ].filter(Boolean);
}

export class TurnView {
  #answer = el("div", { class: "mc-answer", dir: "auto" });
  #ending = el("div", "mc-ending");
  #status = el("p", "mc-status");
  /** How far it has come: its state, and whether it has begun. */
  #phase = "";
  #timer = 0;
  /** How many blocks of the answer have been read out. */
  #spoken = 0;
  #news = "";

  /** @param {Turn} turn @param {Settings} settings @param {TurnActions} actions */
  constructor(turn, settings, actions) {
    this.turn = turn;
    this.settings = settings;
    this.actions = actions;
    this.retry = button("retry", actions.retry);
    this.up = button("up", () => actions.vote("up", ""));
    this.down = button("down", () => actions.vote("down", ""));
    this.text = new FormattedText(this.#answer, {
      address: (href) => linkAddress(href, this.turn.sources.map(this.#address), settings.root),
      source: (n) => this.turn.sources.find((each) => each.n === n),
      sourceAddress: this.#address,
      copy: actions.copy,
      preview: actions.preview,
    });
    const question = el("h3", { class: "mc-question", dir: "auto" }, turn.question);
    this.element = el("article", "mc-turn", question, el("blockquote", "mc-asked", turn.passage ?? ""), this.#answer, this.#ending);
  }

  draw() {
    this.update(this.turn);
    this.#spoken = this.#answer.children.length;
  }

  /** What is new and complete, for screen readers. */
  newlySpoken() {
    const blocks = /** @type {HTMLElement[]} */ ([...this.#answer.children]);
    const ready = isOpen(this.turn) ? blocks.length - 1 : blocks.length;
    const texts = blocks.slice(this.#spoken, ready).map((block) => block.innerText);
    if (texts.length && !this.#spoken) texts.unshift(say("answer"));
    this.#spoken = Math.max(this.#spoken, ready);
    texts.unshift(this.#news);
    this.#news = "";
    return [...texts, isOpen(this.turn) ? "" : endingText(this.turn)].join(" ").trim();
  }

  /** @param {Turn} turn */
  update(turn) {
    const { state, answer, takenBack } = turn;
    if (answer.length < this.turn.answer.length) this.#takeBack(takenBack);
    this.turn = turn;
    this.text.update(answer || (state === "done" ? say("not_documented") : ""), isOpen(turn));
    const phase = answer ? `${state} it` : state;
    if (phase !== this.#phase) this.#end();
    this.#phase = phase;
  }

  async asMarkdown() {
    const { answerAsMarkdown } = await import("./saving.js");
    return answerAsMarkdown(this.turn, this.#address, notesFor(this.turn));
  }

  /** @param {boolean} asks Whether the reader may say why. */
  showVote(asks) {
    const { vote } = this.turn;
    this.up.ariaPressed = `${vote === "up"}`;
    this.down.ariaPressed = `${vote === "down"}`;
    const before = this.#ending.querySelector(".mc-reason");
    if (vote && before?.contains(document.activeElement)) this[vote].focus();
    before?.remove();
    if (!asks || !vote) return;
    const why = el("input", { "aria-label": say("reason"), placeholder: say("reason"), maxlength: "2000" });
    const form = el("form", "mc-reason mc-field", why, button("send", () => form.requestSubmit()), button("cancel", () => this.showVote(false)));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (why.value.trim()) this.actions.vote(vote, why.value.trim());
    });
    this.#ending.append(form);
    why.focus();
    form.scrollIntoView({ block: "nearest" });
  }

  /** Nothing jumps while it is written anew. @param {string} [reason] */
  #takeBack(reason) {
    this.#answer.style.minHeight = `${this.#answer.getBoundingClientRect().height}px`;
    this.#status.textContent = this.#news = say("takenBack", { reason });
    this.#status.classList.add("mc-news");
  }

  #end() {
    const { turn } = this;
    clearInterval(this.#timer);
    const open = isOpen(turn);
    this.#ending.replaceChildren(...(open ? [this.#status, turn.answer ? "" : this.#writeSources()] : this.#writeEnding()));
    if (!open) this.#answer.style.minHeight = "";
    else if (!turn.takenBack) this.#wait();
    if (turn.state === "done") this.#markNames();
  }

  #wait() {
    const { turn } = this;
    this.#status.textContent = say(/** @type {"waiting" | "writing"} */ (turn.state));
    this.#timer = window.setTimeout(() => {
      if (this.turn.answer) return;
      this.#status.append(" ", say("slow"));
      if (!this.turn.sources.length) this.#standIn();
    }, LONG_WAIT);
  }

  #markNames() {
    const { symbols = [], unverified = [], sources } = this.turn;
    linkNames(this.#answer, symbols, ({ url }) => this.#address({ url, section: sectionOf(url, sources) }));
    markUnverified(this.#answer, unverified);
  }

  #writeEnding() {
    const { turn, retry, up, down } = this;
    const done = turn.state === "done";
    const notes = notesFor(turn).map((note) => el("p", "mc-note", note));
    const copy = button("copyAnswer", async () => this.actions.copy(await this.asMarkdown()));
    const again = !done || turn.degraded ? [retry] : [];
    const actions = el("div", "mc-actions", ...again, ...(turn.answer ? [copy] : []), ...(done ? [up, down] : []));
    if (!done && !turn.sources.length) this.#standIn();
    this.showVote(false);
    return [...(done ? notes : [this.#writeFailure()]), this.#writeSources(), actions];
  }

  #writeFailure() {
    const wait = el("span");
    const tick = () => {
      const seconds = Math.ceil(((this.turn.failure?.until ?? 0) - Date.now()) / 1000);
      this.retry.disabled = seconds > 0;
      wait.textContent = seconds > 0 ? say("wait", { seconds }) : "";
      if (seconds <= 0) clearInterval(this.#timer);
    };
    this.#timer = window.setInterval(tick, 1000);
    tick();
    return el("p", "mc-failure", endingText(this.turn), " ", wait);
  }

  /** The site's own search, in place of an answer. */
  async #standIn() {
    const { turn, settings } = this;
    const found = await import("./site-search.js").then(
      ({ searchSite }) => searchSite(settings, turn.question),
      () => [],
    );
    const all = searchAddress(settings, turn.question);
    if (turn !== this.turn && turn.state !== this.turn.state) return;
    const items = found.map(({ title, href }) => el("li", {}, el("a", { href }, title)));
    const view = el("div", "mc-sources mc-found", ...(items.length ? [el("h4", {}, say("search")), el("ul", {}, ...items)] : []));
    if (all) view.append(el("a", { href: all }, say("allResults")));
    this.#ending.querySelector(".mc-found")?.remove();
    if (isOpen(this.turn)) this.#status.after(view);
    else this.#ending.lastElementChild?.before(view);
  }

  #writeSources() {
    const { sources, cited, kind } = this.turn;
    const view = el("div", "mc-sources");
    if (!sources.length) return view;
    const named = sources.filter(({ n }) => cited.includes(n));
    const others = sources.filter((source) => !named.includes(source));
    const heading = kind === "not_documented" ? "nearest" : named.length ? "sources" : "found";
    view.append(el("h4", {}, say(heading)), this.#writeList(named.length ? named : others));
    if (named.length && others.length) {
      const summary = el("summary", {}, say("more", { count: others.length }));
      view.append(el("details", {}, summary, this.#writeList(others)));
    }
    return view;
  }

  /** @param {Source[]} sources */
  #writeList(sources) {
    const items = sources.map((source) => {
      const path = source.title.split(" › ");
      const title = path.pop() ?? "";
      const href = this.#address(source);
      const item = el("li", {}, href ? el("a", { href }, title) : title, el("p", "mc-note", path.join(" › ")));
      item.value = source.n;
      return item;
    });
    return el("ol", {}, ...items);
  }

  /** @param {Pick<Source, "section" | "url">} place */
  #address = (place) => sourceAddress(place, this.turn.index?.project ?? "", this.settings);
}

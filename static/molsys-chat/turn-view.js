// @ts-check
/** How a question and its answer look. */
import { linkAddress, sourceAddress } from "./addresses.js";
import { isOpen } from "./conversation.js";
import { button, el } from "./elements.js";
import { FormattedText } from "./formatted.js";
import { say } from "./strings.js";

/** @param {Turn} turn */
const endingText = ({ state, failure }) =>
  failure ? say(/** @type {any} */ (failure.code), failure) : state === "stopped" || state === "interrupted" ? say(state) : "";

/** @param {Turn} turn @param {string} [page] The version that is read. */
function notesFor({ kind, degraded, truncated, unverified, index }, page = "") {
  const version = index?.version ?? "";
  const same = version.startsWith(page) || page.startsWith(version); // 0.9 and 0.9.8 may be
  return [
    kind === "generated" || kind === "quoted" ? say(kind) : "",
    degraded ? say("degraded") : "",
    truncated ? say("truncated") : "",
    unverified?.length ? say("unverified", { names: unverified.join(", ") }) : "",
    same ? "" : say("otherVersion", { page, version }),
  ].filter(Boolean);
}

export class TurnView {
  #answer = el("div", "mc-answer");
  #ending = el("div", "mc-ending");
  #state = "";
  #timer = 0;

  /** @param {Turn} turn @param {Settings} settings @param {TurnActions} actions */
  constructor(turn, settings, actions) {
    this.turn = turn;
    this.settings = settings;
    this.retry = button("retry", actions.retry);
    this.up = button("up", () => actions.vote("up"));
    this.down = button("down", () => actions.vote("down"));
    this.text = new FormattedText(this.#answer, {
      address: (href) => linkAddress(href, this.turn.sources.map(this.#address), settings.root),
      source: (n) => this.turn.sources.find((each) => each.n === n),
      sourceAddress: this.#address,
      copy: actions.copy,
    });
    this.element = el("article", "mc-turn", el("h3", "mc-question", turn.question), this.#answer, this.#ending);
    this.update(turn);
  }

  get spoken() {
    return endingText(this.turn) || `${say("answer")} ${this.#answer.innerText}`;
  }

  /** @param {Turn} turn */
  update(turn) {
    const { state, vote, answer } = (this.turn = turn);
    const text = answer || (state === "done" ? say("not_documented") : "");
    this.text.update(text, isOpen(turn));
    this.up.ariaPressed = `${vote === "up"}`;
    this.down.ariaPressed = `${vote === "down"}`;
    if (state !== this.#state) this.#ending.replaceChildren(...this.#writeEnding());
    this.#state = state;
  }

  #writeEnding() {
    const { turn, retry, up, down } = this;
    const { state, degraded } = turn;
    clearInterval(this.#timer);
    if (state === "waiting" || state === "writing") return [el("p", "mc-status", say(state))];
    const notes = notesFor(turn, this.settings.version).map((note) => el("p", "mc-note", note));
    const ended = state === "done" ? notes : [this.#writeFailure()];
    const votes = state === "done" ? [up, down] : [];
    const actions = el("div", "mc-actions", ...(state !== "done" || degraded ? [retry] : []), ...votes);
    return [...ended, this.#writeSources(), actions];
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

  /** @param {Source} source */
  #address = (source) => sourceAddress(source, this.turn.index?.project ?? "", this.settings);
}

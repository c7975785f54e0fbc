// @ts-check
/** A look at a cited section, while its number is pointed at or focused. */
import { el } from "./elements.js";

const ID = "molsys-chat-preview";
/** Milliseconds: time to move from the number into the preview. */
const LINGER = 250;

export class Preview {
  element = el("div", { class: "mc-preview", id: ID, role: "tooltip" });
  #timer = 0;

  constructor() {
    this.element.hidden = true;
    this.element.addEventListener("pointerenter", () => clearTimeout(this.#timer));
    this.element.addEventListener("pointerleave", () => this.#hideSoon());
  }

  /** @param {HTMLElement} link @param {Source} source */
  attach(link, source) {
    const show = () => this.#show(link, source);
    link.addEventListener("pointerenter", show);
    link.addEventListener("focus", show);
    link.addEventListener("pointerleave", () => this.#hideSoon());
    link.addEventListener("blur", () => this.hide());
  }

  hide() {
    clearTimeout(this.#timer);
    const shown = !this.element.hidden;
    this.element.hidden = true;
    return shown;
  }

  #hideSoon() {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.hide(), LINGER);
  }

  /** Below its number, or above it. @param {HTMLElement} link @param {Source} source */
  #show(link, { title, excerpt }) {
    const { element } = this;
    const steps = title.split(" › ");
    clearTimeout(this.#timer);
    element.replaceChildren(el("p", "mc-note", steps.slice(0, -1).join(" › ")), el("h4", {}, steps.at(-1) ?? ""), el("p", {}, excerpt));
    element.hidden = false;
    link.setAttribute("aria-describedby", ID);
    const panel = /** @type {HTMLElement} */ (element.parentElement).getBoundingClientRect();
    const { top, bottom } = link.getBoundingClientRect();
    const below = bottom + element.offsetHeight + 8 < panel.bottom;
    element.style.top = `${(below ? bottom + 4 : Math.max(panel.top + 4, top - 4 - element.offsetHeight)) - panel.top}px`;
  }
}

// @ts-check
/** The panel's dialog. It knows no conversation. */
import { button, el } from "./elements.js";
import { say } from "./strings.js";

/** On such screens it is modal and fills all. */
const NARROW = matchMedia("(max-width: 40rem)");

export class ChatDialog {
  log = el("div", { class: "mc-log", role: "log", "aria-live": "off", tabindex: "0", "aria-label": say("conversation") });
  facts = el("p", "mc-note");
  #announcer = el("p", { class: "mc-unseen", role: "status" });
  #input = el("textarea", { rows: "1", placeholder: say("placeholder"), "aria-label": say("placeholder") });

  /** @param {HTMLButtonElement} launcher @param {DialogActions} actions */
  constructor(launcher, actions) {
    const id = "molsys-chat-title";
    this.launcher = launcher;
    this.actions = actions;
    this.send = button("send", () => this.#submit());
    this.stop = button("stop", actions.stop);
    const titles = el("div", "mc-titles", el("h2", { id }, launcher.innerText), this.facts);
    const close = button("close", () => this.close(true));
    const field = el("div", "mc-field", this.#input, this.send, this.stop);
    this.element = el(
      "dialog",
      { class: "molsys-chat", "aria-labelledby": id },
      el("div", "mc-header", titles, button("fresh", actions.clear), close),
      this.log,
      el("div", "mc-form", field, el("p", "mc-note", say("disclaimer"))),
      this.#announcer,
    );
    this.#listen();
    document.body.append(this.element);
  }

  /** @param {boolean} focus */
  open(focus) {
    if (!this.element.open) this.#show();
    if (focus) this.focusInput();
    this.#tell(true);
  }

  /** @param {boolean} refocus */
  close(refocus) {
    this.element.close();
    this.#tell(false);
    if (refocus) this.launcher.focus();
  }

  /** @param {string} text For screen readers. */
  announce(text) {
    this.#announcer.textContent = text;
  }

  focusInput() {
    this.#input.focus();
  }

  /** @param {boolean} answering */
  setAnswering(answering) {
    const focused = document.activeElement === this.stop;
    this.send.hidden = answering;
    this.stop.hidden = !answering;
    if (focused) this.focusInput();
  }

  /** @param {boolean} open */
  #tell(open) {
    this.launcher.hidden = open;
    this.actions.opened(open);
  }

  #show() {
    if (NARROW.matches) this.element.showModal();
    else this.element.open = true; // `show()` would take the focus from the page
  }

  #submit() {
    const question = this.#input.value.trim();
    if (!question || this.send.hidden) return;
    this.#input.value = "";
    this.focusInput();
    this.actions.ask(question);
  }

  #listen() {
    const { element, log } = this;
    element.addEventListener("keydown", (event) => this.#onKey(event));
    element.addEventListener("cancel", () => this.close(true));
    log.addEventListener("click", ({ target }) => {
      // It would cover the section that the link leads to.
      if (NARROW.matches && /** @type {Element} */ (target).closest("a")) this.close(false);
    });
    NARROW.addEventListener("change", () => {
      if (!element.open) return;
      element.close();
      this.#show();
    });
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const { key, target } = event;
    // The page's own one-key shortcuts must not fire here.
    if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
    const sends = key === "Enter" && !event.shiftKey && target === this.#input;
    if (event.isComposing || (key !== "Escape" && !sends)) return;
    event.preventDefault();
    if (sends) this.#submit();
    else this.close(true);
  }
}

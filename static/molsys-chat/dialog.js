// @ts-check
/** The panel's dialog. It knows no conversation. */
import { button, el } from "./elements.js";
import { say } from "./strings.js";

/** On such screens it is modal and fills all; on such ones it stands beside the page. */
const NARROW = matchMedia("(width < 40rem)");
const PAGE = document.documentElement;
const LONGEST_PASSAGE = 1000;

/** What is selected on the page. @param {Node} panel */
function selectedText(panel) {
  const selection = getSelection();
  if (!selection?.rangeCount || panel.contains(selection.anchorNode)) return "";
  return selection.toString().trim().slice(0, LONGEST_PASSAGE);
}

export class ChatDialog {
  log = el("div", { class: "mc-log", role: "log", "aria-live": "off", tabindex: "0", "aria-label": say("conversation") });
  facts = el("p", "mc-note");
  hint = el("p", "mc-note", say("disclaimer"));
  #announcer = el("div", { class: "mc-unseen", role: "status", "aria-atomic": "false" });
  #input = el("textarea", { rows: "1", placeholder: say("placeholder"), "aria-label": say("placeholder"), title: say("newLine") });
  #quoted = el("span", "mc-quoted");
  passage = "";
  /** The question that ArrowUp put into the field. */
  #recalled = "";

  /** @param {HTMLElement} launcher @param {Settings} settings @param {DialogActions} actions */
  constructor(launcher, { title, panel, page, notice = "" }, actions) {
    const id = "molsys-chat-title";
    this.launcher = this.opener = launcher;
    this.actions = actions;
    this.docks = panel !== "window";
    this.send = button("send", () => this.#submit());
    this.stop = button("stop", actions.stop);
    this.export = button("export", actions.export);
    this.scope = button("thisPage", () => this.#setScope(!this.scoped));
    this.about = el("div", "mc-about", el("span", {}, `${say("passage")}: `, this.#quoted), button("drop", () => this.#setPassage("")));
    const titles = el("div", "mc-titles", el("h2", { id }, title), this.facts);
    const close = button("close", () => this.close(true));
    const field = el("div", "mc-field", this.#input, this.send, this.stop);
    this.form = el("div", "mc-form", this.about, field, el("div", "mc-hints", this.scope, this.hint));
    this.notice = el("div", "mc-form mc-notice", el("p", {}, notice), button("accept", actions.accept));
    this.element = el(
      "dialog",
      { class: "molsys-chat", "aria-labelledby": id },
      el("div", "mc-header", titles, this.export, button("fresh", actions.clear), close),
      this.log,
      this.notice,
      this.form,
      this.#announcer,
    );
    this.scope.hidden = !page || /(^|\/)(search|genindex|py-modindex)\b/.test(page);
    this.#setScope(!this.scope.hidden);
    this.#setPassage("");
    this.#listen();
    document.body.append(this.element);
  }

  /** @param {HTMLElement} opener @param {boolean} focus */
  open(opener, focus) {
    const selected = selectedText(this.element);
    if (selected) this.#setPassage(selected);
    if (!this.element.contains(opener)) this.opener = opener;
    if (!this.element.open) this.#show();
    if (focus) this.focusInput();
    this.#tell(true);
  }

  /** @param {boolean} refocus */
  close(refocus) {
    this.element.close();
    this.#tell(false);
    if (refocus) (this.opener.isConnected ? this.opener : this.launcher).focus();
  }

  /** @param {string} text For screen readers; what was said before stays said. @param {boolean} more */
  announce(text, more = false) {
    if (!more) this.#announcer.textContent = "";
    if (text) this.#announcer.append(el("p", {}, text));
  }

  focusInput() {
    const { notice } = this;
    (notice.hidden ? this.#input : /** @type {HTMLElement} */ (notice.lastElementChild)).focus();
  }

  /** @param {boolean} locked Until the notice is accepted. */
  setLocked(locked) {
    this.notice.hidden = !locked;
    this.form.hidden = locked;
  }

  /** @param {boolean} answering */
  setAnswering(answering) {
    const focused = document.activeElement === this.stop;
    this.send.hidden = answering;
    this.stop.hidden = !answering;
    if (focused) this.focusInput();
  }

  /** @param {string} draft */
  setDraft(draft) {
    this.#input.value = draft;
    this.#drafted();
  }

  /** The field is as high as its lines, where the browser does not see to that itself. */
  #drafted() {
    const { value } = this.#input;
    this.#input.rows = Math.min(6, value.split("\n").length);
    this.actions.drafted(value);
  }

  /** What goes along with a question, and then is done with. */
  takePassage() {
    const { passage } = this;
    this.#setPassage("");
    return passage;
  }

  get scoped() {
    return this.scope.ariaPressed === "true";
  }

  /** @param {boolean} scoped */
  #setScope(scoped) {
    this.scope.ariaPressed = `${scoped}`;
  }

  /** @param {string} passage */
  #setPassage(passage) {
    this.passage = this.#quoted.textContent = passage;
    this.about.hidden = !passage;
  }

  /** @param {boolean} open */
  #tell(open) {
    this.launcher.ariaExpanded = `${open}`;
    PAGE.toggleAttribute("data-molsys-chat-docked", open && this.docks);
    this.element.classList.toggle("mc-docked", this.docks);
    this.actions.opened(open);
  }

  #show() {
    if (NARROW.matches) this.element.showModal();
    else this.element.open = true; // `show()` would take the focus from the page
  }

  #submit() {
    const question = this.#input.value.trim();
    if (!question || this.send.hidden) return;
    this.setDraft("");
    this.focusInput();
    this.actions.ask(question);
  }

  #listen() {
    const { element, log } = this;
    element.addEventListener("keydown", (event) => this.#onKey(event));
    element.addEventListener("cancel", () => this.close(true));
    this.#input.addEventListener("input", () => this.#drafted());
    log.addEventListener("click", ({ target }) => {
      const link = /** @type {Element} */ (target).closest("a");
      if (link) this.actions.followed(link.href);
      // It would cover the section that the link leads to.
      if (link && NARROW.matches) this.close(false);
    });
    document.addEventListener("selectionchange", () => {
      if (element.open && !element.contains(document.activeElement)) this.#setPassage(selectedText(element));
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
    const modified = event.ctrlKey || event.metaKey || event.altKey;
    // The page's own one-key shortcuts must not fire here.
    if (!modified) event.stopPropagation();
    // Safari says of the key that ends a composition only that an input method took it.
    if (event.isComposing || event.keyCode === 229) return;
    if (target === this.#input && !event.shiftKey && this.#onFieldKey(key, modified)) event.preventDefault();
    else if (key === "Escape") {
      event.preventDefault();
      /** @type {HTMLElement | null | undefined} */
      const cancel = /** @type {Element} */ (target).closest("form")?.querySelector(".mc-cancel");
      if (cancel) cancel.click();
      else if (!this.actions.dismissed()) this.close(true);
    }
  }

  /** @param {string} key @param {boolean} modified @returns {unknown} Whether it did something. */
  #onFieldKey(key, modified) {
    const { value } = this.#input;
    if (key === "Enter") this.#submit();
    else if (modified) return;
    else if (key === "ArrowUp" && !value) this.setDraft((this.#recalled = this.actions.recalled()));
    else if (/ArrowDown|Escape/.test(key) && value && value === this.#recalled) this.setDraft("");
    else return;
    return true;
  }
}

// @ts-check
/** Markdown as DOM that grows: blocks that stay the same stay. */
import { button, el } from "./elements.js";
import { holdBack, parseInline, parseMarkdown } from "./markdown.js";
import { say } from "./strings.js";

/** What lies beyond is shown as it is. */
const LONGEST_FORMATTED = 100_000;

/** Loaded with the first code. @type {typeof import("./highlight.js").colorCode | undefined} */
let colorCode;
/** What code is made of: pieces that stay the same stay. @type {WeakMap<HTMLElement, Colored[]>} */
const coloured = new WeakMap();

/** @param {HTMLElement} code @param {string} text @param {string} language */
async function fillCode(code, text, language) {
  if (colorCode) {
    const pieces = colorCode(text, language);
    const before = coloured.get(code) ?? [];
    let same = 0;
    while (same < pieces.length && `${pieces[same]}` === `${before[same]}`) same += 1;
    while (code.childNodes.length > same) code.lastChild?.remove();
    code.append(...pieces.slice(same).map(([name, piece]) => (name ? el("span", name, piece) : piece)));
    coloured.set(code, pieces);
    return;
  }
  code.replaceChildren(text);
  const loaded = await import("./highlight.js").catch(() => null);
  if (!loaded) return;
  colorCode = loaded.colorCode;
  if (code.textContent === text) fillCode(code, text, language);
}

/** @param {string} text @returns {Piece[]} */
function readPieces(text) {
  const pieces = parseMarkdown(text.slice(0, LONGEST_FORMATTED));
  const rest = text.slice(LONGEST_FORMATTED);
  return rest ? [...pieces, { type: "code", language: "", text: rest, raw: rest }] : pieces;
}

export class FormattedText {
  /** @type {Piece[]} */
  #pieces = [];
  #unfinished = false;

  /** @param {HTMLElement} element @param {References} references */
  constructor(element, references) {
    this.element = element;
    this.references = references;
  }

  /** @param {string} text @param {boolean} unfinished */
  update(text, unfinished) {
    const before = this.#pieces;
    const pieces = readPieces(unfinished ? holdBack(text) : text);
    // What was the end and unfinished is read differently once it is complete.
    const stays = !this.#unfinished || (unfinished && pieces.length <= before.length);
    const settled = before.length - (stays ? 0 : 1);
    let same = 0;
    while (same < settled && pieces[same]?.raw === before[same].raw) same += 1;
    if (same === before.length - 1 && this.#growCode(before[same], pieces[same])) same += 1;
    while (this.element.children.length > same) this.element.lastElementChild?.remove();
    for (const piece of pieces.slice(same)) {
      const write = writerFor(this.references, unfinished && piece === pieces.at(-1));
      this.element.append(write(piece));
    }
    this.#pieces = pieces;
    this.#unfinished = unfinished;
  }

  /** Code that grew keeps its element, scrolled as it is. @param {Block} before @param {Block} [block] */
  #growCode(before, block) {
    if (before.type !== "code" || block?.type !== "code" || before.language !== block.language) return false;
    const code = /** @type {HTMLElement | undefined} */ (this.element.lastElementChild?.querySelector("code"));
    if (code) fillCode(code, block.text, block.language);
    return true;
  }
}

/** @param {References} references @param {boolean} unfinished @returns {(block: Block) => HTMLElement} */
function writerFor(references, unfinished) {
  /** @param {string} text */
  const inline = (text) => parseInline(text, unfinished).map(write);
  /** @param {any} node @returns {any} */
  const write = (node) =>
    Object.hasOwn(writers, node.type) ? /** @type {any} */ (writers)[node.type](node) : el(node.type, {}, ...node.children.map(write));
  /** @param {string} name @param {string} label @param {HTMLElement} content */
  const scrolled = (name, label, content) =>
    el("div", { class: name, tabindex: "0", role: "group", "aria-label": label }, content);

  /** @type {Writers} */
  const writers = {
    p: ({ text }) => el("p", {}, ...inline(text)),
    heading: ({ text }) => el("h4", {}, ...inline(text)),
    hr: () => el("hr"),
    quote: ({ blocks }) => el("blockquote", {}, ...blocks.map(write)),
    list: ({ start, items }) => {
      const list = items.map((blocks) => el("li", {}, ...blocks.map(write)));
      return start >= 0 ? el("ol", { start: `${start}` }, ...list) : el("ul", {}, ...list);
    },
    table: ({ rows }) => {
      const lines = rows.map((cells, row) =>
        el("tr", {}, ...cells.map((cell) => el(row ? "td" : "th", {}, ...inline(cell)))),
      );
      return scrolled("mc-table", say("table"), el("table", {}, ...lines));
    },
    code: ({ text, language }) => {
      const code = el("code");
      fillCode(code, text, language);
      const copy = button("copy", async () => {
        if (await references.copy(code.innerText)) copy.classList.add("mc-copied");
      });
      const label = `${say("code")} ${language}`;
      return el("div", "mc-code highlight", copy, scrolled("mc-pre", label, el("pre", {}, code)));
    },

    text: ({ text }) => text,
    inlineCode: ({ text }) => el("code", {}, text),
    br: () => el("br"),
    cite: ({ n }) => {
      const source = references.source(n);
      const href = source && references.sourceAddress(source);
      if (!href) return `[${n}]`;
      const link = el("a", { class: "mc-cite", href, "aria-label": say("source", { n, title: source.title }) }, `${n}`);
      references.preview(link, source);
      return link;
    },
    link: ({ href, children }) => {
      const address = references.address(href);
      const content = children.map(write);
      if (address) return el("a", { href: address }, ...content);
      const text = el("span", {}, ...content);
      if (text.textContent !== href) text.append(` (${href})`);
      return text;
    },
  };
  return write;
}

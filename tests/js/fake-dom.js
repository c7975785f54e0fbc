// @ts-check
/** As much of a DOM as the renderer uses: what it makes is all that there is to look at. */

export class FakeElement {
  /** @type {(FakeElement | string)[]} */
  nodes = [];
  /** @type {Map<string, string>} */
  attributes = new Map();
  /** @type {FakeElement | undefined} */
  parent;

  /** @param {string} tag */
  constructor(tag) {
    this.tag = tag;
  }

  get children() {
    return this.nodes.filter((node) => node instanceof FakeElement);
  }

  get childNodes() {
    return this.nodes;
  }

  get lastChild() {
    return { remove: () => this.nodes.pop() };
  }

  /** @returns {FakeElement | null} */
  get lastElementChild() {
    return this.children.at(-1) ?? null;
  }

  /** @returns {string} */
  get textContent() {
    return this.nodes.map((node) => (typeof node === "string" ? node : node.textContent)).join("");
  }

  /** @param {string} value */
  set ariaLabel(value) {
    this.attributes.set("aria-label", value);
  }

  /** @param {string} value */
  set title(value) {
    this.attributes.set("title", value);
  }

  /** @param {...(FakeElement | string)} nodes */
  append(...nodes) {
    for (const node of nodes) if (node instanceof FakeElement) node.parent = this;
    this.nodes.push(...nodes);
  }

  /** @param {...(FakeElement | string)} nodes */
  replaceChildren(...nodes) {
    this.nodes = [];
    this.append(...nodes);
  }

  remove() {
    const { parent } = this;
    if (parent) parent.nodes = parent.nodes.filter((node) => node !== this);
  }

  /** @param {string} name @param {string} value */
  setAttribute(name, value) {
    this.attributes.set(name, value);
  }

  addEventListener() {}

  /** @param {string} tag @returns {FakeElement | null} */
  querySelector(tag) {
    return this.all().find((element) => element !== this && element.tag === tag) ?? null;
  }

  /** This element and all in it. @returns {FakeElement[]} */
  all() {
    const found = [];
    /** @type {FakeElement[]} */
    const waiting = [this];
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      found.push(next);
      waiting.push(...next.children.reverse());
    }
    return found;
  }
}

export const install = () =>
  Object.assign(globalThis, {
    document: {
      createElement: (/** @type {string} */ tag) => new FakeElement(tag),
      createElementNS: (/** @type {string} */ namespace, /** @type {string} */ tag) => Object.assign(new FakeElement(tag), { namespaceURI: namespace }),
    },
  });

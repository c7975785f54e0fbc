// @ts-check
/** What the renderer makes of hostile and of random text. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { linkAddress, sourceAddress } from "../../static/molsys-chat/addresses.js";
import { FormattedText } from "../../static/molsys-chat/formatted.js";
import { FakeElement, install } from "./fake-dom.js";
import { HOSTILE } from "./hostile.js";

install();

const ROOT = "https://docs.example.org/en/";
const SITE = { root: ROOT, project: "" };
const SOURCES = [
  { n: 1, title: "One", url: "", section: "one.html#a", excerpt: "" },
  { n: 2, title: "<b>Two</b>", url: "javascript:window.hacked=1", section: "", excerpt: "" },
  { n: 3, title: "Three", url: "https://other.example.org/x.html", section: "//evil.example", excerpt: "" },
];
const ALLOWED = ["https://other.example.org/x.html"];

const TAGS = new Set(
  "div p h4 hr blockquote ul ol li table tr th td pre code button svg path br em strong b i u s sub sup kbd a span".split(" "),
);
const ATTRIBUTES = new Set("class href start tabindex role aria-label title type viewBox d".split(" "));
/** What a class may be; the rest is fixed in the modules. */
const CLASS = /^[a-z\d -]+$/i;

function createView() {
  const element = new FakeElement("div");
  const view = new FormattedText(/** @type {any} */ (element), {
    address: (href) => linkAddress(href, ALLOWED, ROOT),
    source: (n) => SOURCES.find((each) => each.n === n),
    sourceAddress: (source) => sourceAddress(source, "", SITE),
    copy: async () => true,
    preview: () => {},
  });
  return { element, view };
}

/** @param {FakeElement} root @param {string} text */
function checkHarmless(root, text) {
  const where = JSON.stringify(text.slice(0, 200));
  for (const { tag, attributes } of root.all()) {
    assert.ok(TAGS.has(tag), `<${tag}> from ${where}`);
    for (const [name, value] of attributes) {
      assert.ok(ATTRIBUTES.has(name), `${name} from ${where}`);
      if (name === "class") assert.match(value, CLASS, where);
      if (name === "href") assert.ok(value.startsWith(ROOT) || ALLOWED.includes(value), `${value} from ${where}`);
    }
  }
}

/** @param {FakeElement} element @returns {number} */
const depthOf = (element) => {
  let deepest = 0;
  /** @type {[FakeElement, number][]} */
  const waiting = [[element, 0]];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    deepest = Math.max(deepest, next[1]);
    for (const child of next[0].children) waiting.push([child, next[1] + 1]);
  }
  return deepest;
};

test("there are at least 150 hostile answers, all different", () => {
  assert.ok(new Set(HOSTILE).size === HOSTILE.length && HOSTILE.length >= 150, `${HOSTILE.length}`);
});

for (const [number, text] of HOSTILE.entries()) {
  test(`hostile answer ${number}: ${JSON.stringify(text.slice(0, 50))}`, async () => {
    const { element, view } = createView();
    view.update(text.slice(0, text.length / 2), true);
    view.update(text, true);
    view.update(text, false);
    await new Promise(setImmediate); // colours arrive
    checkHarmless(element, text);
    assert.ok(depthOf(element) < 200, `${depthOf(element)} levels`);
  });
}

/** Numbers from 0 to 1, the same in each run. @param {number} seed */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const GRAMMAR = [
  ..."*_`~[]()<>!#|\\-+.:/'\"=&;{}$%@^ \n\t0aZé😀\u202e",
  "```", "~~~", "\n\n", "> ", "- ", "1. ", "    ", "## ", "|---|---|\n", "[1]", "[2]", "[3]", "](", "](javascript:", "](one.html)",
  "![", "https://evil.example/", "javascript:alert(1)", "<script>", "</script>", "<img onerror=", "data:text/html,", "**", "***", "  \n", "\\\n",
  "<br>", "<br/>", "<sub>", "</sub>", "<b>", "</b>", "<i>", "</i>", "&lt;", "&nbsp;", "&#39;", "&am", "python", "html\n", "word", " text ", "| a | b |\n",
];

test("random text is harmless, in pieces as in one", () => {
  for (let seed = 1; seed <= 1500; seed += 1) {
    const random = randomFrom(seed);
    const pick = () => GRAMMAR[Math.floor(random() * GRAMMAR.length)];
    const pieces = Array.from({ length: 2 + Math.floor(random() * 60) }, pick);
    const { element, view } = createView();
    let text = "";
    for (const piece of pieces) {
      text += piece;
      if (random() < 0.2) view.update(text, true);
    }
    view.update(text, false);
    checkHarmless(element, text);
    const whole = createView();
    whole.view.update(text, false);
    assert.equal(element.textContent, whole.element.textContent, `seed ${seed}: ${JSON.stringify(text)}`);
  }
});

// @ts-check
/** What checking found out, put into a finished answer. */
import { el } from "./elements.js";
import { say } from "./strings.js";

/** What Markdown and its elements have in common. @param {string} text */
const letters = (text) => text.replace(/\]\(\S*?\)|<\/?\w+ ?\/?>|&#?\w+;|\P{L}/gu, "");

/** Documented names become links, `package.name` too where its modules are left out. @param {HTMLElement} answer @param {ApiName[]} symbols @param {(symbol: ApiName) => string} addressOf */
export function linkNames(answer, symbols, addressOf) {
  for (const code of answer.querySelectorAll(":not(pre, a) > code")) {
    const name = (code.textContent ?? "").replace(/\(.*/s, "").trim();
    const symbol = name && symbols.find((each) => `.${each.name}`.endsWith(`.${name}`) || each.name.replace(/\..*\./, ".") === name);
    const href = symbol && addressOf(symbol);
    if (!href || code.closest("a")) continue;
    const link = el("a", { href, title: symbol.name });
    code.replaceWith(link);
    link.append(code);
  }
}

/** What the sources do not support says so, where it stands. @param {HTMLElement} answer @param {string[]} sentences */
export function markUnverified(answer, sentences) {
  const places = [...answer.querySelectorAll("p, li, tr")];
  const found = sentences.map((words) => places.findLast((each) => letters(each.textContent ?? "").includes(letters(words))));
  for (const place of new Set(found)) {
    (place?.querySelector("td:last-child") ?? place)?.append(" ", el("span", "mc-badge", say("notVerified")));
  }
}

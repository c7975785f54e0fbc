// @ts-check
/** What checking found out, put into a finished answer. */
import { el } from "./elements.js";
import { say } from "./strings.js";

/** @param {string} text */
const plain = (text) => text.replace(/\[\d+\]|[*`_\s]/g, "");

/** Documented names become links. @param {HTMLElement} answer @param {ApiName[]} symbols @param {(symbol: ApiName) => string} addressOf */
export function linkNames(answer, symbols, addressOf) {
  for (const code of answer.querySelectorAll(":not(pre, a) > code")) {
    const name = (code.textContent ?? "").replace(/\(.*/s, "").trim();
    const symbol = name && symbols.find((each) => each.name === name || each.name.endsWith(`.${name}`));
    const href = symbol && addressOf(symbol);
    if (!href || code.closest("a")) continue;
    const link = el("a", { href, title: symbol.name });
    code.replaceWith(link);
    link.append(code);
  }
}

/** What could not be verified says so, where it stands. @param {HTMLElement} answer @param {string[]} unverified */
export function markUnverified(answer, unverified) {
  for (const words of unverified) {
    const wanted = plain(words);
    const places = [...answer.querySelectorAll(":not(pre) > code"), ...answer.querySelectorAll("p, li, td")];
    const place = wanted && places.find((each) => plain(each.textContent ?? "").includes(wanted));
    const mark = el("span", "mc-badge", say("notVerified"));
    if (!place) continue;
    if (place.matches("code")) place.after(" ", mark);
    else place.append(" ", mark);
  }
}

// @ts-check
/** DOM elements. Text goes in as text: there is no way in for markup. */
import { say } from "./strings.js";

/** Outlines on a grid of 24 by 24. @type {Record<string, string>} */
const ICONS = {
  close: "M6 6l12 12M18 6L6 18",
  fresh: "M12 5v14M5 12h14",
  export: "M12 4v11M7 10l5 5 5-5M5 20h14",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M6 6h12v12H6z",
  drop: "M6 6l12 12M18 6L6 18",
  cancel: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h10v11H9zM5 15V4h10",
  copyAnswer: "M9 9h10v11H9zM5 15V4h10",
};

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {string | Record<string, string>} attributes A class, or attributes by name.
 * @param {...(Node | string)} children
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  const named = typeof attributes === "string" ? { class: attributes } : attributes;
  for (const name in named) element.setAttribute(name, named[name]);
  element.append(...children);
  return element;
}

/** A button with the icon of that name, or in words. @param {import("./strings.js").StringName} name @param {() => void} action */
export function button(name, action) {
  const element = el("button", { type: "button", class: `mc-button mc-${name}` });
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS(svg.namespaceURI, "path");
  if (ICONS[name]) {
    svg.setAttribute("viewBox", "0 0 24 24");
    path.setAttribute("d", ICONS[name]);
    svg.append(path);
    element.append(svg);
    element.title = element.ariaLabel = say(name);
  } else element.append(say(name));
  element.addEventListener("click", action);
  return element;
}

/** @param {string} text @param {HTMLElement} host Where a field may be put. @returns {Promise<boolean>} Whether it was copied. */
export async function copyText(text, host) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const focused = /** @type {HTMLElement} */ (document.activeElement);
    const field = el("textarea", "mc-unseen", text);
    host.append(field);
    field.select();
    const copied = document.execCommand("copy"); // without https
    field.remove();
    focused.focus();
    return copied;
  }
}

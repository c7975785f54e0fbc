// @ts-check
/** Keeps the section that a link led to in view while the page still changes: images, fonts, formulas, the panel itself. */

/** Milliseconds between two looks. */
const PACE = 100;
/** So many looks without a change, once everything is loaded, are enough. */
const QUIET = 300;
const INPUTS = ["wheel", "touchmove", "keydown", "pointerdown"];

/** What shows a hidden box when it is clicked: a tab, or an admonition's title. @param {Element} box @returns {HTMLElement | null | undefined} */
function openerOf(box) {
  if (box.matches(".toggle-hidden")) return box.querySelector(".admonition-title");
  if (getComputedStyle(box).display !== "none") return;
  return document.querySelector(`[aria-controls="${CSS.escape(box.id)}"]`) ?? box.previousElementSibling?.closest("label");
}

/** Opens what a section is hidden in, once. @param {Element} target @param {Set<Element>} opened */
function reveal(target, opened) {
  if (document.readyState !== "complete" || target.checkVisibility({ visibilityProperty: true })) return;
  for (let box = /** @type {Element | null} */ (target); box; box = box.parentElement) {
    box.closest("details")?.toggleAttribute("open", true);
    const opener = openerOf(box);
    if (opener && !opened.has(opener)) opener.click();
    opened.add(opener ?? box);
  }
}

/** @param {Element | null} target */
const topOf = (target) => target?.getBoundingClientRect().top ?? 0;

/** How far a header that stays covers a section's beginning. @param {Element | null} target */
function coveredBy(target) {
  const top = topOf(target);
  let box = target && document.elementFromPoint(target.getBoundingClientRect().left + 1, top + 1);
  while (box && !/fixed|sticky/.test(getComputedStyle(box).position)) box = box.parentElement;
  return !box || box.contains(target) || box.matches(".molsys-chat") ? 0 : Math.min(box.getBoundingClientRect().bottom - top, innerHeight / 2);
}

/** Scrolls to the section, and again whenever it was moved, until the reader does something on the page or nothing changes. */
export function land() {
  const opened = new Set();
  const over = new AbortController();
  let place = NaN;
  let top = 0;
  let off = 0;
  let away = 0;
  let loaded = 0;
  let quiet = 0;
  const look = () => {
    const target = document.querySelector(":target");
    if (target) reveal(target, opened);
    const before = off;
    off = Math.abs(topOf(target) - top);
    // A smooth scroll comes nearer with each look.
    away = off > 1 && off >= before ? away + 1 : 0;
    if (document.readyState === "complete") loaded += 1;
    // While it loads, the browser scrolls too; afterwards it is somebody else.
    const moved = !(Math.abs(topOf(target) + scrollY - place) < 2) || (away > 2 && loaded < 10);
    quiet = moved || !loaded ? 0 : quiet + 1;
    if (quiet > QUIET || (away > 2 && !moved)) over.abort();
    if (over.signal.aborted) return clearInterval(timer);
    if (!moved) return;
    target?.scrollIntoView({ behavior: "instant" });
    scrollBy({ top: -coveredBy(target), behavior: "instant" });
    top = topOf(target);
    place = top + scrollY;
    off = away = 0;
  };
  /** @param {Event} event */
  const act = ({ target }) => /** @type {Element} */ (target).closest?.(".molsys-chat") || over.abort();
  for (const name of INPUTS) addEventListener(name, act, { capture: true, passive: true, signal: over.signal });
  const timer = setInterval(look, PACE);
  look();
}

/** Does so where the page was opened by a citation; where the reader comes back, the browser knows the place. */
export function landOnArrival() {
  const type = /** @type {any} */ (performance.getEntriesByType("navigation")[0])?.type;
  if (type === "navigate" && document.querySelector("[data-molsys-chat-mark], [data-molsys-chat-docked]")) land();
}

// @ts-check
/** A button on the page, and the ways to open the chat. All else is loaded when it opens. */

/** Colours are the maintainer's, else the theme's own, by role; panel.css has more of them. */
const STYLE = `
.molsys-chat, .molsys-chat-launcher {
  --mc-surface: var(--molsys-chat-surface, var(--mc-page, Canvas));
  --mc-text: var(--molsys-chat-text, light-dark(#222, #ddd));
  --mc-border: var(--molsys-chat-border, light-dark(#ccc, #555));
  --mc-accent: var(--molsys-chat-accent, var(--pst-color-primary, var(--color-brand-content, light-dark(#006e9c, #7af))));
  --mc-radius: var(--molsys-chat-radius, 4px);
}
:root { --mc-width: var(--molsys-chat-width, clamp(350px, 30vw, 450px)) }
.molsys-chat-launcher {
  all: revert; display: inline-flex; align-items: center; gap: 9px; flex: none; padding: 4px 9px;
  border: 1px solid var(--mc-border); border-radius: var(--mc-radius);
  background: var(--mc-surface); color: var(--mc-text); font-family: inherit; font-size: medium; cursor: pointer;
  &:hover, &:focus-visible { border-color: var(--mc-accent); color: var(--mc-accent) }
  &:focus-visible { outline: 2px solid var(--mc-accent); outline-offset: 2px }
  &::before { content: ""; width: 20px; height: 20px; background: var(--mc-accent); forced-color-adjust: none; clip-path: path("M1 1h18v13h-9l-4 4v-4H1z") }
  &[data-place^=corner] {
    position: fixed; inset-block-end: var(--molsys-chat-bottom, 20px); inset-inline-end: var(--molsys-chat-side, 20px); z-index: 1020;
    min-height: 44px; padding: 0 1em; border-radius: 20px; box-shadow: 0 2px 9px #0003; translate: 0 var(--mc-up);
    &[aria-expanded=true] { display: none }
  }
  @media (width < 40rem) { &:not([data-failed]) span { position: absolute; clip-path: inset(50%) } }
  &[data-place=corner-left] { inset-inline: var(--molsys-chat-side, 20px) auto }
}
body:has([data-place^=corner]) :is(.bd-sidebar-secondary, .bd-sidebar-primary, .toc-scroll, .sidebar-scroll) { padding-bottom: 72px }
[data-molsys-chat-mark] :is(section:target > :is(h1, h2, h3, h4), :target:not(section)) { outline: 2px solid #e6a100; outline-offset: 2px }
@media (width >= 75rem) {
  [data-molsys-chat-docked] {
    &:has(.bd-header) { scroll-padding-top: calc(var(--pst-header-height) + 72px) }
    & body { margin-inline-end: var(--mc-width) }
    & .wy-grid-for-nav { width: calc(100% - var(--mc-width)) }
  }
}
@media (75rem <= width < 100rem) { [data-molsys-chat-docked] :is(.bd-sidebar-secondary, .toc-drawer) { display: none !important } }
@media print { .molsys-chat, .molsys-chat-launcher { display: none !important } }
`;

/** Where the themes have room; the first place that can be seen is taken. @type {Record<string, string>} */
const PLACES = {
  header:
    ".navbar-header-items__end,.navbar-persistent--mobile,.article-header-buttons,.content-icon-container,.header-right,.wy-breadcrumbs-aside,.inline-search,.nav-items-wrapper",
  search: ".search-button-field,form[action*=search]",
};

/** @type {HTMLScriptElement | null} */
const script = document.querySelector("script[data-molsys-chat]");
const page = document.documentElement;
const sheet = new CSSStyleSheet();
let lift = 0;
let shown = "";

/** An element and all that it stands in. @param {Element | null | undefined} each @returns {Element[]} */
const lineage = (each) => (each ? [each, ...lineage(each.parentElement)] : []);

/** What readers read, and all that it stands in: some themes write it anew. */
const text = () => lineage(document.querySelector("main,[role=main]") ?? document.body);

/** Gives the widget the background of the page's text, and light or dark with it. */
function tint() {
  for (const each of text()) {
    const colour = getComputedStyle(each).backgroundColor;
    const [first, green, , opacity = 1] = /** @type {any} */ (colour.match(/\b[\d.]+/g));
    if (opacity < 1) continue;
    if (colour === shown) return;
    const { style } = /** @type {CSSStyleRule} */ (sheet.cssRules[0]);
    style.setProperty("--mc-page", (shown = colour));
    // Green comes near to luminance; oklch() and its kind begin with the lightness.
    style.setProperty("color-scheme", (colour[0] === "r" ? green < 128 : first < 0.5) ? "dark" : "light", "important");
    return;
  }
}

/** Lifts the button off what else stays in its corner when the page is scrolled. @param {HTMLElement} button */
function dodge(button) {
  const { x, y, width, height } = button.getBoundingClientRect();
  let up = 0;
  /** @param {number} at One of 21 points: 7 columns, 3 rows. @returns {unknown} */
  const isTaken = (at) => {
    const found = document
      .elementsFromPoint(x + (at % 7) * width / 6, y + lift - up + (at % 3) * height / 2)
      .find((each) => !button.contains(each));
    /** @type {any} */
    const pinned = lineage(found).find((each) => each.shadowRoot || /fix|sti/.test(getComputedStyle(each).position));
    return pinned?.clientHeight < innerHeight / 2 || (at && isTaken(at - 1));
  };
  while (height && up < innerHeight / 2 && isTaken(20)) up += 8;
  button.style.setProperty("--mc-up", `-${(lift = up)}px`);
}

/** @param {string} words @param {string} question */
function createButton(words, question) {
  const [button, label] = ["button", "span"].map((tag) => document.createElement(tag));
  Object.assign(button, { type: "button", className: "molsys-chat-launcher", ariaHasPopup: "dialog", ariaExpanded: "false" });
  button.dataset.molsysChatOpen = question;
  label.textContent = words;
  button.append(label);
  return button;
}

/** Whether an event is the shortcut, `Ctrl` being ⌘ on a Mac. @param {KeyboardEvent} event @param {string} keys */
function isShortcut(event, keys) {
  const [last, ...modifiers] = keys.toLowerCase().split("+").reverse();
  const held = (/** @type {string} */ name) => modifiers.includes(name);
  return (
    event.key?.toLowerCase() === last &&
    (event.ctrlKey || event.metaKey) === held("ctrl") &&
    event.altKey === held("alt") &&
    (event.shiftKey || !held("shift"))
  );
}

/** @param {HTMLScriptElement} script */
function start({ dataset }) {
  const { project, launcher = "", shortcut = "Ctrl+/", title = "Ask the documentation" } = dataset;
  const site = new URL(dataset.root || new URL("../../", import.meta.url), document.baseURI);
  const memory = `molsys-chat:${project || site.pathname}`;
  const button = createButton(title, "");
  /** @type {Promise<import("./panel.js").Panel> | undefined} */
  let loading;
  const load = async () => {
    /** @type {typeof import("./panel.js")} */
    const { Panel } = await import(import.meta.url.replace("launcher", "panel"));
    return Panel.load({ ...dataset, root: site.href }, button, memory);
  };
  /** @param {string} failure */
  const tell = (failure) => {
    button.lastElementChild?.replaceChildren(failure || title);
    button.toggleAttribute("data-failed", !!failure);
  };
  const show = async (from = button, focuses = true) => {
    try {
      const chat = await (loading ??= load());
      tell("");
      chat.open(from, focuses);
      return chat;
    } catch (error) {
      tell(dataset.failed || "The chat could not be loaded. Try again.");
      loading = undefined;
      throw error;
    }
  };
  /** @type {Element | undefined} */
  let host = button;
  const settle = () => {
    const before = host;
    host = [...document.querySelectorAll(PLACES[launcher] || "_")].find((each) => {
      const { x, right } = each.getBoundingClientRect(); // a drawer that is shut lies outside
      return right > 0 && x < innerWidth;
    });
    if (before === host) return;
    button.dataset.place = host || launcher === "corner-left" ? launcher : "corner";
    if (!host) document.body.append(button);
    else host[launcher === "header" ? "prepend" : "after"](button);
  };

  sheet.replaceSync(STYLE);
  document.adoptedStyleSheets.push(sheet);
  /** @type {any} */
  let timer;
  // What these measure costs nothing where the page has just been laid out.
  const frame = new ResizeObserver(() => {
    if (launcher !== "none") settle();
    if (!button.style.length) dodge(button);
    tint();
    for (const each of text()) observer.observe(each, { attributes: true, childList: true });
  });
  const look = () => {
    frame.unobserve(page);
    frame.observe(page);
    clearTimeout(timer);
    timer = setTimeout(dodge, 100, button);
  };
  const observer = new MutationObserver(look);
  for (const each of ["scroll", "click", "transitionend"]) addEventListener(each, look, true);
  matchMedia("(prefers-color-scheme: dark)").onchange = look;
  look();
  const query = new URLSearchParams(location.search).get("q");
  if (query) document.getElementById("search-results")?.before(createButton(`${title}: “${query}”`, query));

  document.addEventListener("click", (event) => {
    const from = /** @type {Element} */ (event.target).closest?.("[data-molsys-chat-open]");
    if (!from) return;
    event.preventDefault();
    const question = from.getAttribute("data-molsys-chat-open");
    show(/** @type {any} */ (from)).then((chat) => question && chat.ask(question));
  });
  addEventListener("keydown", (event) => {
    if (shortcut && !event.defaultPrevented && isShortcut(event, shortcut)) {
      event.preventDefault();
      show(/** @type {any} */ (document.activeElement));
    }
  });
  /** @type {any} */ (window).molsysChat = {
    open: () => show().then(() => {}),
    ask: (/** @type {string} */ question) => show().then((chat) => chat.ask(question)),
    close: () => loading?.then((chat) => chat.close()),
  };
  // Not every tab has a memory.
  try {
    const recall = (/** @type {string} */ item) => sessionStorage.getItem(memory + item);
    if (recall(":mark") === location.href) {
      page.dataset.molsysChatMark = "";
      loading = load(); // it keeps the section in view
    }
    if (recall(":open") && matchMedia("(width >= 40rem)").matches) {
      page.toggleAttribute("data-molsys-chat-docked", dataset.panel !== "window");
      show(button, false);
    }
  } catch {}
  document.dispatchEvent(new Event("molsys-chat:ready"));
}

if (script) start(script);

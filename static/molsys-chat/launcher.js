// @ts-check
/** A button on the page, and the ways to open the chat. All else is loaded when it opens. */

/** Colours are the maintainer's, else the theme's own, by role; panel.css has more of them. */
const STYLE = `
.molsys-chat, .molsys-chat-launcher {
  --mc-surface: var(--molsys-chat-surface, var(--pst-color-background, var(--color-background-primary, var(--mc-1, light-dark(#fff, #222)))));
  --mc-text: var(--molsys-chat-text, var(--pst-color-text-base, var(--color-foreground-primary, var(--mc-2, light-dark(#222, #dedede)))));
  --mc-border: var(--molsys-chat-border, var(--pst-color-border, var(--color-background-border, light-dark(#d5d7da, #4a4a4a))));
  --mc-accent: var(--molsys-chat-accent, var(--pst-color-primary, var(--color-brand-content, var(--mc-3, light-dark(#006e9c, #7af)))));
  --mc-radius: var(--molsys-chat-radius, .25rem);
}
:root { --mc-width: var(--molsys-chat-width, clamp(22rem, 30vw, 28rem)) }
:root:has(.wy-nav-content) { --mc-1: #fcfcfc; --mc-2: #404040; --mc-3: #2372a6 }
:root:has([href*="alabaster.css"]) { --mc-2: #3e4349; --mc-3: #004b6b }
.molsys-chat-launcher {
  all: revert; display: inline-flex; align-items: center; gap: .4rem; flex: none; min-height: 1.75rem; padding: .125rem .625rem;
  border: 1px solid var(--mc-border); border-radius: var(--mc-radius);
  background: var(--mc-surface); color: var(--mc-text); font-family: inherit; font-size: .875rem; cursor: pointer;
  &:hover, &:focus-visible { border-color: var(--mc-accent); color: var(--mc-accent) }
  &:focus-visible { outline: 2px solid var(--mc-accent); outline-offset: 2px }
  svg { width: 1.125rem; fill: none; stroke: var(--mc-accent); stroke-width: 2; stroke-linejoin: round }
  &[data-place^=corner] {
    position: fixed; inset-block-end: var(--molsys-chat-bottom, 1.25rem); inset-inline-end: var(--molsys-chat-side, 1.25rem); z-index: 1020;
    padding: .625rem .875rem; border-radius: 2rem; box-shadow: 0 .125rem .75rem rgb(0 0 0 / 18%);
    &[aria-expanded=true] { display: none }
  }
  &[data-place=corner-left] { inset-inline: var(--molsys-chat-side, 1.25rem) auto }
}
body:has(readthedocs-flyout, .rst-badge) .molsys-chat-launcher[data-place=corner] { inset-block-end: var(--molsys-chat-bottom, 6rem) }
body:has([data-place^=corner]) :is(.bd-sidebar-secondary, .bd-sidebar-primary, .toc-scroll, .sidebar-scroll) { padding-bottom: 4.5rem }
[data-molsys-chat-mark] :is(section:target > :is(h1, h2, h3, h4), :target:not(section)) { outline: 2px solid #e6a100; outline-offset: .25rem }
@media (width >= 75rem) {
  [data-molsys-chat-docked] {
    &:has(.bd-header) { scroll-padding-top: calc(var(--pst-header-height) + 5rem) }
    & body { margin-inline-end: var(--mc-width) }
    & .wy-grid-for-nav { width: calc(100% - var(--mc-width)) }
  }
}
@media (75rem <= width < 100rem) { [data-molsys-chat-docked] :is(.bd-sidebar-secondary, .toc-drawer) { display: none !important } }
@media (width < 40rem) { .molsys-chat-launcher:not([data-failed]) span { position: absolute; clip-path: inset(50%) } }
@media print { .molsys-chat, .molsys-chat-launcher { display: none !important } }
`;

const ICON = "M4 5h16v11h-9l-4 4v-4H4z";

/** Where the themes have room; the first place that can be seen is taken. @type {Record<string, string>} */
const PLACES = {
  header:
    ".navbar-header-items__end, .navbar-persistent--mobile, .article-header-buttons, .content-icon-container, .header-right, .wy-breadcrumbs-aside, .inline-search, .nav-items-wrapper",
  search: ".search-button-field, form[action*=search]",
};

/** @type {HTMLScriptElement | null} */
const script = document.querySelector("script[data-molsys-chat]");
const page = document.documentElement;

/** The address of a file beside this one. @param {string} name */
const sibling = (name) => new URL(`${name}?v=${script?.dataset.assets}`, import.meta.url).href;

const addStyles = () =>
  new Promise((onload, onerror) =>
    document.head.append(
      Object.assign(document.createElement("link"), { rel: "stylesheet", href: sibling("panel.css"), onload, onerror }),
    ),
  );

/** @param {string} text @param {string} question */
function createButton(text, question) {
  const [button, label] = ["button", "span"].map((tag) => document.createElement(tag));
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS(svg.namespaceURI, "path");
  Object.assign(button, { type: "button", className: "molsys-chat-launcher", ariaHasPopup: "dialog" });
  button.dataset.molsysChatOpen = question;
  svg.setAttribute("viewBox", "0 0 24 24");
  path.setAttribute("d", ICON);
  svg.append(path);
  label.textContent = text;
  button.append(svg, label);
  return button;
}

/** A tab's memory, where there is one. @param {string} key */
function recall(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {}
}

/** Whether an event is the shortcut, `Ctrl` being ⌘ on a Mac. @param {KeyboardEvent} event @param {string} shortcut */
function isShortcut(event, shortcut) {
  const [key, ...modifiers] = shortcut.toLowerCase().split("+").reverse();
  const held = (/** @type {string} */ name) => modifiers.includes(name);
  return (
    event.key?.toLowerCase() === key &&
    (event.ctrlKey || event.metaKey) === held("ctrl") &&
    event.altKey === held("alt") &&
    (event.shiftKey || !held("shift"))
  );
}

/** @param {HTMLScriptElement} script */
function start({ dataset }) {
  const { project, root, launcher = "", shortcut = "Ctrl+/", title = "Ask the documentation" } = dataset;
  const key = `molsys-chat:${project || new URL(root || "./", document.baseURI).pathname}`;
  const button = createButton(title, "");
  /** @type {Promise<import("./panel.js").Panel> | undefined} */
  let loading;
  const load = async () => {
    /** @type {[typeof import("./panel.js"), unknown]} */
    const [{ Panel }] = await Promise.all([import(sibling("panel.js")), addStyles()]);
    return new Panel(dataset, button, key);
  };
  /** @param {string} failed */
  const tell = (failed) => {
    button.lastElementChild?.replaceChildren(failed || title);
    button.toggleAttribute("data-failed", !!failed);
  };
  const open = async (opener = button, focus = true) => {
    try {
      const panel = await (loading ??= load());
      tell("");
      panel.open(opener, focus);
      return panel;
    } catch (error) {
      loading = undefined;
      tell(dataset.failed || "The chat could not be loaded. Try again.");
      throw error;
    }
  };
  /** @type {Element | undefined} */
  let host = button;
  const place = () => {
    const found = [...document.querySelectorAll(PLACES[launcher] || "_")].find((each) => {
      const { left, right } = each.getBoundingClientRect(); // a drawer that is shut lies outside
      return right > 0 && left < innerWidth;
    });
    if (found === host) return;
    host = found;
    button.dataset.place = host || launcher === "corner-left" ? launcher : "corner";
    if (!host) document.body.append(button);
    else if (launcher === "header") host.prepend(button);
    else host.after(button);
  };

  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  document.adoptedStyleSheets.push(sheet);
  if (launcher !== "none") {
    place();
    addEventListener("resize", place);
  }
  button.ariaExpanded = "false";
  const query = new URLSearchParams(location.search).get("q");
  if (query) document.getElementById("search-results")?.before(createButton(`${title}: “${query}”`, query));

  document.addEventListener("click", (event) => {
    const opener = /** @type {Element} */ (event.target).closest?.("[data-molsys-chat-open]");
    if (!opener) return;
    event.preventDefault();
    const question = opener.getAttribute("data-molsys-chat-open");
    open(/** @type {any} */ (opener)).then((panel) => question && panel.ask(question));
  });
  addEventListener("keydown", (event) => {
    if (shortcut && !event.defaultPrevented && isShortcut(event, shortcut)) {
      event.preventDefault();
      open(/** @type {any} */ (document.activeElement));
    }
  });
  Object.assign(window, {
    molsysChat: {
      open: () => open().then(() => {}),
      ask: (/** @type {string} */ question) => open().then((panel) => panel.ask(question)),
      close: () => loading?.then((panel) => panel.close()),
    },
  });
  if (recall(`${key}:mark`) === location.href) page.dataset.molsysChatMark = "";
  if (recall(`${key}:open`) && matchMedia("(width >= 40rem)").matches) {
    page.toggleAttribute("data-molsys-chat-docked", dataset.panel !== "window");
    open(button, false);
  }
  if (page.matches("[data-molsys-chat-mark], [data-molsys-chat-docked]")) import(sibling("landing.js"));
  document.dispatchEvent(new CustomEvent("molsys-chat:ready"));
}

if (script) start(script);

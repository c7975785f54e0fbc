// @ts-check
/** A button on the page. All else is loaded when the chat opens. */

/** Before strings.js is there. */
const TEXT = { label: "Ask the documentation", failed: "The chat could not be loaded. Try again." };
const ICON = "M4 5h16v11h-9l-4 4v-4H4z";

/** @type {HTMLScriptElement | null} */
const script = document.querySelector("script[data-molsys-chat]");

/** The address of a file beside this one. @param {string} name */
const sibling = (name) => new URL(`${name}?v=${script?.dataset.assets}`, import.meta.url).href;

/** @param {string} name */
function addStyles(name) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = sibling(name);
  document.head.append(link);
  return new Promise((resolve, reject) => {
    link.onload = resolve;
    link.onerror = reject;
  });
}

function createButton() {
  const button = document.createElement("button");
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS(svg.namespaceURI, "path");
  button.type = "button";
  button.className = "molsys-chat-launcher";
  button.ariaHasPopup = "dialog";
  svg.setAttribute("viewBox", "0 0 24 24");
  path.setAttribute("d", ICON);
  svg.append(path);
  button.append(svg, document.createElement("span"));
  return button;
}

/** @param {string} key */
function wasOpen(key) {
  try {
    return sessionStorage.getItem(`${key}:open`) && !matchMedia("(width <= 40rem)").matches;
  } catch {
    return false;
  }
}

/** @param {HTMLScriptElement} script */
function start(script) {
  const { project, title, root } = script.dataset;
  const key = `molsys-chat:${project || new URL(root || "./", document.baseURI).pathname}`;
  const button = createButton();
  /** @type {import("./panel.js").Panel | undefined} */
  let panel;
  /** @param {string} text */
  const label = (text) => button.lastElementChild?.replaceChildren(text);
  /** @param {boolean} focus */
  const open = async (focus) => {
    try {
      label(title || TEXT.label);
      /** @type {[typeof import("./panel.js"), unknown]} */
      const [{ Panel }] = await Promise.all([import(sibling("panel.js")), panel ?? addStyles("panel.css")]);
      panel ??= new Panel(script, button, key);
      panel.open(focus);
    } catch (error) {
      label(TEXT.failed);
      button.dataset.failed = "";
      throw error;
    }
  };

  label(title || TEXT.label);
  button.addEventListener("click", () => open(true));
  addStyles("launcher.css");
  document.body.append(button);
  if (wasOpen(key)) open(false);
}

if (script) start(script);

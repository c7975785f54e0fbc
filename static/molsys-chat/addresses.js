// @ts-check
/** Where an answer may link to: into the documentation and to its sources. "" is nowhere. */

/** @param {string} address @param {string} root */
function absolute(address, root) {
  const url = URL.canParse(address, root) && new URL(address, root);
  return url && /^(https?|file):/.test(url.href) ? url.href : "";
}

/** @param {string} address @param {string} root */
const within = (address, root) => (absolute(address, root).startsWith(root) ? absolute(address, root) : "");

/** @param {string} text */
const percentEncoded = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);

/** A section's id as a URL, as the index writes it; a whole URL as it is. @param {string} section */
export function sectionUrl(section) {
  const [, page = section, anchor = ""] = /^(.*?\.html)(?:#(.*))?$/s.exec(section) ?? [];
  if (section.includes("://")) return section;
  const path = page.split("/").map(percentEncoded).join("/");
  return anchor ? `${path}#${anchor.split("/").map(percentEncoded).join("/")}` : path;
}

/** On the site that is read, if that is the answer's project. @param {Pick<Source, "section" | "url">} source @param {string} project @param {Pick<Settings, "project" | "root">} site */
export function sourceAddress({ section, url }, project, site) {
  const here = section && (!site.project || site.project === project);
  return (here && within(sectionUrl(section), site.root)) || (url && absolute(url, site.root));
}

/** @param {string} href @param {string[]} sources @param {string} root */
export const linkAddress = (href, sources, root) =>
  within(href, root) || (sources.includes(absolute(href, root)) ? absolute(href, root) : "");

/** A section's address in the index, told from how the sources' own are published; "" where that does not say. @param {string} url @param {Source[]} sources */
export function sectionOf(url, sources) {
  const { url: whole = "", section = "" } =
    sources.find((each) => each.section && each.url.endsWith(sectionUrl(each.section))) ?? {};
  const base = whole.slice(0, whole.length - sectionUrl(section).length);
  return whole && url.startsWith(base) ? decodeURIComponent(url.slice(base.length)) : "";
}

/** The site's search page. @param {Pick<Settings, "root" | "search">} site @param {string} question */
export const searchAddress = ({ root, search }, question) => search && `${root}${search}?q=${encodeURIComponent(question)}`;

// @ts-check
/** Where an answer may link to: into the documentation and to its sources. "" is nowhere. */

/** @param {string} address @param {string} root */
function absolute(address, root) {
  const url = URL.canParse(address, root) && new URL(address, root);
  return url && /^(https?|file):/.test(url.href) ? url.href : "";
}

/** @param {string} address @param {string} root */
const within = (address, root) => (absolute(address, root).startsWith(root) ? absolute(address, root) : "");

/** A section's id as a URL: what a URL would read in it as something else is encoded. @param {string} section */
const sectionUrl = (section) => section.replace(/[%?]|#(?=.*\.html)/g, encodeURIComponent);

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
  const [plain, ...wholes] = [url, ...sources.map((each) => each.url)].map(decodeURIComponent);
  const at = sources.findIndex(({ section }, i) => section && wholes[i].endsWith(section));
  const base = at < 0 ? "" : wholes[at].slice(0, -sources[at].section.length);
  return at >= 0 && plain.startsWith(base) ? plain.slice(base.length) : "";
}

/** The site's search page. @param {Pick<Settings, "root" | "search">} site @param {string} question */
export const searchAddress = ({ root, search }, question) => search && `${root}${search}?q=${encodeURIComponent(question)}`;

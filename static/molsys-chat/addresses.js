// @ts-check
/** Where an answer may link to: into the documentation and to its sources. "" is nowhere. */

/** @param {string} address @param {string} root */
function absolute(address, root) {
  const url = URL.canParse(address, root) && new URL(address, root);
  return url && /^(https?|file):$/.test(url.protocol) ? url.href : "";
}

/** @param {string} address @param {string} root */
const within = (address, root) => (absolute(address, root).startsWith(root) ? absolute(address, root) : "");

/** On the site that is read, if that is the answer's project. @param {Source} source @param {string} project @param {Pick<Settings, "project" | "root">} site */
export function sourceAddress({ section, url }, project, site) {
  const here = section && (!site.project || site.project === project);
  return (here && within(section, site.root)) || (url && absolute(url, site.root));
}

/** @param {string} href @param {string[]} sources @param {string} root */
export const linkAddress = (href, sources, root) =>
  within(href, root) || (sources.includes(absolute(href, root)) ? absolute(href, root) : "");

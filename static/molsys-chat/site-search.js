// @ts-check
/** The site's own search, from the index that Sphinx built: it stands in for answers. */

const MOST = 5;

const STOP_WORDS = new Set(
  "a about an and are as at be but by can do does for from get has have how i if in into is it make my of on or possible should that the there this to use using was way what when where which why will with would you your".split(" "),
);

/** @param {string} text */
export const searchWords = (text) => [
  ...new Set((text.toLowerCase().match(/[\p{L}\p{N}_]{2,}/gu) ?? []).filter((word) => !STOP_WORDS.has(word))),
];

/** Without endings that English puts on; Sphinx's index holds stems. @param {string} word */
const root = (word) => (word.length > 4 ? word.replace(/(?:ings?|ed|ions?|es|s|e|ly)$/, "") : word);

/** @param {string} term @param {string} word */
const matches = (term, word) => term === word || (term.startsWith(root(word)) && term.length <= word.length + 2);

/** @param {Record<string, any>} table @param {string[]} keys */
const valuesOf = (table, keys) => keys.flatMap((key) => (Object.hasOwn(table, key) ? table[key] : []));

/**
 * Pages of a search index, best first.
 *
 * @param {SearchIndex} index @param {string} question
 * @returns {{page: number, anchor: string, title: string}[]}
 */
export function rankPages({ docnames, titles, terms, titleterms, alltitles }, question) {
  const words = searchWords(question);
  const scores = docnames.map(() => 0);
  const anchors = docnames.map(() => ({ anchor: "", title: "", hits: 0 }));
  for (const word of words) {
    for (const [table, weight] of /** @type {const} */ ([[terms, 1], [titleterms, 4]])) {
      const pages = new Set(valuesOf(table, Object.keys(table).filter((term) => matches(term, word))));
      const rare = Math.log(1 + docnames.length / (1 + pages.size));
      for (const page of pages) scores[page] += weight * rare;
    }
  }
  for (const [title, places] of Object.entries(alltitles ?? {})) {
    const said = searchWords(title);
    const hits = words.filter((word) => said.some((term) => matches(term, word))).length;
    for (const [page, anchor] of hits ? places : []) {
      scores[page] += hits / said.length;
      if (hits > anchors[page].hits) anchors[page] = { anchor: anchor ?? "", title, hits };
    }
  }
  return scores
    .map((score, page) => ({ score, page, anchor: anchors[page].anchor, title: anchors[page].title || titles[page] }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, MOST);
}

/** @type {Promise<SearchIndex> | undefined} */
let loading;

/** @param {string} root @returns {Promise<SearchIndex>} */
async function loadIndex(root) {
  const response = await fetch(`${root}searchindex.js`, { credentials: "omit", signal: AbortSignal.timeout(10_000) });
  const text = await response.text();
  return JSON.parse(text.slice(text.indexOf("(") + 1, text.lastIndexOf(")")));
}

/** Links into the site; none where it has no index. @param {Settings} settings @param {string} question */
export async function searchSite({ root, search = "search.html" }, question) {
  const suffix = search.slice("search".length); // of a folder's page: /
  try {
    const index = await (loading ??= loadIndex(root));
    return rankPages(index, question).map(({ page, anchor, title }) => {
      const path = `${index.docnames[page]}${suffix}`.replace(/(^|\/)index\/$/, "$1");
      return { title: title.replace(/<[^>]*>/g, ""), href: `${root}${path}${anchor && `#${anchor}`}` };
    });
  } catch {
    loading = undefined;
    return [];
  }
}

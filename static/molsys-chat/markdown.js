// @ts-check
/** Markdown into a tree of plain objects. */

/** What is nested deeper stays text. */
const DEEPEST = 8;

const FENCE = /^ *(`{3,}|~{3,})([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})( .*)?$/;
const RULE = /^ {0,3}((\* *){3,}|(- *){3,}|(_ *){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])( +|$)/;

/** @param {string} line */
const indentOf = (line) => line.length - line.trimStart().length;

/** @param {string} line @param {number} width */
const outdent = (line, width) => line.slice(Math.min(width, indentOf(line)));

/** @param {string} line */
const startsBlock = (line) => [FENCE, HEADING, RULE, QUOTE, ITEM].some((pattern) => pattern.test(line));

/** @param {string} line */
function splitCells(line) {
  const cells = line.trim().replace(/^\|/, "").split(/(?<!\\)\|/, 41);
  if (!cells.at(-1)?.trim()) cells.pop();
  return cells.map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/** The ruler of a table that begins there. @param {string[]} lines @param {number} at */
function rulersAt(lines, at) {
  const [head, ruler = ""] = lines.slice(at, at + 2);
  if (!head.includes("|") || !ruler.includes("|")) return null;
  const rulers = splitCells(ruler);
  const fits = rulers.length === splitCells(head).length;
  return fits && rulers.every((each) => /^:?-+:?$/.test(each)) ? rulers : null;
}

/** An item has what is indented by two, and text right below text. @param {string[]} lines @param {number} at */
function itemEnd(lines, at) {
  const indent = indentOf(lines[at]) + 2;
  let end = at + 1;
  for (let next = end; next < lines.length; next += 1) {
    const line = lines[next];
    if (!line.trim()) continue;
    if (indentOf(line) < indent && (next > end || startsBlock(line))) break;
    end = next + 1;
  }
  return end;
}

/** @type {Reader[]} */
const READERS = [
  /** A rule. */
  (lines, at) => RULE.test(lines[at]) && { block: { type: "hr" }, next: at + 1 },

  /** A heading. */
  (lines, at) => {
    const [heading, , text = ""] = HEADING.exec(lines[at]) ?? [];
    return heading && { block: { type: "heading", text: text.trim() }, next: at + 1 };
  },

  /** Code between fences. */
  (lines, at) => {
    const [, mark, info] = FENCE.exec(lines[at]) ?? [];
    if (!mark) return;
    const body = [];
    let next = at + 1;
    for (; next < lines.length; next += 1) {
      const line = lines[next].trim();
      if (line.startsWith(mark) && !line.replaceAll(mark[0], "")) break;
      body.push(outdent(lines[next], indentOf(lines[at])));
    }
    const language = info.trim().slice(0, 30).split(" ")[0];
    return { block: { type: "code", language, text: body.join("\n") }, next: next + 1 };
  },

  /** A quotation. */
  (lines, at, depth) => {
    if (depth >= DEEPEST || !QUOTE.test(lines[at])) return;
    let next = at;
    while (QUOTE.test(lines[next] ?? "")) next += 1;
    const inner = lines.slice(at, next).map((line) => line.replace(QUOTE, ""));
    return { block: { type: "quote", blocks: readBlocks(inner, depth + 1) }, next };
  },

  /** A list. */
  (lines, at, depth) => {
    const first = ITEM.exec(lines[at]);
    if (!first || depth >= DEEPEST) return;
    const items = [];
    let next = at;
    for (let item = /** @type {string[] | null} */ (first); item; item = ITEM.exec(lines[next] ?? "")) {
      const [all, indent, mark, gap] = item;
      if (mark.at(-1) !== first[2].at(-1) || indent.length > first[1].length + 1) break;
      const width = gap.length > 4 ? all.length - gap.length + 1 : all.length;
      const end = itemEnd(lines, next);
      const inner = lines.slice(next + 1, end).map((line) => outdent(line, width));
      items.push(readBlocks([lines[next].slice(width), ...inner], depth + 1));
      for (next = end; lines[next]?.trim() === ""; ) next += 1;
    }
    return { block: { type: "list", start: Number.parseInt(first[2]), items }, next };
  },

  /** A table. */
  (lines, at) => {
    const rulers = rulersAt(lines, at);
    if (!rulers) return;
    const rows = [splitCells(lines[at])];
    let next = at + 2;
    for (; lines[next]?.includes("|"); next += 1) {
      const cells = splitCells(lines[next]);
      rows.push(rulers.map((_, column) => cells[column] ?? ""));
    }
    return { block: { type: "table", rows }, next };
  },
];

/** @type {Reader<Found>} */
function readParagraph(lines, at) {
  let next = at + 1;
  while (lines[next]?.trim() && !startsBlock(lines[next]) && !rulersAt(lines, next)) next += 1;
  const text = lines.slice(at, next).map((line) => line.trimStart());
  return { block: { type: "p", text: text.join("\n").trimEnd() }, next };
}

/** @type {Reader<Found>} */
function readBlock(lines, at, depth) {
  for (const read of READERS) {
    const found = read(lines, at, depth);
    if (found) return found;
  }
  return readParagraph(lines, at, depth);
}

/** @param {string[]} lines */
function readBlocks(lines, depth = 0) {
  /** @type {Piece[]} */
  const pieces = [];
  for (let at = 0; at < lines.length; ) {
    const { block, next } = lines[at].trim() ? readBlock(lines, at, depth) : { next: at + 1 };
    if (block) pieces.push({ ...block, raw: lines.slice(at, next).join("\n").trimEnd() });
    at = next;
  }
  return pieces;
}

/** @param {string} text */
export const parseMarkdown = (text) => readBlocks(text.replaceAll("\t", "    ").split(/\r\n|\n|\r/));

// Inside blocks. Patterns look a bounded number of characters ahead: hostile text takes linear time.
const BODY = /(?:`[^`]{1,200}(?:`OPEN)|\\.|[^`\\]){1,500}?/s.source;
const CODE = /(?<!`)(?<ticks>`+)(?!`)(?<code>.{1,1000}?)(?:(?<!`)\k<ticks>(?!`)OPEN)/s.source;
const LINK = /(?<image>!?)\[(?<words>[^[\]]{1,300})\]\((?<target>[^()\s<>]{1,2000})\)/.source;
const ADDRESS = /<?(?<address>https?:\/\/[^\s<>"'`*|[\]()]{1,2000}(?<![.,;:!?]))>?/.source;
const STRONG = `\\*\\*(?=\\S)(?<strong>${BODY})(?:(?<=\\S)\\*\\*(?!\\*)OPEN)`;
const EM = `\\*(?=[^\\s*])(?<em>${BODY})(?:(?<=[^\\s*])\\*(?!\\*)OPEN)`;
const OTHERS = /\\(?<escaped>[!-/:-@[-`{-~\n])|\[(?<cite>\d{1,3})\](?!\()|(?<br> {2}\n|<[bB][rR]\s?\/?>\n?)|\n/.source;
/** Of HTML, what needs no attributes. */
const TAG = `<(?<tag>em|strong|[bius]|su[bp]|kbd)>(?<inner>${BODY})(?:</\\k<tag>>OPEN)`;
/** @type {Record<string, string>} */
const ENTITIES = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'", nbsp: "\u00a0", ndash: "–", mdash: "—", hellip: "…", times: "×", deg: "°" };
const ENTITY = `&(?<entity>#\\d{1,5}|#[xX][\\da-fA-F]{1,5}|${Object.keys(ENTITIES).join("|")});`;
const TOKENS = [CODE, STRONG, EM, LINK, ADDRESS, OTHERS, TAG, ENTITY].join("|");
const FINISHED = new RegExp(TOKENS.replaceAll("OPEN", ""), "gs");
const UNFINISHED = new RegExp(TOKENS.replaceAll("OPEN", "|$"), "gs");

/** @param {Inline} node */
const unlinked = (node) => (node.type === "link" ? node.children : node);

/** @param {RegExpMatchArray} match @param {boolean} unfinished @returns {Inline} */
function readToken({ 0: all, groups = {} }, unfinished) {
  const { code, strong, em, tag, inner, image, words, target, address, escaped, cite, br, entity } = groups;
  const type = strong ? "strong" : em ? "em" : /** @type {Tag} */ (tag);
  if (code) return { type: "inlineCode", text: code.replaceAll("\n", " ").replace(/^ (.+) $/, "$1") };
  if (type) return { type, children: parseInline(strong ?? em ?? inner, unfinished) };
  if (cite) return { type: "cite", n: Number(cite) };
  if (target && !image) return { type: "link", href: target, children: parseInline(words).flatMap(unlinked) };
  if (address) return { type: "link", href: address, children: [{ type: "text", text: address }] };
  if (br || escaped === "\n") return { type: "br" };
  if (entity) return { type: "text", text: ENTITIES[entity] ?? String.fromCodePoint(Number(entity.replace(/#([xX]?)/, "0$1"))) };
  return { type: "text", text: escaped ?? all }; // images, too: nothing is loaded
}

/** What an unfinished text leaves open is read as closed. @param {string} text @returns {Inline[]} */
export function parseInline(text, unfinished = false) {
  /** @type {Inline[]} */
  const nodes = [];
  /** @param {Inline} node */
  const add = (node) => {
    const last = nodes.at(-1);
    if (node.type === "text" && last?.type === "text") last.text += node.text;
    else if (node.type !== "text" || node.text) nodes.push(node);
  };
  let at = 0;
  for (const match of text.matchAll(unfinished ? UNFINISHED : FINISHED)) {
    const before = text.slice(at, match.index);
    // A citation begins no line.
    add({ type: "text", text: match.groups?.cite ? before.replace(/ $/, "\u00a0") : before });
    add(readToken(match, unfinished));
    at = match.index + match[0].length;
  }
  add({ type: "text", text: text.slice(at) });
  return nodes;
}

/** Leaves out a mark, link or citation that is half there. @param {string} text */
export function holdBack(text) {
  const half = /(!?\[[^[\]\n]{0,300}(\](\([^()\s]{0,300})?)?|[*`]{1,3}|<\/?\w{0,6}\s?\/?|&#?\w{0,6})$/.exec(text.slice(-400))?.[0] ?? "";
  return /^\[\d+\]$/.test(half) ? text : text.slice(0, text.length - half.length);
}

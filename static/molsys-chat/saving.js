// @ts-check
/** Answers and conversations as Markdown that stands alone. */

/** @param {Turn} turn @param {(source: Source) => string} addressOf */
export function answerAsMarkdown({ answer, sources, cited, index }, addressOf) {
  /** @param {string} all @param {string} n */
  const link = (all, n) => {
    const source = sources.find((each) => each.n === Number(n));
    const href = source && addressOf(source);
    return href ? `[\\[${n}\\]](${href})` : all;
  };
  const parts = answer.split(/(^ {0,3}(?:`{3,}|~{3,})[\s\S]*?(?:^ {0,3}(?:`{3,}|~{3,})\s*$|$(?![\s\S]))|`[^`\n]+`)/m);
  const text = parts.map((part, at) => (at % 2 ? part : part.replace(/\[(\d{1,3})\](?!\()/g, link))).join("");
  const listed = sources
    .filter(({ n }) => cited.includes(n))
    .map((source) => `${source.n}. [${source.title.replace(/[[\]]/g, "\\$&")}](${addressOf(source)})`);
  const facts = index && `${index.project} ${index.version}`.trim();
  return [text.trim(), listed.join("\n"), facts && `*${facts}*`].filter(Boolean).join("\n\n");
}

/** @param {Turn[]} turns @param {string} title @param {(turn: Turn) => (source: Source) => string} addressing */
export const conversationAsMarkdown = (turns, title, addressing) =>
  [`# ${title}`, ...turns.map((turn) => `## ${turn.question.replaceAll("\n", " ")}\n\n${answerAsMarkdown(turn, addressing(turn))}`)].join("\n\n") + "\n";

/** @param {string} text @param {string} name */
export function saveFile(text, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/markdown" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

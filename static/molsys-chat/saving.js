// @ts-check
/** Answers and conversations as Markdown that stands alone. */

/** @param {Turn} turn @param {(source: Source) => string} addressOf @param {string[]} notes What to think of it. */
export function answerAsMarkdown({ answer, sources, cited, index }, addressOf, notes) {
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
  return [text.trim(), ...notes, listed.join("\n"), facts && `*${facts}*`].filter(Boolean).join("\n\n");
}

/** @param {string} title @param {Turn[]} turns @param {string[]} answers */
export const conversationAsMarkdown = (title, turns, answers) =>
  [`# ${title}`, ...turns.map(({ question }, at) => `## ${question.replaceAll("\n", " ")}\n\n${answers[at]}`)].join("\n\n") + "\n";

/** @param {string} text @param {string} name */
export function saveFile(text, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/markdown" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { newTurn } from "../../static/molsys-chat/conversation.js";
import { answerAsMarkdown, conversationAsMarkdown } from "../../static/molsys-chat/saving.js";

const sources = [1, 2].map((n) => ({ n, title: `Guide › Part [${n}]`, url: "", section: `p${n}.html`, excerpt: "" }));
/** @param {{section: string}} source */
const address = ({ section }) => `https://docs.example.org/${section}`;
/** @type {Turn} */
const turn = {
  ...newTurn("How?"),
  answer: "So [1], not `x[1]` [7].\n\n```\na[1]\n```\n\nThen [2].",
  sources,
  cited: [1, 2],
  index: { project: "Particles", version: "1.2", commit: "", built_at: "" },
};

test("citations become links, those in code stay", () => {
  assert.equal(
    answerAsMarkdown(turn, address, []),
    "So [\\[1\\]](https://docs.example.org/p1.html), not `x[1]` [7].\n\n```\na[1]\n```\n\n" +
      "Then [\\[2\\]](https://docs.example.org/p2.html).\n\n" +
      "1. [Guide › Part \\[1\\]](https://docs.example.org/p1.html)\n2. [Guide › Part \\[2\\]](https://docs.example.org/p2.html)\n\n" +
      "*Particles 1.2*",
  );
});

test("an answer without sources is its text", () => {
  assert.equal(answerAsMarkdown({ ...newTurn("How?"), answer: "So [1].\n" }, address, []), "So [1].");
});

test("code that never ends is code to the end", () => {
  assert.match(answerAsMarkdown({ ...turn, answer: "```\na[1]" }, address, []), /^```\na\[1\]\n/);
});

test("what is said of an answer stands between it and its sources", () => {
  const text = answerAsMarkdown({ ...turn, answer: "So it is." }, address, ["Not supported by the sources: So it is."]);
  assert.match(text, /^So it is\.\n\nNot supported by the sources: So it is\.\n\n1\. \[/);
});

test("a conversation has its questions as headings", () => {
  const text = conversationAsMarkdown("Ask Particles", [turn, newTurn("And\nthen?")], ["So.", "Thus."]);
  assert.deepEqual(text.match(/^#.*$/gm), ["# Ask Particles", "## How?", "## And then?"]);
});

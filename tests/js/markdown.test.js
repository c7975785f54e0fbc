// @ts-check
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { holdBack, parseInline as parseRaw, parseMarkdown } from "../../static/molsys-chat/markdown.js";

/**
 * The tree with neighbouring texts joined.
 *
 * @param {string} source @param {boolean} [unfinished]
 * @returns {any[]}
 */
const parseInline = (source, unfinished) => joinTexts(parseRaw(source, unfinished));

/** @param {any[]} nodes @returns {any[]} */
function joinTexts(nodes) {
  /** @type {any[]} */
  const joined = [];
  for (const node of nodes) {
    const last = joined.at(-1);
    if (last?.type === "text" && node.type === "text") last.text += node.text;
    else joined.push(node.children ? { ...node, children: joinTexts(node.children) } : { ...node });
  }
  return joined;
}

/** The blocks without the text that they were read from. @param {string} text @returns {any[]} */
const blocks = (text) => JSON.parse(JSON.stringify(parseMarkdown(text), (key, value) => (key === "raw" ? undefined : value)));
/** @param {string} value */
const text = (value) => ({ type: "text", text: value });
/** @param {string} value */
const p = (value) => ({ type: "p", text: value });

describe("blocks", () => {
  test("paragraphs are parted by blank lines and keep their line ends", () => {
    assert.deepEqual(blocks("one\ntwo\n\n\nthree\r\n"), [p("one\ntwo"), p("three")]);
  });

  test("headings need a space after their marks", () => {
    assert.deepEqual(blocks("## Select\n#hashtag"), [
      { type: "heading", text: "Select" },
      p("#hashtag"),
    ]);
  });

  test("fenced code keeps every character, marks included", () => {
    const code = "```python\nimport molsysmt as msm\n\n# not a heading\n    <b>\n```\nafter";
    assert.deepEqual(blocks(code), [
      { type: "code", language: "python", text: "import molsysmt as msm\n\n# not a heading\n    <b>" },
      p("after"),
    ]);
  });

  test("code that is still being written has no end yet", () => {
    assert.deepEqual(blocks("~~~\na\n```\nb"), [{ type: "code", language: "", text: "a\n```\nb" }]);
  });

  test("lists nest by indentation, by two as by four spaces", () => {
    for (const indent of ["  ", "    "]) {
      const [list] = blocks(`1. one\n${indent}- inner\n2. two\n\n   more\n`);
      assert.deepEqual(list, {
        type: "list",
        start: 1,
        items: [
          [p("one"), { type: "list", start: null, items: [[p("inner")]] }],
          [p("two"), p("more")],
        ],
      });
    }
  });

  test("a list holds code, goes on over blank lines, and keeps its first number", () => {
    const [list] = blocks("3. run\n   ```\n   x\n     y\n   ```\n\n4. read\ngoes on");
    assert.deepEqual(list, {
      type: "list",
      start: 3,
      items: [[p("run"), { type: "code", language: "", text: "x\n  y" }], [p("read\ngoes on")]],
    });
  });

  test("another bullet begins another list", () => {
    assert.deepEqual(
      blocks("- a\n* b").map(({ type }) => type),
      ["list", "list"],
    );
  });

  test("quotations hold blocks, rules are no lists", () => {
    assert.deepEqual(blocks("> # a\n> b\n\n* * *\n---"), [
      { type: "quote", blocks: [{ type: "heading", text: "a" }, p("b")] },
      { type: "hr" },
      { type: "hr" },
    ]);
  });

  test("tables have as many cells in every row as rulers", () => {
    assert.deepEqual(blocks("| a | b \\| c |\n|---|:-:|\n| 1 | 2 | 3 |\n4 |\nend"), [
      {
        type: "table",
        rows: [
          ["a", "b | c"],
          ["1", "2"],
          ["4", ""],
        ],
      },
      p("end"),
    ]);
    assert.deepEqual(blocks("a | b\n---\nc"), [p("a | b"), { type: "hr" }, p("c")]);
  });

  test("the raw text of a piece changes when its block does", () => {
    const [first, second] = parseMarkdown("one\n\n- a\n- b\n");
    assert.equal(first?.raw, "one");
    assert.equal(second?.raw, "- a\n- b");
  });
});

describe("inline", () => {
  test("emphasis, strong, code and both", () => {
    assert.deepEqual(parseInline("a *b* **c** `d*e*` ***f***"), [
      text("a "),
      { type: "em", children: [text("b")] },
      text(" "),
      { type: "strong", children: [text("c")] },
      text(" "),
      { type: "inlineCode", text: "d*e*" },
      text(" "),
      { type: "strong", children: [{ type: "em", children: [text("f")] }] },
    ]);
  });

  test("names with underscores and lone marks stay what they are", () => {
    const names = ["atom_name == CA", "__init__ of a_b_c", "2 * 3 * 4", "a ** b", "`open", "****"];
    for (const name of [...names, "takes *args, **kwargs and **others"]) {
      assert.deepEqual(parseInline(name), [text(name)]);
    }
  });

  test("citations are numbers in brackets, not lists and not links", () => {
    assert.deepEqual(parseInline("so [2], x[1, 2] [12](a.html)"), [
      text("so\u00a0"),
      { type: "cite", n: 2 },
      text(", x[1, 2] "),
      { type: "link", href: "a.html", children: [text("12")] },
    ]);
  });

  test("links, bracketed and bare addresses; images stay text", () => {
    assert.deepEqual(parseInline("[`a`](b.html#c) <https://x.org/y> https://x.org/z. ![i](https://x.org/i.png)"), [
      { type: "link", href: "b.html#c", children: [{ type: "inlineCode", text: "a" }] },
      text(" "),
      { type: "link", href: "https://x.org/y", children: [text("https://x.org/y")] },
      text(" "),
      { type: "link", href: "https://x.org/z", children: [text("https://x.org/z")] },
      text(". ![i](https://x.org/i.png)"),
    ]);
  });

  test("there is no link in a link", () => {
    assert.deepEqual(parseInline("[see https://x.org](a.html)"), [
      { type: "link", href: "a.html", children: [text("see https://x.org")] },
    ]);
  });

  test("escapes and line breaks", () => {
    assert.deepEqual(parseInline("\\*a\\* \\q  \nb\\\nc\nd"), [
      text("*a* \\q"),
      { type: "br" },
      text("b"),
      { type: "br" },
      text("c\nd"),
    ]);
  });

  test("crossed emphasis closes from the inside", () => {
    assert.deepEqual(parseInline("**a *b** c*"), [
      { type: "strong", children: [text("a *b")] },
      text(" c*"),
    ]);
  });

  test("what stands open at the end of an unfinished text is shown closed", () => {
    assert.deepEqual(parseInline("a **b `c", true), [
      text("a "),
      { type: "strong", children: [text("b "), { type: "inlineCode", text: "c" }] },
    ]);
    assert.deepEqual(parseInline("a **b", false), [text("a **b")]);
    assert.deepEqual(parseInline("**a `**b` c**"), [
      { type: "strong", children: [text("a "), { type: "inlineCode", text: "**b" }, text(" c")] },
    ]);
  });

  test("half a mark, link or citation is held back", () => {
    for (const half of ["[", "[1", "[a](", "[a](b.ht", "[molsysmt]", "**", "`", "![a](x"]) {
      assert.equal(holdBack(`so ${half}`), "so ");
    }
    assert.equal(holdBack("so [1]"), "so [1]");
    assert.equal(holdBack("so [a](b)"), "so [a](b)");
  });
});

// Time that grew with the square of the length would run into the limit of the whole run.
describe("hostile text takes time that grows with its length only", () => {
  const million = 1_000_000;
  /** @type {Record<string, string>} */
  const cases = {
    letters: "a".repeat(million),
    spaces: `x${" ".repeat(million)}x`,
    stars: "*".repeat(million),
    "star words": "*a ".repeat(million / 3),
    "strong words": "**a*b_c__d".repeat(million / 10),
    backticks: "`".repeat(million),
    "growing backticks": Array.from({ length: 1300 }, (_, n) => `${"`".repeat(n)}a`).join(""),
    "code of spaces": `\` ${"a ".repeat(million / 2)}\`b`,
    brackets: "[".repeat(million),
    "half links": "[a](".repeat(million / 4),
    "links around links": `${"[a".repeat(million / 4)}](b)`,
    addresses: "http://".repeat(million / 7),
    dots: `http://${".".repeat(million)}`,
    backslashes: "\\".repeat(million),
    angles: "<".repeat(million),
    pipes: `${"|".repeat(million / 2)}\n${"|-".repeat(million / 4)}`,
    cells: `|a|b|\n|-|-|\n${"|1|2|\n".repeat(million / 8)}`,
    hashes: `# ${"#".repeat(million)}`,
    "hash words": `# ${"# ".repeat(million / 2)}`,
    rules: "* * ".repeat(million / 4),
    "broken rule": `${"- ".repeat(million / 2)}x`,
    quotes: ">".repeat(million),
    "deep quotes": `${"> ".repeat(2000)}a\n`.repeat(200),
    items: "- ".repeat(million / 2),
    "many items": "- a\n".repeat(million / 4),
    "blank lines": `- a${"\n".repeat(million)}- b`,
    "deep items": Array.from({ length: 1000 }, (_, depth) => `${" ".repeat(2 * depth)}- a`).join("\n"),
    fences: "```\n".repeat(million / 4),
  };
  for (const [name, hostile] of Object.entries(cases)) {
    test(name, () => {
      const [piece] = parseMarkdown(hostile);
      const inner = piece?.type === "p" ? parseInline(piece.text) : [];
      parseInline(hostile, true);
      holdBack(hostile);
      assert.ok(inner.length >= 0);
    });
  }

  test("nesting ends", () => {
    /** @param {any} block @returns {number} */
    const depth = (block) =>
      1 + Math.max(0, ...[...(block.blocks ?? []), ...(block.items ?? []).flat()].map(depth));
    for (const mark of ["> ", "- "]) {
      const [nested] = blocks(`${mark.repeat(100)}a`);
      assert.ok(depth(nested) < 12, mark);
    }
  });
});

describe("HTML that models write", () => {
  test("line breaks are line breaks, in cells too, and never text", () => {
    for (const br of ["<br>", "<br/>", "<br />", "<BR>", "<br>\n"]) {
      assert.deepEqual(parseInline(`a${br}b`), [text("a"), { type: "br" }, text("b")]);
      for (let cut = 1; cut < 4; cut += 1) assert.equal(holdBack(`a${br.slice(0, cut)}`), "a");
    }
    assert.deepEqual(blocks("| a | b |\n|---|---|\n| 1<br>2 | c |")[0].rows[1], ["1<br>2", "c"]);
  });

  test("elements that need no attributes", () => {
    assert.deepEqual(parseInline("H<sub>2</sub>O, x<sup>*n*</sup>"), [
      text("H"),
      { type: "sub", children: [text("2")] },
      text("O, x"),
      { type: "sup", children: [{ type: "em", children: [text("n")] }] },
    ]);
    for (const tag of ["em", "strong", "b", "i", "u", "s", "kbd"]) {
      assert.deepEqual(parseInline(`<${tag}>x</${tag}>`), [{ type: tag, children: [text("x")] }]);
    }
    assert.deepEqual(parseInline("H<sub>2", true)[1], { type: "sub", children: [text("2")] });
  });

  test("all else stays text", () => {
    for (const other of ["<sub class=x>2</sub>", "<script>x</script>", "<sub>2</sup>", "<sub>2", "<brx>", "a <b", "if a < b and c > d"]) {
      assert.deepEqual(parseInline(other), [text(other)]);
    }
    assert.deepEqual(parseInline("`<br>` \\<br>"), [{ type: "inlineCode", text: "<br>" }, text(" <br>")]);
  });

  test("character references are the characters", () => {
    assert.deepEqual(parseInline("&lt;br&gt;&nbsp;&amp;amp; &quot;&#39; &#x27; &apos; 5&times;3&deg;"), [text("<br>\u00a0&amp; \"' ' ' 5×3°")]);
    for (const other of ["&unknown;", "&toString;", "&constructor;", "a && b;", "&;", "&#;", "&#x;", "&#9999999;"]) {
      assert.deepEqual(parseInline(other), [text(other)]);
    }
    assert.deepEqual(parseInline("`&lt;`"), [{ type: "inlineCode", text: "&lt;" }]);
  });

  test("takes linear time where it is hostile", () => {
    for (const piece of ["<b>", "<b><i>", "<b>x</b>", "&#", "&lt", "<br "]) assert.ok(parseInline(piece.repeat(30_000)).length);
  });
});

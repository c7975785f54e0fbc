// @ts-check
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { colorCode } from "../../static/molsys-chat/highlight.js";

/** The pieces that have a class, as `class:text`. @param {string} text @param {string} language */
const colored = (text, language) =>
  colorCode(text, language)
    .filter(([name, piece]) => name && name !== "n" && piece.trim())
    .map(([name, piece]) => `${name}:${piece}`);

describe("Pygments' class names", () => {
  test("Python", () => {
    const text = '@cached\ndef f(self, x=1.5e3):\n    """Doc."""\n    return x is not None and f"{x}"  # why';
    assert.deepEqual(colored(text, "python"), [
      "nd:@cached", "k:def", "nf:f", "p:(", "bp:self", "p:,", "o:=", "mi:1.5e3", "p:)", "o::", 's:"""Doc."""',
      "k:return", "ow:is", "ow:not", "kc:None", "ow:and", 's:f"{x}"', "c1:# why",
    ]);
    assert.deepEqual(colored("import numpy as np", "py"), ["kn:import", "k:as"]);
    assert.deepEqual(colored("importer = classy", "python"), ["o:="]);
  });

  test("a Python prompt: what is printed has no colours of code", () => {
    assert.deepEqual(colored(">>> print(1)\n1 and True\n... x", "python"), [
      "gp:>>> ", "nb:print", "p:(", "mi:1", "p:)", "go:1 and True\n", "gp:... ",
    ]);
  });

  test("a shell", () => {
    assert.deepEqual(colored('$ export A=1\n$ echo "$A" # so', "console"), [
      "gp:$", "nb:export", "nv:A", "o:=", "gp:$", "nb:echo", 's2:"$A"', "c1:# so",
    ]);
  });

  test("settings in YAML, TOML and JSON", () => {
    assert.deepEqual(colored("[tool]\nname = 'x'  # y", "toml"), ["gh:[tool]", "nt:name", "o:=", "s2:'x'", "c1:# y"]);
    assert.deepEqual(colored('{"a": [1, true]}', "json"), [
      "p:{", 'nt:"a"', "o::", "p:[", "mi:1", "p:,", "kc:true", "p:]}",
    ]);
    assert.deepEqual(colored("- a: yes", "yaml").slice(-3), ["nt:a", "o::", "kc:yes"]);
  });

  test("languages with braces, and differences", () => {
    assert.deepEqual(colored("#include <x>\nint main() { return 0; } // end", "c++"), [
      "cp:#include <x>", "kt:int", "nf:main", "p:() {".replace(" {", ""), "p:{", "k:return", "mi:0", "p:;", "p:}", "c1:// end",
    ]);
    assert.deepEqual(colored("@@ -1 +1 @@\n-a\n+b\n c", "diff"), ["gu:@@ -1 +1 @@", "gd:-a", "gi:+b"]);
  });

  test("a language that is unknown stays plain", () => {
    assert.deepEqual(colorCode("def f", "brainfuck"), [["", "def f"]]);
    assert.deepEqual(colorCode("def f", ""), [["", "def f"]]);
  });
});

test("together the pieces are the text, whatever it is", () => {
  const alphabet = "ab_09 \n\t\"'#@$>-+=()[]{}\\/*`.:;%defimport😀";
  let seed = 7;
  const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
  for (let round = 0; round < 400; round += 1) {
    const text = Array.from({ length: 60 }, () => alphabet[Math.floor(random() * alphabet.length)]).join("");
    for (const language of ["python", "bash", "yaml", "c", "diff"]) {
      assert.equal(colorCode(text, language).map(([, piece]) => piece).join(""), text);
    }
  }
});

// Time that grew with the square of the length would run into the limit of the whole run.
test("hostile code takes time that grows with its length only", () => {
  for (const unit of ['"', "'''", "\\", "(", "@a.", "def ", "\n", " ", "# ", "$A=", "/*", "a.b", ">>> "]) {
    const text = unit.repeat(1_000_000 / unit.length);
    for (const language of ["python", "bash", "yaml", "c", "diff"]) {
      assert.equal(colorCode(text, language).reduce((sum, [, piece]) => sum + piece.length, 0), text.length);
    }
  }
});

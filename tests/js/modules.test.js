// @ts-check
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const FOLDER = new URL("../../static/molsys-chat/", import.meta.url);
const NAMES = readdirSync(FOLDER).filter((name) => name.endsWith(".js"));
/** @param {string} name */
const read = (name) => readFileSync(new URL(name, FOLDER), "utf8");

test("no module is longer than 400 lines", () => {
  for (const name of NAMES) {
    const lines = read(name).split("\n").length;
    assert.ok(lines <= 400, `${name}: ${lines} lines`);
  }
});

test("modules import each other in one line and without a new name, so that a build can join them", () => {
  for (const name of NAMES) {
    for (const [line] of read(name).matchAll(/^import.*$/gm)) {
      assert.match(line, /^import \{ \w+(, \w+)* \} from "\.\/[\w-]+\.js";$/, name);
    }
  }
});

test("modules that are loaded when they are needed stand alone", () => {
  const later = ["highlight.js", "nomodule.js", "saving.js", "site-search.js"];
  for (const name of later) assert.doesNotMatch(read(name), /^import/m, name);
});

test("no module makes DOM of markup, or runs text as code", () => {
  const forbidden = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\(|new Function/;
  for (const name of NAMES) assert.doesNotMatch(read(name), forbidden, name);
});

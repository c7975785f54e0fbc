// @ts-check
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

const FOLDER = new URL("../../static/molsys-chat/", import.meta.url);
const NAMES = readdirSync(FOLDER).filter((name) => /\.(js|css)$/.test(name));

/** The bytes that a reader's browser fetches. @param {string[]} names */
const weight = (names) =>
  names.reduce((sum, name) => sum + gzipSync(readFileSync(new URL(name, FOLDER)), { level: 9 }).length, 0);

test("the launcher weighs at most 3 KB", (context) => {
  const launcher = weight(["launcher.js", "launcher.css"]);
  context.diagnostic(`launcher: ${launcher} bytes gzip`);
  assert.ok(launcher <= 3000, `${launcher} bytes`);
});

test("everything together weighs at most 20 KB", (context) => {
  const all = weight(NAMES);
  context.diagnostic(`everything: ${all} bytes gzip in ${NAMES.length} files`);
  assert.ok(all <= 20_000, `${all} bytes`);
});

test("no module is longer than 400 lines", () => {
  for (const name of NAMES.filter((each) => each.endsWith(".js"))) {
    const lines = readFileSync(new URL(name, FOLDER), "utf8").split("\n").length;
    assert.ok(lines <= 400, `${name}: ${lines} lines`);
  }
});

test("modules name each other without a query, so that a build can add one", () => {
  for (const name of NAMES.filter((each) => each.endsWith(".js"))) {
    const text = readFileSync(new URL(name, FOLDER), "utf8");
    for (const [, imported] of text.matchAll(/^import .* from "(.*)";$/gm)) assert.match(imported ?? "", /^\.\/[\w-]+\.js$/);
  }
});

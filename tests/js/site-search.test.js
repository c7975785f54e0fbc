// @ts-check
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createServer } from "node:http";

import { rankPages, searchSite, searchWords } from "../../static/molsys-chat/site-search.js";

/** As Sphinx writes it: stems, a number or a list of them. @type {SearchIndex} */
const INDEX = {
  docnames: ["guide/converting", "guide/selecting", "index"],
  titles: ["Converting", "Selecting", "Particles"],
  terms: { particl: [0, 1, 2], select: 1, file: 0, name: [0, 1], write: 0, constructor: 2 },
  titleterms: { convert: 0, select: 1, particl: 2, name: 1 },
  alltitles: { Selecting: [[1, null]], "Selecting by name": [[1, "selecting-by-name"]], Converting: [[0, null]] },
};

describe("ranking", () => {
  test("words that say nothing are left out", () => {
    assert.deepEqual(searchWords("How do I select the CA atoms?"), ["select", "ca", "atoms"]);
  });

  test("the page about it comes first, at its section", () => {
    const [first, ...others] = rankPages(INDEX, "How can I select particles by name?");
    assert.deepEqual([first?.page, first?.anchor, first?.title], [1, "selecting-by-name", "Selecting by name"]);
    assert.ok(others.some(({ page }) => page === 2));
  });

  test("other forms of a word are found", () => {
    for (const question of ["selecting", "selects", "selected", "selection"]) assert.equal(rankPages(INDEX, question)[0]?.page, 1, question);
  });

  test("what nobody wrote about finds nothing, not even what objects inherit", () => {
    for (const question of ["weather", "toString", "__proto__", "hasOwnProperty", "", "the of and"]) {
      assert.deepEqual(rankPages(INDEX, question), [], question);
    }
  });
});

describe("the site's index", () => {
  /** @type {string | undefined} */
  let body;
  const server = createServer((_, response) => response.writeHead(body ? 200 : 404).end(body ?? ""));
  let root = "";
  before(async () => {
    await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
    root = `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}/en/`;
  });
  after(() => server.close());

  /** @param {string} search */
  const settings = (search) => ({ endpoint: "", root, search, title: "", suggestions: [] });

  test("gives nothing where it is missing or damaged, and is asked for again", async () => {
    for (body of [undefined, "Search.setIndex(", "<h1>No</h1>"]) {
      assert.deepEqual(await searchSite(settings("search.html"), "select"), []);
    }
  });

  test("gives addresses of the site's own kind", async () => {
    body = `Search.setIndex(${JSON.stringify(INDEX)})`;
    assert.deepEqual(await searchSite(settings("search.html"), "select by name"), [
      { title: "Selecting by name", href: `${root}guide/selecting.html#selecting-by-name` },
      { title: "Converting", href: `${root}guide/converting.html` },
    ]);
    const [folder] = await searchSite(settings("search/"), "select by name");
    assert.equal(folder?.href, `${root}guide/selecting/#selecting-by-name`);
    const [front] = await searchSite(settings("search/"), "constructor");
    assert.equal(front?.href, root);
  });
});

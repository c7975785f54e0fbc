// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { linkAddress, searchAddress, sectionOf, sourceAddress } from "../../static/molsys-chat/addresses.js";

const root = "https://docs.example.org/en/latest/";
const source = {
  n: 1,
  title: "Select",
  excerpt: "",
  url: "https://www.example.org/stable/api/select.html#by-name",
  section: "api/select.html#by-name",
};

test("a section of the project that is read opens on the site that is read", () => {
  const here = "https://docs.example.org/en/latest/api/select.html#by-name";
  assert.equal(sourceAddress(source, "molsysmt", { root, project: "molsysmt" }), here);
  assert.equal(sourceAddress(source, "molsysmt", { root, project: "" }), here);
});

test("a section of another project opens where that project is", () => {
  assert.equal(sourceAddress(source, "other", { root, project: "molsysmt" }), source.url);
});

test("an index without a base address gives relative ones", () => {
  const relative = { ...source, url: source.section };
  assert.equal(sourceAddress(relative, "other", { root, project: "molsysmt" }), root + source.section);
});

test("a source cannot lead to a script, or out of the site by its section", () => {
  const site = { root, project: "" };
  assert.equal(sourceAddress({ ...source, section: "", url: "javascript:alert(1)" }, "", site), "");
  assert.equal(sourceAddress({ ...source, section: "../../../x.html", url: "" }, "", site), "");
  assert.equal(sourceAddress({ ...source, section: "//evil.example/x", url: "" }, "", site), "");
  assert.equal(sourceAddress({ ...source, section: "", url: "" }, "", site), "");
});

test("links lead into the documentation or to a source, nowhere else", () => {
  const sources = [source.url, ""];
  assert.equal(linkAddress("api/form.html#x", sources, root), `${root}api/form.html#x`);
  assert.equal(linkAddress(`${root}a.html`, sources, root), `${root}a.html`);
  assert.equal(linkAddress(source.url, sources, root), source.url);
  const refused = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "https://docs.example.org.evil.example/en/latest/",
    "https://docs.example.org@evil.example/en/latest/",
    "https://user@docs.example.org/en/latest/a.html",
    "http://docs.example.org/en/latest/a.html",
    "../../admin",
    "/en/other/",
    "javascript:alert(1)",
    " java\tscript:alert(1)",
    "data:text/html,x",
    "blob:https://docs.example.org/en/latest/",
    "http://[",
    "https://www.example.org/stable/api/other.html",
  ];
  for (const href of refused) assert.equal(linkAddress(href, sources, root), "", href);
});

test("pages opened from a folder stay within it", () => {
  const folder = "file:///home/a/docs/";
  assert.equal(linkAddress("b.html", [], folder), `${folder}b.html`);
  assert.equal(linkAddress("file:///etc/passwd", [], folder), "");
});

test("a published address is told back into the index's, where the sources say how", () => {
  assert.equal(sectionOf("https://www.example.org/stable/api/form.html#x", [source]), "api/form.html#x");
  assert.equal(sectionOf("https://elsewhere.example.org/api/form.html", [source]), "");
  assert.equal(sectionOf("https://www.example.org/stable/api/form.html", [{ ...source, section: "" }]), "");
  assert.equal(sectionOf("anything", []), "");
});

test("a page of any name is led to, its id encoded once", () => {
  const section = "50% (c#)?.html#it's";
  const url = "50%25%20%28c%23%29%3F.html#it%27s";
  const here = sourceAddress({ section, url: "" }, "", { root, project: "" });
  assert.equal(new URL(here).href, here);
  assert.equal(decodeURIComponent(new URL(here).pathname), "/en/latest/50% (c#)?.html");
  assert.equal(new URL(here).hash, "#it's");
  assert.equal(sectionOf(`https://x.org/${url}`, [{ ...source, section, url: `https://x.org/${url}` }]), section);
});

test("the search page is asked by its own parameter", () => {
  assert.equal(searchAddress({ root, search: "search.html" }, "a & b?"), `${root}search.html?q=a%20%26%20b%3F`);
  assert.equal(searchAddress({ root, search: "" }, "a"), "");
});

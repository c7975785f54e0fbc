"""Addresses of pages with awkward names, and their URLs: encoded exactly once, everywhere."""

from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from molsys_chat_lab.evaluation.misses import Links
from molsys_chat_rag.addresses import address_of, split_address, url_of
from molsys_chat_rag.build import BuildSettings, build_index
from molsys_chat_rag.embedding.models import Embedder
from molsys_chat_rag.index import Index
from molsys_chat_rag.twins.site import TwinSettings, write_twins

AWKWARD = "50% of (c#) & café?.html"
ENCODED = "50%25%20of%20%28c%23%29%20%26%20caf%C3%A9%3F.html"
BASE = "https://example.org/a%20b/"


@pytest.mark.parametrize(
    ("address", "page", "anchor", "url"),
    [
        ("guide/select.html#by-name", "guide/select.html", "by-name", "guide/select.html#by-name"),
        ("api.html#demo.select", "api.html", "demo.select", "api.html#demo.select"),
        ("c#.html#intro", "c#.html", "intro", "c%23.html#intro"),
        ("c#.html", "c#.html", "", "c%23.html"),
        ("a b/index.html", "a b/index.html", "", "a%20b/index.html"),
        ("a.html#it's (x)", "a.html", "it's (x)", "a.html#it%27s%20%28x%29"),
        ("用法.html#节", "用法.html", "节", "%E7%94%A8%E6%B3%95.html#%E8%8A%82"),
        ("http:x.html", "http:x.html", "", "http%3Ax.html"),
        ("a%20b.html", "a%20b.html", "", "a%2520b.html"),
        ('q".html', 'q".html', "", "q%22.html"),
    ],
)
def test_an_address_and_its_url(address, page, anchor, url):
    assert split_address(address) == (page, anchor)
    assert url_of(address, BASE) == BASE + url
    assert address_of(url_of(address, BASE), BASE) == address
    assert unquote(urlsplit(urljoin(BASE, url_of(address))).path) == "/a b/" + page


@pytest.fixture
def site(tmp_path: Path) -> Path:
    page = "<main><h1>Sharp</h1><p>Selecting sharp atoms of a molecule needs a query.</p></main>"
    (tmp_path / AWKWARD).write_text(page, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("base_url", ["", BASE])
def test_an_index_gives_urls_and_keeps_ids(site: Path, base_url: str, embedder: Embedder):
    build_index(site, site / "index", BuildSettings(base_url=base_url))
    index = Index.open(site / "index", embedder=embedder)
    hit = index.search("How do I select sharp atoms?", page=AWKWARD).hits[0]
    assert (hit.section.address, hit.url) == (AWKWARD, base_url + ENCODED)
    index.close()


def test_lists_and_twins_give_urls(site: Path):
    write_twins(site, TwinSettings(title="T", base_url=BASE))
    assert f"]({BASE}{ENCODED}.md)" in (site / "llms.txt").read_text(encoding="utf-8")
    twin = (site / f"{AWKWARD}.md").read_text(encoding="utf-8")
    assert f"Source: <{BASE}{ENCODED}>" in twin


@pytest.mark.parametrize(("base_url", "start"), [(BASE, BASE), ("", "./")])
def test_reports_link_to_urls(base_url: str, start: str):
    link = Links(lambda address: None, base_url).page(AWKWARD, "Sharp").find("a")
    assert link is not None
    assert link.get("href") == start + ENCODED

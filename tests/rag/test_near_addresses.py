"""Addresses that do not exist, pages as a whole, and where a text stands."""

import pytest

from molsys_chat_rag.search.near_addresses import nearest_addresses

ADDRESSES = [
    "index.html",
    "guide/select.html#by-name",
    "guide/select.html#by-altitude",
    "guide/start.html",
    "guide/start.html#installation",
    "api.html#orbit.select",
]


@pytest.mark.parametrize(
    ("address", "first"),
    [
        ("guide/select.html#by-altitudes", "guide/select.html#by-altitude"),
        ("guide/select.html", "guide/select.html#by-name"),
        ("select.html#by-name", "guide/select.html#by-name"),
        ("guide/selekt.html", "guide/select.html"),
        ("guide/start.htm#install", "guide/start.html"),
    ],
)
def test_the_nearest_address_comes_first(address, first):
    assert nearest_addresses(address, ADDRESSES)[0] == first


def test_what_is_like_nothing_has_no_nearest():
    assert nearest_addresses("zzz", ADDRESSES) == ()
    assert nearest_addresses("", ADDRESSES) == ()
    assert nearest_addresses("x#y", []) == ()


def test_no_more_than_asked_for():
    assert len(nearest_addresses("guide/select.html", ADDRESSES, shown=1)) == 1


def test_a_page_is_its_sections_in_order(index):
    titles = [section.title for section in index.page("guide.html")]
    assert titles.index("Empty parent") + 1 == titles.index("Child of it")
    assert index.page("none.html") == ()


def test_the_places_of_a_section(index):
    assert index.places("api.html#demo.select") == ("api.html#demo.select",)
    assert index.places("api.html#nothing") == ()


def test_an_index_offers_its_own_addresses(index):
    assert index.nearest_addresses("api.html#demo.selekt")[0] == "api.html#demo.select"

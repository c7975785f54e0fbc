"""The addresses of an index that come nearest to one that it does not have."""

from collections.abc import Collection

from rapidfuzz import fuzz, process

from molsys_chat_rag.addresses import split_address

LEAST = 50
"""rapidfuzz ratio (0 to 100) below which an address is no help."""


def nearest_addresses(address: str, addresses: Collection[str], shown: int = 5) -> tuple[str, ...]:
    """Return the addresses that were most likely meant, best first.

    Where the page exists, only its anchors are compared. Where it does not, the same anchor on
    another page comes first, then pages of nearly its name.

    :param addresses: all that there are, ``page.html`` or ``page.html#anchor``.
    """
    page, anchor = split_address(address)
    on_page = [each for each in addresses if split_address(each)[0] == page]
    if on_page:
        return _like(address, on_page, shown, least=0)
    elsewhere = [each for each in addresses if anchor and each.endswith(f"#{anchor}")]
    found = _like(address, elsewhere, shown, least=0)
    pages = {split_address(each)[0] for each in addresses}
    return (*found, *_like(page, sorted(pages), shown - len(found), least=LEAST))


def _like(text: str, others: Collection[str], shown: int, *, least: int) -> tuple[str, ...]:
    near = process.extract(text, others, scorer=fuzz.ratio, limit=shown, score_cutoff=least)
    return tuple(other for other, *_ in near)

"""Characters that readers do not see and models do: nothing of a text should hide in them."""

import re

_UNSEEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, besides tab and newline
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # soft hyphen, fillers
    "\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff0-\ufffb"  # zero width, marks of annotations
    "\u202a-\u202e\u2066-\u2069"  # what turns the direction of writing
    "\ud800-\udfff"  # halves of characters, which no encoding takes
    "\U000e0000-\U000e0fff"  # tags, a second alphabet, and variants
    "]"
    "|(?<=[\x00-\x7f])[\u200c\u200d]+(?=[\x00-\x7f])"  # joiners, where nothing is to be joined
)
"""Source: Unicode's ``Default_Ignorable_Code_Point``. The variants and joiners of emoji and of
Persian or Hindi words stay, and so do the marks of single letters' direction."""


def without_unseen(text: str) -> str:
    """Return a text without control characters and without what is not seen in it."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text  # nothing can hide there, and most texts are such
    return _UNSEEN.sub("", text)

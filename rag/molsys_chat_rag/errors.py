"""The errors of this package.

.. code-block:: text

   RagError                    each says in a line what, which value, the remedy
   ├── BuildError              an index could not be built (nothing was changed)
   │   └── NoPagesError        the folder holds no page of a built Sphinx site
   ├── OutputError             a file cannot be written where it was asked for (nothing was changed)
   ├── EmbeddingError          the embedding model is missing, damaged or of another kind
   └── IndexUnusableError      an index folder cannot be opened
       ├── IndexMissingError   there is no index at that path
       ├── SchemaError         it was written by another version of this software
       ├── DamagedIndexError   a file is missing, or its digest does not match
       │   └── WrongManifestError  the manifest says what no index has
       └── ModelMismatchError  it was built with another embedding model
"""


class RagError(Exception):
    """Base of this package's errors; ``str()`` is one line fit for a user."""


class BuildError(RagError):
    """An index could not be built; the previous one is untouched."""


class NoPagesError(BuildError):
    """The folder holds no page of a built Sphinx site."""


class OutputError(RagError):
    """A file cannot be written, or something else would be lost; what was there is untouched."""


class EmbeddingError(RagError):
    """The embedding model is missing, damaged or of another kind."""


class IndexUnusableError(RagError):
    """An index folder cannot be opened."""


class IndexMissingError(IndexUnusableError):
    """There is no index at that path."""


class SchemaError(IndexUnusableError):
    """The index was written by another version of this software."""


class DamagedIndexError(IndexUnusableError):
    """A file of the index is missing, or its digest does not match."""


class WrongManifestError(DamagedIndexError):
    """The manifest can be read, and says what no index has."""


class ModelMismatchError(IndexUnusableError):
    """The index was built with another embedding model."""

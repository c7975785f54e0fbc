"""Reading built Sphinx HTML into an index, and finding sections in it."""

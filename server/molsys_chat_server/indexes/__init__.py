"""The indexes that are served."""

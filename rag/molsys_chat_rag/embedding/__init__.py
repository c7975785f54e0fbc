"""Embedding models, and texts turned into vectors."""

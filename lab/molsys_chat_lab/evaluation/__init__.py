"""How good retrieval and answers are, measured on question sets."""

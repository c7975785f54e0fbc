"""vLLM's processes: one a card, started, watched, started again, stopped."""

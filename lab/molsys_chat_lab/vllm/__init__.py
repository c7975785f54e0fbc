"""vLLM on a lab's cards: what fits, the command that starts it, and its processes."""

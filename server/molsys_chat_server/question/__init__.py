"""A reader's question, and what a model is told with it: who asks, the passages, the prompt."""

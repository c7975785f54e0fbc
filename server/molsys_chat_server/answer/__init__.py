"""From a question to an answer: looked up, quoted, or written by a model and checked."""

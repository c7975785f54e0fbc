"""The models that write: where they are, whose turn it is, how they are asked."""

"""Where a guide and its API reference have drifted apart."""

"""From a question to ranked sections."""

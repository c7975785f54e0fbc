"""What the service shows of itself: request ids, logs, traces, and how its event loop does."""

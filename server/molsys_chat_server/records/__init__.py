"""What is kept of what readers say."""

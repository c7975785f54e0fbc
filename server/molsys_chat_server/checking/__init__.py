"""What of a written answer may be shown, and what of it is true."""

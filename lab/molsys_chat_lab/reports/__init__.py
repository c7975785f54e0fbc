"""What readers asked and did not find, as a page for maintainers."""

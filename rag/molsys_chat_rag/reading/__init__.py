"""Built HTML, read into sections and cut into chunks."""

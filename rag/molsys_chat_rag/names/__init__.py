"""The API's names: what is documented, what is taught, and what nobody knows."""

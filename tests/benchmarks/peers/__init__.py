"""One module a system that is compared, and what runs and scores them."""

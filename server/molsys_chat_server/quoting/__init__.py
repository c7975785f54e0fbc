"""Answers put together from the documentation's own words."""

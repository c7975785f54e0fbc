"""A small real project, on which the tiny model is asked."""

project = "Orbit"
version = release = "2.0"
html_theme = "alabaster"

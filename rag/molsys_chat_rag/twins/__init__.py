"""The site's text for programs that read Markdown: a twin of each page, and ``llms.txt``."""

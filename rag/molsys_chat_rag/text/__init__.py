"""Words, languages and stems: what every reader of text here shares."""

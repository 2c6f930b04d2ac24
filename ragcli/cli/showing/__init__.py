"""How results look: on paper, as JSON, as a page."""

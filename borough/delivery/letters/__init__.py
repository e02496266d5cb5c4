"""A home's comparison on paper, with the page's own numbers and words."""

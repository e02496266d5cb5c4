"""Pages of carers: the homes that named them, and nothing of any other."""

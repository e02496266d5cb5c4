"""What a household is told, in words: the same for page, API and letter."""

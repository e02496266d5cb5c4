"""The same as the program in the plainest way, sharing nothing with it."""

"""The rights of the people in the data: erasure, and everything that is held about one of them."""

"""The environment's settings, and what parts of the program make of them."""

"""The list of wire formats."""

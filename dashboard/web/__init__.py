"""What every page stands on, whoever reads it."""

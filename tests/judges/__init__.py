"""Judges that others wrote, asked about our real output: ``make judges`` has them, runs them and prints one table."""

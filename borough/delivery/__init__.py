"""What leaves the house for people: letters."""

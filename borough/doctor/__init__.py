"""The doctor: looks at everything that has to be right for collecting, and says of each fault what to do."""

"""The pages of the council's own people: programme, slips, data protection."""

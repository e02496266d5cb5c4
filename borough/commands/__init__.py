"""The nouns and verbs of the command ``borough``, one module each."""

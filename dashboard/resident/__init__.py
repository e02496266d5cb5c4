"""The pages and the API of one household: always of the tenancy that is signed in, of its own days, and of nobody else.

No address has an id of a home or a tenancy in it, so there is none to guess.
"""

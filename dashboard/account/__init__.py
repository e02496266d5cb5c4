"""Signing in and what makes a sign-in a home's."""

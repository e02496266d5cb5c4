"""The engineers' pages."""

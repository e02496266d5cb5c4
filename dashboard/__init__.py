"""FastAPI pages."""

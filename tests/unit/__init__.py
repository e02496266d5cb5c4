"""Tests of one module each; what they need starts no server."""

"""Bytes to a table of text with physical line numbers; then text to typed cells."""

"""Measurements of what users feel: start-up, size, overhead."""

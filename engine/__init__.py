"""A private BuildKit for tests and demos, made from Debian packages alone.

``python3 -m engine up`` finds a BuildKit that is already there, or provides one. It needs nothing
but Python's standard library, so that it runs before anything is installed.
"""

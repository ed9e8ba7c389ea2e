"""How the frontend image is filled; only its Dockerfile runs this."""

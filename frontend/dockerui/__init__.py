"""What a user of `docker buildx build` chose, and where its sources come from.

The conventions are those of BuildKit's `frontend/dockerui`: options, the main context, named
contexts, images, ignore files, SOURCE_DATE_EPOCH. The wire below them is `frontend.gateway`.
"""

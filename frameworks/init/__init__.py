"""The init programs that hutch puts into guests, and the configuration they read.

The programs are in C, one for each kind of guest; hutch's image brings them built, for every
architecture (`build.sh`).
"""

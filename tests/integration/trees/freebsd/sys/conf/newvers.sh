# A stand-in for FreeBSD's: it says which version the tree is of.
REVISION="15.9"
BRANCH="CURRENT"

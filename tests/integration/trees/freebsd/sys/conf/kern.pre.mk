# There is one in FreeBSD's tree; make.py here reads none.

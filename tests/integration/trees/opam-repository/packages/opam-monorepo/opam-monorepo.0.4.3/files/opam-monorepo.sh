#!/bin/sh
# The entry point of `opam monorepo`, as far as hutch calls it: notes how it was called.
set -eu
echo "monorepo called: $*" >> configured
case $1 in
lock) echo "made here" > "$6" ;;
pull)
	mkdir duniverse
	echo "monorepo lock file: $(cat "$3")" >> configured
	[ "$(ls /sys/class/net)" = lo ] || echo "monorepo has a network" >> configured
	;;
esac

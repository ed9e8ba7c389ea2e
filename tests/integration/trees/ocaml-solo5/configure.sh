#!/bin/sh
# ocaml-solo5's entry point, as far as hutch calls it: notes how it was called.
set -eu
for word; do
	case $word in
	--prefix=*) prefix=${word#--prefix=} ;;
	--target=*) target=${word#--target=} ;;
	--sysroot=*) ;;
	*) echo "configure.sh: what is $word?" >&2; exit 1 ;;
	esac
done
{
	echo "ocaml-solo5 called: $*"
	echo "ocaml-solo5 epoch: $SOURCE_DATE_EPOCH"
	echo "ocaml-solo5 compiles for: $("$target-cc" -dumpmachine)"
	echo "ocaml-solo5 network: $(ls /sys/class/net | tr '\n' ' ')"
	echo "ocaml-solo5 stubs: $(tail -n 2 nolibc/stubs.c | tr '\n' ' ')"
	source=$(ocamlfind query ocaml-src)
	if [ -e "$source/runtime/caml/mlvalues.h" ]; then
		echo "ocaml source: the real one"
	else
		echo "ocaml source: $(cat "$source/note")"
	fi
} > record
echo "PREFIX = $prefix" > Makeconf

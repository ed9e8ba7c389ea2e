# OCaml's compiler and runtime for Solo5: ocaml-solo5.sh PREFIX TARGET
set -eu
prefix=$1 target=$2
cd /usr/src/ocaml-solo5
if [ ! -e configure.sh ] || [ ! -e ocaml-solo5.opam ]; then
	echo "hutch: the source is no ocaml-solo5 tree: there is no configure.sh and ocaml-solo5.opam" >&2
	exit 216
fi
installed=$(ocamlfind ocamlopt -version)
wanted=$(sed -n 's/^ *"ocaml" *{= *"\([^"]*\)"}.*/\1/p' ocaml-solo5.opam)
if [ -n "$wanted" ] && [ "$wanted" != "$installed" ]; then
	echo "hutch: this ocaml-solo5 is for OCaml $wanted, and the toolchain has OCaml $installed" >&2
	exit 216
fi
source=$(head -n 1 /usr/src/ocaml/ocaml-src/VERSION)
if [ "$source" != "$installed" ]; then
	echo "hutch: the source of OCaml is of $source, and the toolchain has OCaml $installed" >&2
	exit 216
fi
# Which release of ocaml-solo5 a tree is, nothing in it says; what differs is for which OCaml it is.
sh /hutch/patch.sh --own . "$installed"
# ocamlfind knows a directory as a package by this file. Its own patches are put on with git.
touch /usr/src/ocaml/ocaml-src/META
rm -rf .git
git init --quiet .
export OCAMLPATH=/usr/src/ocaml
./configure.sh --prefix="$prefix" --target="$target" --sysroot="$prefix/lib/ocaml-solo5"
make -j"$(nproc)"
make ocaml-solo5.install
make install-ocaml
opam-installer --prefix="$prefix" ocaml-solo5.install

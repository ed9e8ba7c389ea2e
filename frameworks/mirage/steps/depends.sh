# What a configured application is built of: depends.sh fetch|build
#
# /app is what configure.sh leaves of it for this, and gets duniverse/.
# `fetch` has the network and compiles nothing: it writes the lock file, unless the application brings
# one, and fetches the libraries that it names into duniverse/, unless they are there. `build` has no
# network: it builds the programs that the application's own build calls.
set -eu
. "${0%/*}/opam.sh"
cd /app
for file in mirage/*.opam; do
	if [ ! -e "$file" ] || [ -n "${opam:-}" ]; then
		echo "hutch: mirage configure left not one mirage/NAME.opam" >&2
		exit 1
	fi
	opam=$file
done
if [ "$1" = build ]; then
	opam install --deps-only "./$opam"
	# opam's ocamlfind, if one was installed, reads what is beside its own configuration; dune asks it
	# for Solo5's compiler.
	install -D -m 644 -t "$OPAMROOT/hutch/lib/findlib.conf.d" /etc/ocamlfind.conf.d/solo5.conf
	exit 0
fi
take_archives
name=${opam##*/}
# With this variable the file's libraries are packages to depend on, as its Makefile has it.
monorepo() {
	OPAMVAR_monorepo=opam-monorepo opam monorepo "$@"
}
if [ ! -e "$opam.locked" ]; then
	# The overlays describe libraries as dune builds them, beside others, and not for a switch.
	opam repository add --this-switch --rank=1 overlays
	monorepo lock --require-cross-compile --build-only "${name%.opam}" --lockfile "$opam.locked" \
		--ocaml-version "$(ocamlc -version)"
	opam repository remove --this-switch overlays
fi
if [ ! -e duniverse ]; then
	fetching monorepo pull --lockfile "$opam.locked" --root "$PWD"
fi
mkdir -p duniverse # of an application without a library, too
fetching opam install --deps-only --download-only "./$opam"

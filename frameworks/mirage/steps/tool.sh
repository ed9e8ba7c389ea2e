# MirageOS's configuration tool, from opam: tool.sh fetch|build SOLO5 OCAML-SOLO5 MIRAGE OPAM-MONOREPO
#
# The four are versions. `fetch` takes the network and runs nothing that it fetched, `build` has none.
# Solo5 and its OCaml are here already: packages without content stand for them, which opam takes before
# those of the repository.
set -eu
. "${0%/*}/opam.sh"
how=$1 solo5=$2 ocaml_solo5=$3 mirage=$4 monorepo=$5
ocaml=$(ocamlfind ocamlopt -version)
set -- "ocaml-system.$ocaml" "mirage.$mirage" "opam-monorepo.$monorepo" \
	"solo5.$solo5" "ocaml-solo5.$ocaml_solo5"
if [ "$how" = build ]; then
	opam install "$@"
	# What the packages were made of is not needed again.
	rm -rf "$OPAMROOT/download-cache" "$OPAMROOT/log" "$OPAMROOT/hutch/.opam-switch/sources"
	exit 0
fi
for name in opam-repository opam-overlays; do
	if [ ! -e "/repositories/$name/repo" ] || [ ! -e "/repositories/$name/packages" ]; then
		echo "hutch: the source is no opam repository: $name has no file repo and no packages/" >&2
		exit 216
	fi
done
opam init --bare --no-setup --disable-sandboxing --bypass-checks --kind=local \
	default /repositories/opam-repository
take_archives
opam switch create hutch --empty
ours=$OPAMROOT/provided
for package in "solo5.$solo5" "ocaml-solo5.$ocaml_solo5"; do
	mkdir -p "$ours/packages/${package%%.*}/$package"
	echo 'opam-version: "2.0"' > "$ours/packages/${package%%.*}/$package/opam"
done
echo 'opam-version: "2.0"' > "$ours/repo"
# The overlays are for libraries, which dune builds: depends.sh takes them into the switch.
opam repository add --dont-select --kind=local overlays /repositories/opam-overlays
opam repository add --this-switch --rank=1 --kind=local provided "$ours"
for package in "solo5.$solo5" "ocaml-solo5.$ocaml_solo5"; do
	opam pin add --no-action --kind=version "${package%%.*}" "${package#*.}"
done
if [ -e /repositories/mirage ]; then
	opam pin add --no-action --kind=path "mirage.$mirage" /repositories/mirage
fi
fetching opam install --download-only "$@"
# The step that builds unpacks them again; and of what was fetched the same is to be left, each time.
rm -rf "$OPAMROOT/log" "$OPAMROOT/hutch/.opam-switch/sources"

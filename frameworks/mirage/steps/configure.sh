# What `mirage configure` writes: configure.sh build|report TARGET [--KEY=VALUE]...
#
# `build` leaves it in /app, and in /asked what fetching reads of an application: opam's descriptions and
# lock files, dune-project, and a duniverse/ of its own.
# `report` is for a build that failed: it leaves in /out/report what the tool says, nothing where it is
# content.
set -eu
how=$1 target=$2
shift 2
cd /app
if [ "$how" = build ]; then
	if [ ! -e config.ml ]; then
		echo "hutch: the application has no config.ml to be configured by" >&2
		exit 1
	fi
	mirage configure --target "$target" "$@"
	# opam-monorepo looks for descriptions in all but these directories.
	find . -type d \( -name _build -o -name _opam -o -name duniverse \) -prune -o ! -type d \
		\( -name '*.opam' -o -path './mirage/*.opam.locked' -o -path ./dune-project \) \
		-exec cp --dereference --parents {} /asked ';'
	[ ! -e duniverse ] || cp -R duniverse /asked
	exit 0
fi
: > /out/report
if [ ! -e config.ml ]; then
	printf unconfigurable > /out/report
elif ! mirage configure --target "$target" "$@" > /out/said 2>&1; then
	{
		echo "configure:"
		cat /out/said
	} > /out/report
fi

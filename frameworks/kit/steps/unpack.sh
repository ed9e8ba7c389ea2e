# Unpack a source archive so that the tree's top is the directory: unpack.sh ARCHIVE OUT MARKER
#
# Archives have their tree below directories of some name (usr/src/, NAME-COMMIT/); MARKER is a file
# that is at the top of every tree, such as build.sh.
set -eu
archive=$1 out=$2 marker=$3
found=$(tar --list --file="$archive" | awk -v marker="$marker" '
	{
		path = $0
		sub(/^\.\//, "", path)
		parts = split(path, part, "/")
		if (part[parts] == marker && (best == "" || parts < fewest)) {
			best = $0
			fewest = parts
		}
	}
	END { print best }')
if [ -z "$found" ]; then
	echo "hutch: the archive is not this system's source: there is no $marker in it" >&2
	exit 216
fi
top=${found%"$marker"}
# One component for each slash, a leading ./ among them.
depth=$(printf %s "$top" | tr -cd / | wc -c)
if [ "$depth" -eq 0 ]; then
	exec tar --extract --file="$archive" --directory="$out" --no-same-owner
fi
exec tar --extract --file="$archive" --directory="$out" --no-same-owner \
	--strip-components="$depth" "${top%/}"

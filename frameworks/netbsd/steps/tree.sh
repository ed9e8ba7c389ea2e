# See that a tree has what hutch calls of it: tree.sh FILE...
set -eu
cd /usr/src
for file; do
	if [ ! -e "$file" ]; then
		version=$(sed -n 's|^#define[[:blank:]]*__NetBSD_Version__.*/\* *\(.*[^ ]\) *\*/.*|\1|p' sys/sys/param.h 2>/dev/null || :)
		echo "hutch: the source is no NetBSD source tree that hutch can build: there is no $file in it" >&2
		[ -z "$version" ] || echo "hutch: it says that it is $version" >&2
		exit 1
	fi
done

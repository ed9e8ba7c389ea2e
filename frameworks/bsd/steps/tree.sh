# See that a tree has what hutch calls of it: tree.sh SYSTEM FILE...
set -eu
system=$1
shift
cd /usr/src

# version: what the tree says that it is; nothing where it does not.
version() {
	case $system in
	NetBSD)
		sed -n 's|^#define[[:blank:]]*__NetBSD_Version__.*/\* *\(.*[^ ]\) *\*/.*|\1|p' sys/sys/param.h
		;;
	FreeBSD)
		revision=$(sed -n 's/^REVISION="\(.*\)"$/\1/p' sys/conf/newvers.sh)
		branch=$(sed -n 's/^BRANCH="\(.*\)"$/\1/p' sys/conf/newvers.sh)
		[ -z "$revision" ] || echo "FreeBSD $revision${branch:+-$branch}"
		;;
	esac 2> /dev/null || :
}

for file; do
	if [ ! -e "$file" ]; then
		echo "hutch: the source is no $system source tree that hutch can build: there is no $file in it" >&2
		is=$(version)
		[ -z "$is" ] || echo "hutch: it says that it is $is" >&2
		exit 216
	fi
done

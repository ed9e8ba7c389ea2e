# Put patches on a source tree (arguments of a step, so data and no code):
#
#     patch.sh TREE FILE NAME          the patch FILE, called NAME in messages
#     patch.sh --own TREE [VERSION]    those of the folder `patches` beside this script that are for
#                                      VERSION: patches/SERIES/*.patch (frameworks/kit/patches.py)
#
# A patch that does not apply ends the step with status 214 (frameworks.exits).
set -eu
export LC_ALL=C
said=$(mktemp)

# put WHAT: the patch in $file. patch would take one that is in the tree already out again.
put() {
	status=0
	patch --strip=1 --batch --forward --no-backup-if-mismatch --directory="$tree" --input="$file" \
		> "$said" 2>&1 || status=$?
	if [ "$status" = 0 ]; then
		cat "$said"
		return
	fi
	cat "$said" >&2
	if grep -q 'previously applied' "$said"; then
		echo "hutch: $1 is in this source already" >&2
	else
		echo "hutch: $1 does not apply to this source" >&2
	fi
	return 1
}

# Whether the change of $file is in the tree: only word for word is that sure while it could still be put
# on. One that takes a line out can be reversed where it was never put on, if context may differ.
there() {
	patch --dry-run --force --reverse --strip=1 --directory="$tree" --input="$file" "$@" > /dev/null 2>&1
}
fitting() {
	patch --dry-run --force --forward --strip=1 --directory="$tree" --input="$file" > /dev/null 2>&1
}

# number VERSION: of 6.12.117 or 6.12-rc1, 6012.
number() {
	case $1 in *.*) minor=${1#*.} ;; *) minor=0 ;; esac
	minor=${minor%%[!0-9]*}
	echo "$((${1%%[!0-9]*} * 1000 + ${minor:-0}))"
}

# fits SERIES VERSION
fits() {
	[ "$1" != all ] || return 0
	[ -n "$2" ] || return 1
	low=0 high=
	case $1 in
	from-*-before-*) low=${1#from-} && low=${low%-before-*} && high=${1##*-before-} ;;
	from-*) low=${1#from-} ;;
	before-*) high=${1#before-} ;;
	esac
	[ "$(number "$2")" -ge "$(number "$low")" ] || return 1
	[ -z "$high" ] || [ "$(number "$2")" -lt "$(number "$high")" ]
}

if [ "$1" != --own ]; then
	tree=$1 file=$2
	put "$3" || exit 214
	exit 0
fi
tree=$2 version=${3:-}
for file in "${0%/*}/patches"/*/*.patch; do
	[ -e "$file" ] || continue
	series=${file%/*} && series=${series##*/}
	fits "$series" "$version" || continue
	if there --fuzz=0 || { ! fitting && there; }; then
		echo "hutch: the source has ${file##*/} already"
	elif ! put "hutch's own patch ${file##*/}"; then
		echo "hutch: make its change yourself, with a patch under kernel.patches, and it is left out" >&2
		exit 214
	fi
done

# Empty OBJECTS unless make can see by itself what of them is old: stale.sh SOURCE OBJECTS
#
# make goes by time, so it takes an object for fresh when the tree is replaced by another whose files
# are older, or when a file is gone. OBJECTS/.sources lists the files that OBJECTS are of, and the time
# of OBJECTS/.built is when the last build ended, well or not: whoever builds touches it then. What is
# not as it was has to be newer than that.
set -eu
source=$1 objects=$2

find "$source" ! -type d -printf '%s %T@ %P\n' | LC_ALL=C sort >/tmp/sources

fresh() {
	[ -e "$objects/.sources" ] || return 1
	cmp -s "$objects/.sources" /tmp/sources && return 0
	[ -e "$objects/.built" ] || return 1
	awk -v built="$(find "$objects/.built" -printf '%T@')" '
		{
			name = $0
			sub(/^[^ ]* [^ ]* /, "", name)
		}
		NR == FNR {
			was[name] = $0
			next
		}
		was[name] != $0 && $2 + 0 <= built + 0 {
			old = 1
			exit
		}
		{ delete was[name] }
		END {
			for (name in was)
				old = 1
			exit old
		}' "$objects/.sources" /tmp/sources
}

if ! fresh; then
	find "$objects" -mindepth 1 -delete
fi
rm -f "$objects/.built"
cp /tmp/sources "$objects/.sources"

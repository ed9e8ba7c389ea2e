# shellcheck shell=sh
# What fetch.sh, install.sh and packages-apt.sh share: where apt finds what the image's own sources lack,
# what was downloaded before, and how a step ends that finds nothing. $ROOT is where the system is, for
# tests.

root=${ROOT:-}
# What was downloaded before, by whatever build: a cache of the builder's.
cache=$root/hutch/archives

# A company's proxy may sign in a mirror's place: the build secret `ca` says whom to trust.
apt_get() {
	if [ -s /run/secrets/ca ]; then
		set -- -o Acquire::https::CAInfo=/run/secrets/ca "$@"
	fi
	# A name that no package has stays one: it is no pattern of others.
	apt-get -q -o APT::Sandbox::User=root -o APT::Cmd::Pattern-Only=true "$@"
}

# same FILE HASH: whether a file is the one that the index has.
same() {
	case $2 in
	MD5Sum:*) sum=$(md5sum < "$1") ;;
	SHA256:*) sum=$(sha256sum < "$1") ;;
	SHA512:*) sum=$(sha512sum < "$1") ;;
	*) return 1 ;;
	esac
	[ "${sum%% *}" = "${2#*:}" ]
}

# seed URIS DIR: put into DIR what the cache has of the files that apt wants, as --print-uris names them:
# 'URL' NAME_VERSION_ARCHITECTURE.deb SIZE HASH
seed() {
	while read -r _ file _ hash; do
		[ ! -f "$cache/$file" ] || ! same "$cache/$file" "$hash" || cp "$cache/$file" "$2/"
	done < "$1"
}

# stow FILE: leave it to later builds. Another build may be at it: a file is there whole or not at all.
stow() {
	kept=$cache/${1##*/}
	[ ! -d "$cache" ] || cmp -s "$1" "$kept" || { cp "$1" "$kept.$$" && mv "$kept.$$" "$kept"; }
}

# reach: see that a host of the image's sources has an address. apt tries for minutes, each host and
# each file of it, before it says that there is none. A proxy looks names up itself.
reach() {
	case $(env | grep -i '_proxy=.' || true)$(apt-config dump 2> /dev/null | grep -i '^acquire::.*proxy' ||
		true) in
	?*) return 0 ;;
	esac
	hosts=$(apt-get -qq --print-uris update 2> /dev/null |
		sed -n "s,^'[a-z+]*://\([^/@']*@\)*\([^/:']*\).*,\2,p" | sort -u | tr '\n' ' ')
	for host in $hosts; do
		! getent hosts "$host" > /dev/null || return 0
	done
	[ -n "$hosts" ] || return 0
	echo "hutch: the builder cannot find the address of ${hosts% }: it has no network, or no DNS" >&2
	exit 212
}

# unreachable WHY: whether apt says in the file WHY that it could not get at a mirror.
unreachable() {
	grep -qE 'Temporary failure|Could not (resolve|connect)|[Uu]nreachable|Connection (timed|refused)' "$1"
}

# fail WHY: end with the status for what apt says in the file WHY (frameworks.exits).
fail() {
	cat "$1" >&2
	status=1
	if unreachable "$1"; then
		echo "hutch: the builder could not reach the packages' mirror" >&2
		status=212
	elif grep -qE "^E: (Unable to locate|Couldn't find|Version .* was not found|Package .* has no inst)" "$1"
	then
		names=$(sed -nE "s/^E: (Unable to locate package|Couldn't find any package by (glob|regex)) //p" "$1")
		echo "hutch: the image's distribution has not all of these packages:" \
			"${names:-see above}" | tr '\n' ' ' >&2
		echo >&2
		status=213
	fi
	exit "$status"
}

# use_mirror ARCHIVE SUITE: another suite or archive, on the mirror that the image's sources name.
use_mirror() {
	_add "$(_mirror)/$1 $2"
}

# use_snapshot ARCHIVE SUITE TIME: an archive as it was at a time. All packages come from there, even
# older ones than are installed: only those of one time fit together.
use_snapshot() {
	mirror=$(_mirror)
	case $mirror in
	*://deb.*) ;;
	'')
		echo "hutch: the image's own sources name no mirror that has told what it holds" >&2
		return 1
		;;
	*)
		echo "hutch: the mirror $mirror is not known to keep old versions" >&2
		return 1
		;;
	esac
	# deb.<domain> has its snapshots at snapshot.<domain>.
	host=snapshot.${mirror#*://deb.}
	printf 'Package: *\nPin: origin "%s"\nPin-Priority: 1001\n' "${host%%/*}" \
		> "$root/etc/apt/preferences.d/hutch"
	_add "${mirror%%://*}://$host/archive/$1/$3 $2"
}

# forget_snapshot: from here on the image's own sources count.
forget_snapshot() {
	rm "$root/etc/apt/preferences.d/hutch" "$root/etc/apt/sources.list.d/hutch.list"
}

_mirror() {
	# shellcheck disable=SC2016 # apt's variable, not the shell's
	repository=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
	repository=${repository%/}
	echo "${repository%/*}"
}

# The signatures of a snapshot are as old as it is.
_add() {
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $1 main" \
		> "$root/etc/apt/sources.list.d/hutch.list"
	apt_get -o Acquire::Check-Valid-Until=false update
}

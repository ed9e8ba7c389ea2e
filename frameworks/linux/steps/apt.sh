# shellcheck shell=sh
# What fetch.sh and install.sh share: where apt finds what the image's own sources lack. $ROOT is where
# the system is, for tests.

root=${ROOT:-}

# A company's proxy may sign in a mirror's place: the build secret `ca` says whom to trust.
apt_get() {
	if [ -s /run/secrets/ca ]; then
		set -- -o Acquire::https::CAInfo=/run/secrets/ca "$@"
	fi
	# A name that no package has stays one: it is no pattern of others.
	apt-get -q -o APT::Sandbox::User=root -o APT::Cmd::Pattern-Only=true "$@"
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

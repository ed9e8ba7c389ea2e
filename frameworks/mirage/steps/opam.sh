# shellcheck shell=sh
# What steps with opam share. $OPAMROOT has the switch `hutch`; nothing here asks, or installs Debian's
# packages: an application names those (`app.packages`).
export OPAMYES=1 OPAMCOLOR=never OPAMUTF8=never OPAMASSUMEDEPEXTS=1 OPAMNODEPEXTS=1 OPAMROOTISOK=1
export OPAMNOENVNOTICE=1 OPAMERRLOGLEN=0 OPAMSWITCH=hutch
# opam by itself leaves a processor to others.
OPAMJOBS=$(nproc)
export OPAMJOBS

# take_archives: where opam looks before it fetches: what the user brings, in the layout of opam's own cache,
# and what the builder has kept. Of both it takes what it needs.
kept=/hutch/archives
brought=/repositories/opam-archives
take_archives() {
	if [ -e "$brought" ] && [ ! -e "$brought/md5" ] && [ ! -e "$brought/sha256" ] && [ ! -e "$brought/sha512" ]
	then
		echo "hutch: the source is no cache of opam's: opam-archives has no md5/, sha256/ or sha512/" >&2
		exit 216
	fi
	opam option --global "archive-mirrors=[\"file://$brought\" \"file://$kept\"]"
}

# keep_archives: what was fetched is in the builder's cache from now on, each at once and whole.
keep_archives() {
	(
		cd "$OPAMROOT/download-cache" 2> /dev/null || exit 0
		# A file with several checksums is at one of them, and at the others a link is.
		find . ! -type d | while read -r file; do
			[ ! -e "$kept/$file" ] && [ ! -e "$brought/$file" ] || continue
			mkdir -p "$kept/${file%/*}"
			cp --no-dereference "$file" "$kept/$file.$$"
			mv -f "$kept/$file.$$" "$kept/$file"
		done
	)
}

# fetching COMMAND...: run what fetches, and keep the archives that it got also where it fails: the next try
# is spared them. Where nothing can be reached, end with the status that says so (frameworks.exits).
fetching() {
	said=$(mktemp)
	{
		"$@" 2>&1 && status=0 || status=$?
		echo "$status" > "$said.status"
	} | tee "$said" >&2
	status=$(cat "$said.status")
	keep_archives
	[ "$status" -ne 0 ] || return 0
	# opam says with which status wget or curl ended; git has words for it.
	if grep -qE 'wget .* exited with code 4\)|curl .* exited with code [567]\)|Could not resolve (host|proxy)' \
		"$said"; then
		echo "hutch: the builder could not reach what opam fetches from" >&2
		exit 212
	fi
	exit "$status"
}

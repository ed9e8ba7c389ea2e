# shellcheck shell=sh
# What steps with opam share. $OPAMROOT has the switch `hutch`; nothing here asks, or installs Debian's
# packages: an application names those (`app.packages`).
export OPAMYES=1 OPAMCOLOR=never OPAMUTF8=never OPAMASSUMEDEPEXTS=1 OPAMNODEPEXTS=1 OPAMROOTISOK=1
export OPAMNOENVNOTICE=1 OPAMERRLOGLEN=0 OPAMSWITCH=hutch

# take_archives: archives that the user brings, in the layout of opam's own cache, count as downloaded.
# They stay where they are mounted, and links lead to them; what they lack is fetched beside them: from
# the builder's cache of archives, if it has them.
kept=/hutch/archives
take_archives() {
	opam option --global "archive-mirrors=[\"file://$kept\"]"
	brought=/repositories/opam-archives
	[ -e "$brought" ] || return 0
	if [ ! -e "$brought/md5" ] && [ ! -e "$brought/sha256" ] && [ ! -e "$brought/sha512" ]; then
		echo "hutch: the source is no cache of opam's: opam-archives has no md5/, sha256/ or sha512/" >&2
		exit 216
	fi
	mkdir -p "$OPAMROOT/download-cache"
	cp -R --symbolic-link --force "$brought/." "$OPAMROOT/download-cache"
}

# keep_archives: what was fetched is in the builder's cache from now on, each at once and whole.
keep_archives() {
	(
		cd "$OPAMROOT/download-cache" 2> /dev/null || exit 0
		# A file with several checksums is at one of them, and at the others a link is.
		find . \( -type f -o -type l ! -lname '/*' \) | while read -r file; do
			[ ! -e "$kept/$file" ] || continue
			mkdir -p "$kept/${file%/*}"
			cp --no-dereference "$file" "$kept/$file.$$"
			mv -f "$kept/$file.$$" "$kept/$file"
		done
	)
}

# shellcheck shell=sh
# What steps with opam share. $OPAMROOT has the switch `hutch`; nothing here asks, or installs Debian's
# packages: an application names those (`app.packages`).
export OPAMYES=1 OPAMCOLOR=never OPAMUTF8=never OPAMASSUMEDEPEXTS=1 OPAMNODEPEXTS=1 OPAMROOTISOK=1
export OPAMNOENVNOTICE=1 OPAMERRLOGLEN=0 OPAMSWITCH=hutch

# take_archives: archives that the user brings, in the layout of opam's own cache, count as downloaded.
# They stay where they are mounted, and links lead to them; what they lack is fetched beside them.
take_archives() {
	brought=/repositories/opam-archives
	[ -e "$brought" ] || return 0
	if [ ! -e "$brought/md5" ] && [ ! -e "$brought/sha256" ] && [ ! -e "$brought/sha512" ]; then
		echo "hutch: the source is no cache of opam's: opam-archives has no md5/, sha256/ or sha512/" >&2
		exit 1
	fi
	mkdir -p "$OPAMROOT/download-cache"
	cp -R --symbolic-link --force "$brought/." "$OPAMROOT/download-cache"
}

# shellcheck shell=sh
# What steps with opam share. $OPAMROOT has the switch `hutch`; nothing here asks, or installs Debian's
# packages: an application names those (`app.packages`).
export OPAMYES=1 OPAMCOLOR=never OPAMUTF8=never OPAMASSUMEDEPEXTS=1 OPAMNODEPEXTS=1 OPAMROOTISOK=1
export OPAMNOENVNOTICE=1 OPAMERRLOGLEN=0 OPAMSWITCH=hutch

# Install packages, and leave nothing of a moment behind: install.sh PACKAGE...
set -eu
. /hutch/apt.sh
export DEBIAN_FRONTEND=noninteractive
why=$(mktemp)
reach
apt_get update 2> "$why" || fail "$why"
apt_get install -y --no-install-recommends -- "$@" 2>> "$why" || fail "$why"
rm "$why"
rm -rf /var/lib/apt/lists /var/log/apt /var/log/dpkg.log /var/log/alternatives.log /var/cache/ldconfig

# Install packages, and leave nothing of a moment behind: install.sh PACKAGE...
set -eu
. /hutch/apt.sh
export DEBIAN_FRONTEND=noninteractive
apt_get update
apt_get install -y --no-install-recommends -- "$@"
rm -rf /var/lib/apt/lists /var/log/apt /var/log/dpkg.log /var/log/alternatives.log /var/cache/ldconfig

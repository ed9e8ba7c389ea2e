# Install packages, and leave nothing of a moment behind: install.sh PACKAGE...
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -y -q --no-install-recommends "$@"
rm -rf /var/lib/apt/lists /var/log/apt /var/log/dpkg.log /var/log/alternatives.log /var/cache/ldconfig

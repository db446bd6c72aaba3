# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Sourced by contrib/quickstart and contrib/check: installs what is missing on Debian,
# asking for nothing.

build_packages='gcc make autoconf automake libtool pkg-config libevent-dev libmsgpack-dev
	libsystemd-dev libseccomp-dev libjansson-dev libinih-dev libpng-dev check scdoc procps'

# missing_packages PACKAGE…: those that are not installed
missing_packages() {
	local package
	for package; do
		dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q ' installed$' ||
			echo "$package"
	done
}

# install_packages PACKAGE…
install_packages() {
	local missing sudo=
	missing=$(missing_packages "$@")
	[ -n "$missing" ] || return 0
	command -v apt-get >/dev/null || {
		echo "no apt-get here; please install what corresponds to: $missing" >&2
		return 1
	}
	[ "$(id -u)" -eq 0 ] || sudo=sudo
	echo "installing: $(echo "$missing" | tr '\n' ' ')"
	# shellcheck disable=SC2086
	$sudo apt-get update -qq &&
		$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
			--no-install-recommends $missing >/dev/null
}

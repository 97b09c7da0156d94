# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Shared by the testbed scripts: where things are cached, how they talk.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
testbed=$top/scripts/testbed
cache=${VIRTLITE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/virtlite}

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 125; }

# lock NAME: hold an exclusive lock on a part of the cache until this shell
# ends, so that two runs never fetch or build the same thing into one folder.
lock() {
	mkdir -p "$cache/locks"
	exec {lock_fd}>"$cache/locks/$1"
	if ! flock -n "$lock_fd"; then
		say "waiting for another run that holds $1"
		flock "$lock_fd"
	fi
}
unlock() { exec {lock_fd}>&-; }

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# bench/record.sh - configure a kernel and build it with the recording compiler
# (bench/record-cc.c), for audits of the dependency scanner
#
# The script that sources this file must set `root` (the project's directory)
# first.

# record_tools DIR: compile the recording compiler into DIR.
record_tools()
{
	local cc=cc

	mkdir -p "$1/bin" "$1/empty" || return
	! command -v musl-gcc >/dev/null || cc=musl-gcc
	# shellcheck disable=SC2154
	"$cc" -std=gnu17 -D_GNU_SOURCE -O2 -Wall -static \
		-o "$1/record-cc" "$root/tests/bench/record-cc.c"
}

# record_make TOOLS COMPILER MAKE_ARG...: run make with COMPILER recorded.
record_make()
{
	local tools=$1 compiler=$2 path=$PATH

	shift 2
	ln -sf ../record-cc "$tools/bin/$compiler" || return
	RECORD_PATH=$path RECORD_DIR=$tools/empty PATH=$tools/bin:$path \
		make "$@"
}

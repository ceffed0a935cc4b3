#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# recorded.sh [--config tiny|modules|x86 | --recipes FILE --dir DIR] [--parts N]
# - run the recipes of a build by /bin/sh and by kfarm's recipe shell
#
# Both run each recipe, as kbuild passes it to a shell, in equal copies of the
# build directory.  Output, exit status, files and the environment of compilers
# must be equal.  The test prints which recipes use the fallback, and why.
#
# `make check` uses the small tree that looks like a kernel.  --config builds
# Linux once by plain make.  --recipes takes an earlier recording
# (tests/farm/recipe-record.c) and its build directory.
. "$(dirname "$0")/lib.sh"
own_mounts "$@"

config=mini recipes='' directory='' parts=1
while [ $# -gt 1 ]; do
	case $1 in
	--config) config=$2 ;;
	--recipes) recipes=$2 ;;
	--dir) directory=$2 ;;
	--parts) parts=$2 ;;
	*) break ;;
	esac
	shift 2
done
[ $# = 0 ] || {
	echo "usage: recorded.sh [--config tiny|modules|x86 |" \
		"--recipes FILE --dir DIR] [--parts N]" >&2
	exit 1
}

farm_begin
mount --make-rprivate / || exit 1
recorder=$(helper recipe-record) && compiler=$(helper recipe-compiler) || exit 1

# record TARGET...: build them in $build by make and record all recipes.
record()
{
	mkdir -p "$work/record"
	ln -s "$recorder" "$work/record/sh"
	echo "SHELL := $work/record/sh" >"$work/record/shell.mk"
	export KBUILD_BUILD_TIMESTAMP=@1700000000 KBUILD_BUILD_USER=user
	export KBUILD_BUILD_HOST=host
	MAKEFILES=$work/record/shell.mk plain "$@" >"$work/record/log" 2>&1
	is "the recorded build ends with" 0 $?
	recipes=$work/record/recipes
	directory=$build
}

if [ ! "$recipes" ]; then
	targets=(Image)
	case $config in
	mini) farm_mini 12 2 ;;
	tiny) farm_linux tinyconfig ;;
	modules)
		settings=$root/tests/farm/configs/modules.config
		targets=(Image modules dtbs)
		farm_linux tinyconfig
		;;
	x86)
		settings=$root/tests/farm/configs/x86.config
		vars=(ARCH=x86_64)
		targets=(bzImage)
		farm_linux tinyconfig
		;;
	*) bad "no such configuration: $config" && farm_end ;;
	esac
	farm_fresh
	record "${targets[@]}"
fi

check "kfarm creates counters" create_counters "$work/shell"
ln -s "$bin/sh" "$work/shell/sh"

# Each part needs a mount namespace for its own overlays over the directory.
for part in $(seq "$parts"); do
	unshare -m "$root/tests/farm/recorded.py" "$recipes" "$directory" \
		"$work/shell" "$compiler" "$part/$parts" >"$work/part$part" 2>&1 &
done
wait
for part in $(seq "$parts"); do
	check "recipes, part $part of $parts: no difference" \
		grep -q ', 0 differ$' "$work/part$part"
	cat "$work/part$part"
done
[ $config != mini ] || check "there were recipes" \
	test "$(sed -n 's/^\([0-9]*\) recipes,.*/\1/p' "$work/part1")" -gt 40
farm_end

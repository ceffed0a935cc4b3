#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# A disk of the build host fills up during the build: kfarm prints one line that
# names it, and ends.  Once there is room, the same command continues and gives
# the files of plain make.  The disks are small and mounted in a private mount
# namespace.
. "$(dirname "$0")/lib.sh"
own_mounts "$@"

farm_begin
tree=$work/tree
"$root/tests/farm/mini/generate" "$tree" 60 2 || exit 1
small=$work/small
build=$small/build

# disk KIB: mount an empty disk at $small, or resize the mounted one.
disk()
{
	if mountpoint -q "$small"; then
		mount -o "remount,size=${1}k" "$small"
	else
		small_disk "$small" "$1"
	fi
}

# ended NAME WORDS: check that the last build reported WORDS in one line,
# without consequential errors.
ended()
{
	is "$1: status" 2 "$kfarm_status"
	is "$1: said once" 1 "$(grep -c 'No space left' "$work/kfarm.log")"
	check "$1: as the last line" bash -c 'tail -n 1 "$1" |
		grep -qF "kfarm: $2: No space left on device; free some space"' - \
		"$work/kfarm.log" "$2"
	is "$1: no other error" "" "$(grep -iE 'error[: ]|\*\*\*|terminated' \
		"$work/kfarm.log" | grep -v ', errors 0,')"
	gone "$1"
}

build_it()
{
	kfarm_build "$@"
	kfarm_status=$?
}

disk 700 || {
	left_out "full disks" "cannot mount a tmpfs"
	farm_end
}
for n in 0 1; do
	nodes "$n"
	rm -rf "$build"
	disk 700
	build_it Image
	ended "build directory, $n nodes" "build directory: $build"
	disk 20000
	build_it Image
	is "with room again, $n nodes: status" 0 "$kfarm_status"
done
mv "$build" "$work/kfarms"
check "plain make" plain defconfig
check "plain make, all of it" plain Image
mv "$build" "$work/makes"
check "equal to plain make's" compare_trees "$work/makes" "$work/kfarms"

# A full disk from the start, and a full disk for temporary files.
no_nodes
disk 400
mkdir -p "$build"
build_it Image
ended "build directory, from the start" "build directory: $build"
build=$work/build
head -c 380000 /dev/zero >"$small/filler"
TMPDIR=$small build_it Image
ended "temporary files" "temporary directory: $small"
rm -rf "$build"

# The log has no room, so the message cannot be in it.
disk 3000
rm "$small/filler"
"$bin/kfarm" build -C "$tree" -b "$build" -o "$small/out" "${vars[@]}" \
	warn/ Image >"$work/kfarm.log" 2>&1 &
kfarm=$!
wait_for 60 grep -q '] prepare$' "$work/kfarm.log"
head -c 4000000 /dev/zero >"$small/filler" 2>/dev/null
wait "$kfarm"
kfarm_status=$?
kfarm=
ended "output directory" "output directory: $small/out"

# The copies of the binutils have no room.
umount "$small"
disk 64
chmod 700 "$small"
XDG_RUNTIME_DIR=$small build_it Image
is "runtime directory: status" 1 "$kfarm_status"
check "runtime directory: message" grep -qE "^kfarm: runtime directory: $small/.*: \
No space left on device; free some space or set XDG_RUNTIME_DIR to another directory\$" \
	"$work/kfarm.log"

# The disk has room, but not for the name of one more file.
umount "$small"
disk 20000
mount -o remount,nr_inodes=40 "$small"
rm -rf "$build"
build=$small/build
build_it Image
ended "no free inodes" "build directory: $build"
build=$work/build

# The rest of the disk is less than kfarm requires at the start, but it is not
# full: the error of the compiler is the cause.
umount "$small"
disk 1028
echo 'int broken( {' >>"$tree/alpha/unit_12.c"
"$bin/kfarm" build -C "$tree" -b "$build" -o "$small/out" "${vars[@]}" \
	Image >"$work/kfarm.log" 2>&1
is "an error on a small disk: status" 2 "$?"
is "an error on a small disk: full" "" "$(grep 'No space' "$work/kfarm.log")"
check "an error on a small disk: summary" grep -q '^failed ' "$work/kfarm.log"
farm_end

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# Setups that cannot work: kfarm prints one clear line for each and exits with
# 1.  On a full disk, make exits with 2, and no file is incomplete.
. "$(dirname "$0")/lib.sh"

farm_begin
farm_mini 20 6 prepare
farm_reference Image
nodes 1

# refused NAME PATTERN ARG...: check that kfarm prints one line that matches and
# exits with 1.
refused()
{
	local name=$1 pattern=$2 status

	shift 2
	"$bin/kfarm" build "$@" >"$work/stdout" 2>"$work/stderr" </dev/null
	status=$?
	is "$name: exit status" 1 $status
	is "$name: lines" 1 "$(wc -l <"$work/stderr")"
	is "$name: on stdout" "" "$(cat "$work/stdout")"
	check "$name: says $pattern" grep -qE "$pattern" "$work/stderr"
	sed 's/^/      /' "$work/stderr" | head -n 5
}

no_make()
{
	local d f

	mkdir -p "$work/bin"
	for d in /usr/bin /bin; do
		for f in "$d"/*; do
			[ "${f##*/}" = make ] || ln -sf "$f" "$work/bin/"
		done
	done
	PATH=$work/bin refused "no make" 'make: not found' -C "$tree" \
		-b "$work/b1" -a arm64 Image
}

full_output()
{
	if ! small_disk "$work/small" 16; then
		left_out "full disk under -o" "no file system can be mounted"
		return
	fi
	head -c 16384 /dev/zero >"$work/small/filler" 2>/dev/null
	farm_fresh
	refused "full disk under -o" 'No space left' -C "$tree" -b "$build" \
		-o "$work/small/out" "${vars[@]}" Image
	small_disk_gone "$work/small"
}

# The disk fills up during the build, at an arbitrary object.
full_build()
{
	local kib status f torn name

	for kib in 450 850 1150; do
		name="full disk under the build directory ($kib KiB)"
		rm -rf "$build"
		if ! small_disk "$build" $kib; then
			left_out "$name" "no file system can be mounted"
			return
		fi
		cp -a "$work/prepared/." "$build"
		kfarm_build -j 6 Image
		status=$?
		is "$name: exit status" 2 $status
		check "$name: says so" grep -q 'No space left' \
			"$work/kfarm.log" "$work/out/build.log"
		no_temporaries "$name"
		torn=$(find "$build" -name '*.o' | while read -r f; do
			cmp -s "$f" "$ref/${f#"$build"/}" || echo "$f"
		done)
		is "$name: no object is torn" "" "$torn"
		small_disk_gone "$build"
	done
	farm_fresh
	kfarm_build -j 6 Image
	is "with room again: kfarm ends with" 0 $?
	equal "with room again"
}

refused "an architecture that is none" 'nosuch' -C "$tree" --arch nosuch Image
refused "a directory that is not there" '/nonexistent' -C /nonexistent Image
refused "a compiler that is not there" 'nosuch-' -C "$tree" -a arm64 \
	-t nosuch- Image
refused "a fragment that is not there" 'no/such/fragment' -C "$tree" \
	-a arm64 -k tinyconfig -K no/such/fragment Image
refused "a configuration that is not there" 'nosuch_defconfig' -C "$tree" \
	-a arm64 -k nosuch_defconfig Image
refused "no kernel tree" 'not a Linux kernel' -C "$work/home" Image
refused "an option that is none" 'frobnicate' --frobnicate
refused "a percentage that is none" 'require-remote' -C "$tree" \
	--require-remote 101 Image
no_make
full_output
full_build
farm_end

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # what lib.sh and archives.sh set
# check: yes
# lane: first
#
# toolchain/build.sh - builds with an installed toolchain.  A plain make with
# the normalized names, whose directory is in PATH, and kfarm make the same
# files, saved commands included.  Neither rebuilds files of the other, with
# nodes and without.
. "$(dirname "$0")/../farm/lib.sh"
. "$root/tests/toolchain/archives.sh"

id=gcc-$archives_version-aarch64-linux
prefix=aarch64-gcc${archives_version//./}-linux-
compat=arm-gcc${archives_version//./}-linux-gnueabi-

# The archive alone, so that kfarm does not fetch the key of its signature.
install()
{
	local name archive

	name=$(archives_name "$archives_host" "$1").tar.xz
	archive=$archives/made/$archives_host/$name
	cp "$archive" "$work/$name" || return
	"$bin/kfarm" toolchain install --file "$work/$name" \
		--sha256 "$(sha256sum <"$archive" | cut -d ' ' -f 1)"
}

# by_make ARG...: run make in $build with $vars and the names in PATH.
by_make()
{
	PATH=$data/bin:$PATH make -C "$tree" O="$build" "${vars[@]}" \
		-j "$cores" "$@" >"$work/plain.log" 2>&1
}

# by_kfarm ARG...: build the same by kfarm, without the names in PATH.
by_kfarm()
{
	rm -rf "$work/out"
	"$bin/kfarm" build -C "$tree" -b "$build" -o "$work/out" "$@" \
		>"$work/kfarm.log" 2>&1 </dev/null
}

# prepare TARGET: create a build directory configured by make.
prepare()
{
	rm -rf "$build" "$work/prepared"
	by_make "$1" prepare || {
		tail -n 20 "$work/plain.log" >&2
		exit 1
	}
	mv "$build" "$work/prepared"
}

reference()
{
	farm_fresh
	by_make "$@"
	is "make $*" 0 $?
	rm -rf "$ref"
	mv "$build" "$ref"
}

# Print make's lines about compiles, links and generated files.
made()
{
	grep -v ' GEN     Makefile$' "$1" | grep -cE \
		'^ +(CC|AS|LD|AR|GEN|UPD|HOSTCC|HOSTLD|OBJCOPY|VDSO)'
}

# same NAME TARGET...: check that the last build equals make's and that make
# rebuilds nothing.
same()
{
	local name=$1

	shift
	equal "$name"
	by_make "$@"
	is "$name: make afterwards" 0 $?
	is "$name: which makes nothing again" 0 "$(made "$work/plain.log")"
	equal "$name, after make"
}

names()
{
	local tool name missing=

	for tool in "$data/toolchains/$id"/*/*/bin/aarch64-linux-*; do
		name=$data/bin/$prefix${tool##*/aarch64-linux-}
		[ "$(readlink "$name")" = "$tool" ] || missing+=" $name"
	done
	is "each tool has its name" "" "$missing"
	is "gcc says its name" "${prefix}gcc (GCC) $archives_version" \
		"$(PATH=$data/bin:$PATH "${prefix}gcc" --version | head -n 1)"
}

# Names that all select the same compiler.
words()
{
	local word

	for word in "-t gcc" -tgcc-12 "-tgcc-$archives_version" "-t$id" \
		"-t$prefix" "-t${prefix%-}" "CROSS_COMPILE=$prefix"; do
		# shellcheck disable=SC2086 # "-t gcc" is two
		by_kfarm -n -a arm64 $word
		is "$word means the installed one" "CROSS_COMPILE=$prefix" \
			"$(grep -o 'CROSS_COMPILE=[^ ]*' "$work/kfarm.log" |
			sort -u)"
	done
	by_kfarm -n -a arm64
	is "without a word PATH decides" CROSS_COMPILE=aarch64-linux-gnu- \
		"$(grep -o 'CROSS_COMPILE=[^ ]*' "$work/kfarm.log" | sort -u)"
	"$bin/kfarm" toolchain default arm64 "$id" >"$work/default.log" 2>&1
	is "kfarm toolchain default" 0 $?
	by_kfarm -n -a arm64
	is "then that is arm64's" "CROSS_COMPILE=$prefix" \
		"$(grep -o 'CROSS_COMPILE=[^ ]*' "$work/kfarm.log" | sort -u)"
	: >"$KFARM_CONFIG"
}

mini()
{
	"$root/tests/farm/mini/generate" "$work/mini" 6 1 || exit 1
	tree=$work/mini
	prepare tinyconfig
	reference Image
	words

	farm_fresh
	by_kfarm -a arm64 -t gcc-12 --no-remote Image
	is "kfarm without nodes" 0 $?
	same "without nodes" Image

	nodes 2
	farm_warm Image
	is "kfarm with nodes: local jobs" 0 "$(meta .farm.local)"
	same "with nodes" Image

	farm_fresh
	"$bin/kfarm" run -q -a arm64 -t gcc-12 -- make -C "$tree" O="$build" \
		Image >"$work/kfarm.log" 2>&1
	is "kfarm run" 0 $?
	same "kfarm run" Image
}

# A toolchain in use cannot be removed; before and after that, it can.
in_use()
{
	"$bin/kfarm" run -q -t "$id" -- "$bin/kfarm" toolchain \
		remove "$id" >"$work/remove.log" 2>&1
	is "removing it while it is in use fails" 1 $?
	check "and says so" grep -q "$id" "$work/remove.log"
	"$bin/kfarm" run -q -- "$bin/kfarm" run -q -t "$id" -- "$bin/kfarm" \
		toolchain remove "$id" >"$work/remove.log" 2>&1
	is "so it does within another kfarm run" 1 $?
	check "it is still there" test -x "$data/bin/${prefix}gcc"
}

# The removal deletes the toolchain with its names, but no others.
removed()
{
	check "remove it" "$bin/kfarm" toolchain remove "$id"
	is "its names are gone" "" \
		"$(find "$data/bin" -name "$prefix*" | head -n 3)"
	check "another's are not" test -x "$data/bin/${compat}gcc"
}

too_old()
{
	sed -i 's/echo [0-9][0-9.]*/echo 13.1.0/' \
		"$tree/scripts/min-tool-version.sh"
	farm_fresh
	by_kfarm -a arm64 -t gcc-12 Image
	is "one that is too old is refused" 125 $?
	check "with the command that gets another" grep -qF \
		'`kfarm toolchain install gcc-13 --arch arm64`' "$work/kfarm.log"
	is "before anything is made" "" "$(diff -rq "$build" "$work/prepared")"
}

# The rules of a real kernel, with the fewest objects that use them all.
linux()
{
	tree=$(kernel_tree) || exit 1
	: >"$KFARM_CONFIG"
	prepare allnoconfig
	reference init/ lib/math/
	nodes 2
	farm_warm init/ lib/math/
	same "Linux" init/ lib/math/

	by_kfarm -n -a arm64 -t gcc-12 -k tinyconfig -K CONFIG_COMPAT_VDSO=y
	check "the compat vDSO gets the same release" grep -qF \
		"CROSS_COMPILE_COMPAT=$compat" "$work/kfarm.log"
}

# LLVM= with the names of an adopted toolchain.
clang()
{
	local home

	# This function has the same name.
	home=$(dirname "$(dirname "$(realpath "$(type -P clang)")")")
	[ -x "$home/bin/ld.lld" ] || {
		left_out "clang: no $home/bin/ld.lld"
		return
	}
	check "adopt clang" "$bin/kfarm" toolchain adopt "$home"
	vars=(ARCH=arm64 "LLVM=-$("$home/bin/clang" -dumpversion)")
	: >"$KFARM_CONFIG"
	by_kfarm -n -a arm64 -t clang
	check "-t clang means ${vars[1]}" grep -q -- "${vars[1]}" \
		"$work/kfarm.log"
	prepare allnoconfig
	reference lib/math/
	nodes 2
	farm_warm lib/math/
	same "clang" lib/math/
}

farm_begin
vars=(ARCH=arm64 CROSS_COMPILE="$prefix")
export XDG_DATA_HOME=$work/data XDG_STATE_HOME=$work/state
data=$XDG_DATA_HOME/kfarm
archives_make || exit 1
for triplet in aarch64-linux arm-linux-gnueabi; do
	check "install $triplet" install $triplet
done
names
mini
in_use
too_old
linux
clang
removed
farm_end

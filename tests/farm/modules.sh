#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# Modules outside of the tree, and changes of W, C, V and of targets, with Linux
# 6.1: kfarm configures and prepares a build directory once, and shows the
# explanation if kbuild refuses to build.
. "$(dirname "$0")/lib.sh"

farm_begin
no_nodes
tree=$(kernel_tree) || exit 1
hello=$work/hello
mkdir -p "$hello" "$work/empty"
echo 'obj-m := hello.o' >"$hello/Makefile"
cat >"$hello/hello.c" <<'END'
#include <linux/module.h>
MODULE_LICENSE("GPL");
END

# kfarm_in DIR ARG...: build in DIR, into $work/out, with the events in
# $work/events and the phases in $work/phases.
kfarm_in()
{
	rm -rf "$work/out" "$work/events"
	(cd "$1" && exec env KFARM_BUILD_MARK="$work" "$bin/kfarm" build \
		-o "$work/out" --json "$work/events" "${@:2}") \
		>"$work/kfarm.log" 2>&1 </dev/null
	status=$?
	jq -r 'select(.event == "phase").phase' "$work/events" 2>/dev/null |
		tr '\n' ' ' >"$work/phases"
	return $status
}

# The options of the example in the manual page.
read -ra example < <(sed -n 's/^\$ kfarm build \(.*\) M=\.\.\/hello$/\1/p' \
	"$root/man/kfarm-build.1")
same=(-C "$tree" "${example[@]}")
phases_of_config="config prepare"

says()
{
	check "$1: prints \"$2\"" grep -qF -- "$2" "$work/kfarm.log"
}

no_config()
{
	check "$1" kfarm_in "${@:2}"
	is "$1: no configuration" "" "$(grep -o config "$work/phases")"
}

# ---- a kernel tree ----

check "the manual page has an example" [ "${#example[@]}" -gt 0 ]
check "in a fresh directory" kfarm_in "$work" "${same[@]}" M=hello
check "in a fresh directory: it is configured and prepared" \
	grep -q "^$phases_of_config" "$work/phases"
says "in a fresh directory" "Module.symvers is missing"
check "in a fresh directory: make prepares" grep -q checksyscalls \
	"$work/out/build.log"
check "the output directory has the module" \
	cmp "$hello/hello.ko" "$work/out/hello.ko"
dirs=("$XDG_CACHE_HOME"/kfarm/build/*)
is "one build directory" 1 "${#dirs[@]}"
build=${dirs[0]}
prepared=$(stat -c %Y "$build/scripts/mod/modpost")

rm "$hello/hello.ko"
no_config "a relative directory" "$hello" "${same[@]}" M=. modules
check "a relative directory: the module" test -s "$work/out/hello.ko"
is "a relative directory: make does not prepare again" "" \
	"$(grep checksyscalls "$work/out/build.log")"
no_config "with warnings" "$hello" "${same[@]}" M=. W=1 V=1
no_config "a single file" "$hello" "${same[@]}" M=. hello.ko
check "a single file: the module" test -s "$work/out/hello.ko"
no_config "clean" "$hello" "${same[@]}" M=. clean
check "clean: the object is removed" [ ! -e "$hello/hello.o" ]
says "clean" "cleaned "
no_config "from the environment" "$work" "${same[@]}" -e KBUILD_EXTMOD=hello
check "from the environment: the module" test -s "$work/out/hello.ko"
check "reproducer.sh builds without kfarm" env -u KFARM_BUILD_MARK sh -c \
	"rm '$hello/hello.ko' && sh '$work/out/reproducer.sh'"
check "reproducer.sh: the module" test -s "$hello/hello.ko"

# ---- targets and variables of the kernel itself ----

no_config "an object" "$work" "${same[@]}" lib/ctype.o
no_config "another target" "$work" "${same[@]}" lib/sort.o
# With W=1, kbuild compiles scripts/mod/empty.o again, and then modpost.
is "still the same programs" "$prepared" \
	"$(stat -c %Y "$build/scripts/mod/modpost")"
no_config "W=1" "$work" "${same[@]}" W=1 lib/ctype.o
no_config "C=1, V=1" "$work" "${same[@]}" C=1 CHECK=true V=1 lib/ctype.o
dirs=("$XDG_CACHE_HOME"/kfarm/build/*)
is "still one build directory" 1 "${#dirs[@]}"

# ---- another directory than the tree ----

vars_of=(ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-)
no_config "KDIR, a build directory" "$hello" KDIR="$build" M=. "${vars_of[@]}"
check "KDIR: the module" test -s "$work/out/hello.ko"
no_config "-C, a build directory" "$hello" -C "$build" M=. "${vars_of[@]}"
check "KDIR in the environment" env KDIR="$build" "$bin/kfarm" build -n \
	M="$hello" "${vars_of[@]}"

# An installed package of headers: a tree without sources, whose scripts are
# built, and a build directory without a compiler for them.
headers=$work/headers
mkdir -p "$headers/common/arch" "$headers/arm64"
cp -a "$tree/Makefile" "$tree/include" "$headers/common"
cp -a "$tree/arch/arm64" "$headers/common/arch"
cp -a "$tree/scripts" "$headers/common"
cp -a "$build"/{.config,include,arch,scripts} "$headers/arm64"
echo "include $headers/common/Makefile" >"$headers/arm64/Makefile"
rm -f "$headers/common/arch/arm64/kernel/"*.c
no_config "headers" "$hello" KDIR="$headers/arm64" M=. "${vars_of[@]}"
check "headers: the module" test -s "$work/out/hello.ko"

# ---- errors ----

# refused NAME TEXT ARG...: kfarm fails before it starts make.
refused()
{
	kfarm_in "$hello" "${@:3}"
	is "$1: status" 1 "$status"
	says "$1" "$2"
	check "$1: no output directory is created" [ ! -e "$work/out" ]
}

refused "no makefile" "no Makefile and no Kbuild" "${same[@]}" M="$work/empty"
refused "no directory" "no such directory" "${same[@]}" M=gone
refused "no kernel" "specify the kernel's directory with -C or KDIR=DIR" \
	KDIR="$work/gone" M=.
refused "an unknown object" 'no target "nosuch.ko"' "${same[@]}" M=. nosuch.ko
refused "an unknown target" 'did you mean "Image"?' -C "$tree" -a arm64 \
	-b "$work/new" Imgae
refused "an unknown symbol" "CONFIG_NO_SUCH=y: no such symbol for arm64" \
	-C "$tree" -a arm64 -b "$work/new" -K CONFIG_NO_SUCH=y
check "a fresh directory is not created" [ ! -e "$work/new" ]

rm "$headers/arm64/include/generated/autoconf.h"
kfarm_in "$hello" KDIR="$headers/arm64" M=. "${vars_of[@]}"
is "not prepared: status" 2 "$status"
says "not prepared" "ERROR: Kernel configuration is invalid."
says "not prepared" "autoconf.h or include/config/auto.conf are missing."
farm_end

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# reach.sh [--share PERCENT] [PROJECT...] - measure the share of compiles that
# nodes run in projects other than a common kernel
#
# Each project is built by make and by kfarm, with two nodes, at the same path,
# and is one line of a table.  The test fails if a file differs or if nodes ran
# less than 97 (or PERCENT) per cent of the compiles.
#
# The sources are those of Debian 12, from `scripts/packages install test
# reach`.  Both builds remain in build/reach/PROJECT.  The next run reuses plain
# make's build until that directory is removed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/project.sh"

projects='haproxy busybox git openssl u-boot-qemu u-boot-rock u-boot-sandbox
linux-x86-thin linux-arm64-lto linux-x86-gcov-clang linux-x86-gcov-gcc
linux-arm-debug linux-arm64-defconfig'

u_boot()
{
	debian_source u-boot || return
	run_of "$@"
	# A board's image without the vendor's proprietary parts.
	vars=(BINMAN_ALLOW_MISSING=1)
}

u_boot_arm64()
{
	u_boot "$@" || return
	arch=arm64
	vars+=(ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-)
}

gcov_settings()
{
	printf '%s\n' CONFIG_64BIT=y CONFIG_DEBUG_FS=y CONFIG_GCOV_KERNEL=y \
		CONFIG_GCOV_PROFILE_ALL=y
}

describe()
{
	case $1 in
	haproxy)
		debian_source haproxy && run_of V=1 TARGET=linux-glibc \
			USE_OPENSSL=1
		;;
	busybox)
		debian_source busybox && run_of
		setup=(make defconfig)
		;;
	git)
		debian_source git && run_of V=1 NO_TCLTK=1 \
			prefix=/usr all
		# This file contains the output of date.
		varying=templates/boilerplates.made
		;;
	openssl)
		debian_source openssl && run_of
		setup=(./Configure linux-x86_64 no-shared no-tests)
		;;
	u-boot-qemu) u_boot_arm64 qemu_arm64_defconfig all ;;
	u-boot-rock) u_boot_arm64 rock-pi-4-rk3399_defconfig all ;;
	u-boot-sandbox)
		# gcc -flto puts random numbers into section names.
		u_boot NO_SDL=1 KCFLAGS=-frandom-seed=kfarm \
			sandbox_defconfig all
		# The map names temporary files of the link.
		varying=u-boot.map
		;;
	linux-x86-thin)
		linux 6.12 x86_64 bzImage < <(printf '%s\n' CONFIG_64BIT=y \
			CONFIG_LTO_CLANG_THIN=y)
		vars+=(LLVM=1)
		;;
	linux-arm64-lto)
		linux 6.12 arm64 Image <<<CONFIG_LTO_CLANG_FULL=y
		vars+=(LLVM=1)
		;;
	linux-x86-gcov-clang)
		linux 6.1 x86_64 bzImage < <(gcov_settings)
		vars+=(LLVM=1)
		;;
	linux-x86-gcov-gcc)
		linux 6.1 x86_64 bzImage < <(gcov_settings)
		vars+=(KCFLAGS=-frandom-seed=kfarm)
		;;
	linux-arm-debug)
		linux 6.1 arm zImage < <(printf '%s\n' CONFIG_DEBUG_KERNEL=y \
			CONFIG_DEBUG_LL=y)
		vars+=(CROSS_COMPILE=arm-linux-gnueabihf-)
		;;
	linux-arm64-defconfig)
		linux 6.1 arm64 Image modules dtbs </dev/null
		setup=(defconfig)
		vars+=(CROSS_COMPILE=aarch64-linux-gnu-)
		;;
	*)
		echo "reach.sh: no project \"$1\"; there are:" \
			$projects >&2
		exit 1
		;;
	esac
}

share=97
[ "${1:-}" != --share ] || {
	share=$2
	shift 2
}
[ $# -gt 0 ] || set -- $projects
farm_begin
project_begin
for project; do
	dir=$root/build/reach/$project
	mkdir -p "$dir"
	build=$dir/build prepared=$dir/prepared ref=$dir/ref
	rm -f "$work"/{events,plain.log,kfarm.log,compare}
	describe "$project" || continue
	project_measure "$project" "$share"
	cp "$work"/{events,{plain,kfarm}.log,compare} "$dir" 2>/dev/null
done
project_table
farm_end

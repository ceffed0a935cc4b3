# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034
#
# farm/configurations.sh - the configurations of tests/farm/equality.sh and
# tests/bench/bench, by name.  The script that sources this file must set `root`
# (the project's directory) first.
#
#	modules		arm64 tinyconfig with modules and device trees
#	parts		like `modules`, but only some directories, two .ko files and
#			the device trees
#	quickstart	README's configuration for a board
#	tiny		arm64 tinyconfig
#	debug		all kinds of debug information, tracing, versions
#	modversions	symbol versions (genksyms), DWARF 5, modules
#	x86		x86_64 with objtool
#	objtool		x86_64 with objtool, ORC, ftrace, symbol versions
#	ibt		objtool with IBT, which also checks vmlinux.o
#	clang		`tiny`, built with clang
#	defconfig	a subset of arm64 defconfig

configurations='modules parts quickstart tiny debug modversions x86 objtool ibt clang
defconfig'

# configuration NAME: set the variables below for a configuration.  Return false
# if the name is unknown.
#
#	$arch		the kernel's architecture
#	$base		the target that configures
#	$fragment	a file with additional settings, or empty
#	$targets	an array of the targets to build
#	$toolchain	an array of kfarm options that select the compiler
configuration()
{
	arch=arm64
	base=tinyconfig
	# shellcheck disable=SC2154
	fragment=$root/tests/farm/configs/$1.config
	targets=(Image)
	toolchain=()
	case $1 in
	modules) targets+=(modules dtbs) ;;
	parts)
		fragment=$root/tests/farm/configs/modules.config
		# Without vmlinux, Linux 6.12 does not know the symbols of modules.
		targets=(KBUILD_MODPOST_WARN=1 init/ lib/{math,crypto,xz}/
			kernel/{time,locking}/ kernel/fork.o arch/arm64/lib/
			lib/crc16.ko lib/xz/xz_dec.ko dtbs)
		;;
	quickstart)
		fragment=$root/templates/configs/nanopi-neo4.config
		targets+=(modules dtbs)
		;;
	debug | modversions) targets+=(modules) ;;
	x86)
		arch=x86_64
		targets=(bzImage)
		;;
	objtool | ibt)
		arch=x86_64
		targets=(bzImage modules)
		;;
	tiny) fragment= ;;
	clang)
		fragment=
		toolchain=(-t clang)
		;;
	defconfig)
		base=defconfig
		fragment=
		targets=(kernel/ mm/ lib/ fs/ net/ block/ crypto/ security/
			arch/arm64/ init/ ipc/)
		;;
	*) return 1 ;;
	esac
}

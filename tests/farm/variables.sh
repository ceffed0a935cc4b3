#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# ARCH reaches make in the same way in which the user set it.  For an x86_64
# kernel with UNWINDER_ORC, scripts/Makefile of Linux 6.1 assigns ARCH.  A
# variable on the command line overrides the assignment, one in the environment
# does not, and the saved command of scripts/module.lds shows the difference.
#
# Variables with a dot in the name and with other operators than "=" have the
# same effect as under make, which the saved command of lib/sort.o shows.
. "$(dirname "$0")/lib.sh"

farm_begin
linux=$(kernel_tree) || exit 1
tree=$work/linux
made=scripts/module.lds
saved=scripts/.module.lds.cmd

# Remove objtool from the tree, because it requires the headers of libelf.
mkdir -p "$tree/tools"
ln -s "$linux"/* "$tree/" 2>/dev/null
ln -s "$linux"/tools/* "$tree/tools/"
rm "$tree/tools/Makefile"
printf 'objtool:\n' >"$tree/tools/Makefile"

# All builds below use one directory, so that the tools are built once.
prepare()
{
	export ARCH=x86_64
	make -C "$tree" O="$build" tinyconfig &&
		printf 'CONFIG_%s=y\n' 64BIT MODULES UNWINDER_ORC \
			>>"$build/.config" &&
		make -C "$tree" O="$build" olddefconfig &&
		make -j "$cores" -C "$tree" O="$build" modules_prepare
}

# save NAME COMMAND...: run the command, which makes $made, and move the saved
# command to $work/NAME.
save()
{
	local name=$1

	shift
	rm -f "$build/$made" "$build/$saved"
	check "$name: it builds" "$@"
	mv "$build/$saved" "$work/$name" ||
		bad "$name: no saved command"
}

kfarm_build()
{
	"$bin/kfarm" build --no-remote -q -C "$tree" -b "$build" "$@" \
		modules_prepare
}

check "the tree is prepared" prepare
grep -q '^CONFIG_UNWINDER_ORC=y' "$build/.config" || bad "no UNWINDER_ORC"
save make-environment env ARCH=x86_64 make -C "$tree" O="$build" modules_prepare
save make-typed make -C "$tree" O="$build" ARCH=x86_64 modules_prepare
check "the two differ" test "$(cat "$work/make-environment")" != \
	"$(cat "$work/make-typed")"

ARCH=x86_64 save environment kfarm_build
save typed kfarm_build ARCH=x86_64
save option kfarm_build -a x86_64
for way in environment typed; do
	check "ARCH, $way: as make's" cmp "$work/make-$way" "$work/$way"
done
check "ARCH by -a: as of the environment" \
	cmp "$work/make-environment" "$work/option"

# The plain commands of a dry run set ARCH in the same way.
ARCH=x86_64 kfarm_build -n >"$work/environment.sh"
kfarm_build -n ARCH=x86_64 >"$work/typed.sh"
for way in environment typed; do
	save "script-$way" sh "$work/$way.sh"
	check "a dry run's script, ARCH $way: as make's" \
		cmp "$work/make-$way" "$work/script-$way"
done

made=lib/sort.o
saved=lib/.sort.o.cmd
words=(CFLAGS_sort.o=-DA KCFLAGS=-DB KCFLAGS+=-DC "KCPPFLAGS:=-DD -DE"
	OBJECT_FILES_NON_STANDARD_sort.o=y) # the last one avoids objtool
export ARCH=x86_64
save make-words make -C "$tree" O="$build" "${words[@]}" $made
for letter in A B C D E; do
	check "make uses -D$letter" grep -q -- " -D$letter " "$work/make-words"
done
save words "$bin/kfarm" build --no-remote -q -C "$tree" -b "$build" \
	"${words[@]}" $made
check "a dot in the name and other operators: as make's" \
	cmp "$work/make-words" "$work/words"
farm_end

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# Build systems that record their compiler.  A project configured in `kfarm run`
# builds without it, even when kfarm is removed, and vice versa.  Also tested:
# kfarm-cc as a launcher, and the report of compiles that bypass kfarm.
. "$(dirname "$0")/lib.sh"

farm_begin
nodes 2 slots=4
unset CC CFLAGS CMAKE_C_COMPILER_LAUNCHER CMAKE_GENERATOR
system=$PATH
src=$work/src

# A program of three units (CMake: two).  One unit takes long to compile.
sources()
{
	local i

	mkdir -p "$src"
	{
		echo '#include "half.h"'
		for i in {1..120}; do
			echo "int f$i(int *a, int n) { for (int i = 0; i < n;" \
				"i++) a[i] = half(a[i]) * $i + n; return *a; }"
		done
	} >"$src/slow.c"
	echo 'static inline int half(int n) { return n / 2; }' >"$src/half.h"
	printf '%s\n' '#include "half.h"' 'int f1(int *a, int n);' \
		'int main(void) { int a = 1; return half(f1(&a, 1)); }' \
		>"$src/main.c"
	printf '.text\nnop\n.section .note.GNU-stack,""\n' >"$src/nop.S"
	cat >"$src/CMakeLists.txt" <<-'END'
	cmake_minimum_required(VERSION 3.13)
	project(demo C)
	set(CMAKE_C_FLAGS -O2)
	add_executable(demo main.c slow.c)
	END
	cat >"$src/meson.build" <<-'END'
	project('demo', 'c', default_options: ['optimization=2', 'debug=false'])
	executable('demo', 'main.c', 'slow.c', 'nop.S')
	END
	cat >"$src/configure.ac" <<-'END'
	AC_INIT([demo], [1])
	AC_CONFIG_SRCDIR([main.c])
	AC_PROG_CC
	AC_PATH_PROG([WHERE], [$CC])
	AC_PROG_RANLIB
	AC_CHECK_HEADERS([stdlib.h])
	AC_CONFIG_FILES([Makefile])
	AC_OUTPUT
	END
	cat >"$src/Makefile.in" <<-'END'
	VPATH = @srcdir@
	# @WHERE@
	demo: main.o slow.o nop.o ; @CC@ -o $@ $^
	%.o: %.c ; @CC@ -O2 -c -o $@ $<
	%.o: %.S ; @CC@ -c -o $@ $<
	END
	(cd "$src" && autoconf -o configure configure.ac)
}

# run COMMAND...: run it under a kfarm in a separate directory; log to $log.
run()
{
	log=$work/run.log
	PATH=$work/package:$system "$work/package/kfarm" run -- "$@" \
		>"$work/out.log" 2>"$log" </dev/null
}

# Run without kfarm, whose directory is removed.
plain_run()
{
	local status

	mv "$work/package" "$work/package.gone" || return
	PATH=$system "$@"
	status=$?
	mv "$work/package.gone" "$work/package"
	return $status
}

# Run with kfarm-cc in PATH, but outside `kfarm run`.
beside_run()
{
	PATH=$work/package:$system "$@"
}

# Check that nodes ran a compile of the last run.
some_remote()
{
	grep -q '^kfarm: jobs [0-9]*: [1-9]' "$log"
}

# says NAME WORDS: check for one line with WORDS in the last run's summary.
says()
{
	check "$1" grep -qF -- "$2" "$log"
}

says_not()
{
	check "$1" test -z "$(grep -F -- "$2" "$log")"
}

# by_nodes NAME DIR COMMAND...: repeat if no node was ready to compile.
by_nodes()
{
	local name=$1 dir=$2 status i

	shift 2
	for i in {1..10}; do
		find "$dir" -name '*.o' -delete
		run "$@"
		status=$?
		if [ $status != 0 ] || some_remote; then
			break
		fi
	done
	is "$name" 0 $status
	check "$name: nodes compiled" some_remote
}

# nothing_recorded NAME DIR: check that no file names a temporary path of a run.
nothing_recorded()
{
	is "$1: no path of a run is recorded" "" \
		"$(grep -rlF "$XDG_RUNTIME_DIR" "$2")"
}

# compiled NAME DIR: compare the objects with those of the plain build.
compiled()
{
	local unit object

	for unit in main slow nop; do
		object=$(find "$2" -name "*$unit.?.o" -o -name "$unit.o")
		[ "$object" ] || [ $unit != nop ] || continue
		[ -s "$want/$unit" ] || cp "$object" "$want/$unit"
		check "$1: $unit is equal" cmp "$want/$unit" "$object"
	done
	find "$2" -name '*.o' -delete
}

with_cmake()
{
	local dir=$work/cmake-$1 generator=$2

	want=$work/want-cmake
	mkdir -p "$want"
	cmake -G "$generator" -S "$src" -B "$dir-plain" >/dev/null &&
		cmake --build "$dir-plain" >/dev/null
	compiled "$1, all without kfarm" "$dir-plain"

	check "$1, configured in a run" run cmake -G "$generator" -S "$src" \
		-B "$dir"
	nothing_recorded "$1, configured" "$dir"
	check "$1, built without" plain_run cmake --build "$dir"
	compiled "$1, built without" "$dir"
	by_nodes "$1, built in a run" "$dir" cmake --build "$dir"
	compiled "$1, built in a run" "$dir"
	nothing_recorded "$1, built" "$dir"

	check "$1, configured without" run cmake --build "$dir-plain"
	says "$1, configured without: that is told" \
		"kfarm: compiles by /usr/bin/cc bypassed kfarm;"
	compiled "$1, configured without" "$dir-plain"
	check "$1, with the launcher" beside_run cmake \
		-DCMAKE_C_COMPILER_LAUNCHER=kfarm-cc "$dir-plain"
	check "$1, launched without a run" beside_run \
		cmake --build "$dir-plain"
	compiled "$1, launched without a run" "$dir-plain"
	by_nodes "$1, launched in a run" "$dir-plain" cmake --build "$dir-plain"
	says_not "$1, launched in a run: nothing is unseen" "bypassed kfarm"
	compiled "$1, launched in a run" "$dir-plain"
}

with_meson()
{
	local dir=$work/meson

	want=$work/want-meson
	mkdir -p "$want"
	meson setup "$dir-plain" "$src" >/dev/null &&
		ninja -C "$dir-plain" >/dev/null
	compiled "meson, all without kfarm" "$dir-plain"
	by_nodes "meson, configured without" "$dir-plain" ninja -C "$dir-plain"
	compiled "meson, configured without" "$dir-plain"

	check "meson, configured in a run" run meson setup "$dir" "$src"
	nothing_recorded "meson, configured" "$dir"
	check "meson, built without" plain_run ninja -C "$dir"
	compiled "meson, built without" "$dir"
	by_nodes "meson, built in a run" "$dir" ninja -C "$dir"
	compiled "meson, built in a run" "$dir"

	printf "[binaries]\nc = ['kfarm-cc', '/usr/bin/gcc']\n" \
		>"$work/native.ini"
	check "meson, with the launcher" beside_run meson setup \
		--native-file "$work/native.ini" "$dir-launch" "$src"
	check "meson, launched without a run" beside_run ninja -C "$dir-launch"
	compiled "meson, launched without a run" "$dir-launch"
	by_nodes "meson, launched in a run" "$dir-launch" ninja -C "$dir-launch"
	compiled "meson, launched in a run" "$dir-launch"
	nothing_recorded "meson, launched" "$dir-launch"
}

with_autoconf()
{
	local dir=$work/autoconf

	want=$work/want-autoconf
	mkdir -p "$want" "$dir" "$dir-plain" "$dir-launch"
	cd "$dir-plain" && "$src/configure" -C >/dev/null && make >/dev/null
	compiled "autoconf, all without kfarm" .
	by_nodes "autoconf, configured without" . make
	compiled "autoconf, configured without" .

	cd "$dir" || exit
	check "autoconf, configured in a run" run "$src/configure" -C
	nothing_recorded "autoconf, configured" .
	check "autoconf, the path that it found works" plain_run \
		"$(sed -n 's/^# //p' Makefile)" --version
	check "autoconf, built without" plain_run make
	compiled "autoconf, built without" .
	by_nodes "autoconf, built in a run" . make
	compiled "autoconf, built in a run" .
	check "autoconf, its cache without" plain_run "$src/configure" -C

	cd "$dir-launch" || exit
	check "autoconf, with the launcher" beside_run "$src/configure" -C \
		CC='kfarm-cc /usr/bin/gcc'
	check "autoconf, launched without a run" beside_run make
	compiled "autoconf, launched without a run" .
	by_nodes "autoconf, launched in a run" . make
	compiled "autoconf, launched in a run" .
	cd "$work" || exit
}

# ccache must not use an object of another compiler with the same name.
with_ccache()
{
	local dir=$work/ccache compiler

	if ! command -v ccache >/dev/null; then
		left_out "ccache" "it is not installed"
		return
	fi
	mkdir -p "$dir"/{gcc,clang}
	ln -s /usr/bin/gcc "$dir/gcc/some-gcc"
	ln -s /usr/bin/clang "$dir/clang/some-gcc"
	for compiler in gcc clang; do
		(PATH=$dir/$compiler:$system some-gcc -O2 -I "$src" -c \
			-o "$dir/$compiler.want" "$src/main.c")
		check "ccache before $compiler" env -u CCACHE_DISABLE \
			PATH="$dir/$compiler:$system" "$work/package/kfarm" \
			run -q -- ccache some-gcc -O2 -I "$src" -c \
			-o "$dir/$compiler.o" "$src/main.c"
		check "ccache before $compiler: its object" cmp \
			"$dir/$compiler.want" "$dir/$compiler.o"
	done
}

words()
{
	run true
	says_not "no jobs: no advice" "through kfarm"
	mkdir words && echo 'int x;' >words/a.cc && cp words/a.cc words/b.c
	by_nodes "C beside C++" words sh -c 'cd words && g++ -c a.cc &&
		cc -x c++ -c b.c -o c.o && gcc -c b.c'
	says "C++ is counted" "kfarm: 2 C++ units were compiled locally: nodes"
	says_not "and nothing else" "through kfarm"
	PATH=$work/package:$system "$work/package/kfarm" run -q \
		--require-remote 1 -- /usr/bin/gcc -O2 -c -o "$work/slow.o" \
		"$src/slow.c" 2>"$log"
	is "unseen compiles are no remote ones" 125 $?
	says "and that is told" "kfarm did not see the compiles by /usr/bin/gcc"
}

mkdir "$work/package"
cp "$bin"/kfarm "$bin"/kfarm-cc "$work/package/"
sources
with_cmake make 'Unix Makefiles'
with_cmake ninja Ninja
with_meson
with_autoconf
with_ccache
words
farm_end

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: full
# lane: yes
#
# Projects other than kernels, built by make and by kfarm run: every file is
# equal, and nodes compile their share.  `make reach` tests many more projects.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/project.sh"

share=97

# For atomics on arm64, clang's output depends on the installed gcc.
atomics()
{
	local i

	tree=$work/atomics
	mkdir "$tree"
	for i in {1..8}; do
		echo "int f(int *p) { return __atomic_fetch_add(p, $i, 0); }" \
			>"$tree/$i.c"
	done
	# The nodes become ready while each unit takes a second.
	printf '%s\n' 'all: 1.o 2.o 3.o 4.o 5.o 6.o 7.o 8.o' '.NOTPARALLEL:' \
		'%.o: %.c' '	sleep 1' \
		'	$(CC) --target=aarch64-linux-gnu -O2 -c $<' \
		>"$tree/Makefile"
	rm -rf "$ref"
	run_of
	vars=(CC=clang)
	project_measure clang-arm64 25
}

farm_begin
project_begin
if debian_source busybox; then
	run_of
	setup=(make allnoconfig)
	project_measure busybox $share
fi
if debian_source haproxy; then
	rm -rf "$ref"
	# Every other unit, without optimization, to save time.
	options=(TARGET=linux-glibc CPU_CFLAGS=-O0 DEBUG_CFLAGS=)
	mapfile -t units < <(make -C "$tree" -n "${options[@]}" |
		grep -oE 'src/[a-z0-9_-]+\.o' | sort -u | sed -n '1~2p')
	check "haproxy: ${#units[@]} units" [ "${#units[@]}" -gt 50 ]
	run_of "${options[@]}" "${units[@]}"
	project_measure haproxy $share
fi
atomics
project_table
farm_end

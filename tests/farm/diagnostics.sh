#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# Diagnostics for the user: the compiler's messages and make's exit status equal
# those of a plain make.
. "$(dirname "$0")/lib.sh"

farm_begin
farm_mini 6 4

# Print what compilers and make wrote to both streams of a build.
words()
{
	grep -vE '^make(\[[0-9]+\])?: (Entering|Leaving) directory' "$1" |
		grep -vE '^  [A-Z]+	|^# |^\$ '
}

build_log()
{
	cat "$work/out/build.log"
}

# Print only the compiler's messages, in sorted order.
sorted()
{
	words "$1" | grep -v '^make' | LC_ALL=C sort
}

# many REASON: compile units with warnings; REASON explains local compiles.
many()
{
	local name="6,000 warnings"

	nodes 2
	farm_fresh
	kfarm_build -j 6 warn/
	is "$name: kfarm ends with" 0 $?
	build_log >"$work/kfarm.txt"
	sorted "$work/plain.txt" >"$work/a"
	sorted "$work/kfarm.txt" >"$work/b"
	check "$name: the same words" diff "$work/a" "$work/b"
	equal "$name"
	check "$name: kfarm says $1" because "$1"
}

# because REASON: check that REASON is among the reasons for local jobs.  On a
# busy machine, a job can also run locally because no node has answered yet.
because()
{
	meta '.farm.reasons | keys[]' | grep -xE "$1|slow or lost node" ||
		{ meta .farm && return 1; }
}

six_thousand()
{
	farm_reference warn/
	cp "$work/plain.log" "$work/plain.txt"
	is "6,000 warnings: plain make warns" 6007 \
		"$(grep -c 'warning: unused' "$work/plain.txt")"
	# Diagnostics too long for a message come from a local compiler.
	many 'very long diagnostics'
}

wrong_source()
{
	local status jobs

	for jobs in 1 6; do
		rm -rf "$build" "$ref"
		farm_fresh
		make -k -C "$tree" O="$build" "${vars[@]}" -j $jobs broken/ \
			>"$work/plain.txt" 2>&1
		status=$?
		mv "$build" "$ref"
		nodes 2
		farm_fresh
		kfarm_build -j $jobs broken/
		is "wrong source, -j$jobs: exit status" $status $?
		build_log >"$work/kfarm.txt"
		sorted "$work/plain.txt" >"$work/a"
		sorted "$work/kfarm.txt" >"$work/b"
		check "wrong source, -j$jobs: the compiler's words" \
			diff "$work/a" "$work/b"
		equal "wrong source, -j$jobs"
		no_temporaries "wrong source, -j$jobs"
		check "wrong source, -j$jobs: shown" \
			grep -q "undeclared.* undeclared" "$work/kfarm.log"
	done
	# With -j, make itself mixes up the line numbers of a recipe.
	words "$work/plain.txt" | sed -n '/^make/s/:[0-9]*: /: /p' |
		sort >"$work/a"
	words "$work/kfarm.txt" | sed -n '/^make/s/:[0-9]*: /: /p' |
		sort >"$work/b"
	check "wrong source: make's words" diff "$work/a" "$work/b"
}

comma()
{
	farm_reference Image
	nodes 2
	farm_fresh
	kfarm_build -j 6 Image
	is "a header with a comma: kfarm ends with" 0 $?
	equal "a header with a comma"
	check "a header with a comma: in the saved dependencies" \
		grep -q 'smart1,2\.h' "$build/alpha/.unit_3.o.cmd"
	plain Image >"$work/again.txt" 2>&1
	is "a plain make afterwards compiles" 0 \
		"$(grep -cE '^  (CC|AS|HOSTCC)' "$work/again.txt")"
	touch "$tree/include/linux/smart1,2.h"
	kfarm_build -j 6 Image
	plain Image >"$work/again.txt" 2>&1
	is "a touched header: make after kfarm compiles" 0 \
		"$(grep -cE '^  (CC|AS|HOSTCC)' "$work/again.txt")"
}

# A node that has the files compiles a unit that no other machine could.
inputs()
{
	farm_reference local/
	nodes 2
	farm_warm -j 2 local/
	equal "local units"
	is "local units: remote" "3 0" \
		"$(meta '[.farm.remote, .farm.local] | join(" ")')"
}

nodes 2
farm_warm -j 6 Image
comma
six_thousand
wrong_source
inputs
farm_end

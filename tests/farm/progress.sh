#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# progress.sh - the number of jobs that kfarm counts in the makefiles of Linux
# before a build without a baseline.  It differs by less than 10 % from the
# number of units that `make -n` lists, and the count changes no file.
. "$(dirname "$0")/lib.sh"

farm_begin
farm_linux tinyconfig prepare
farm_fresh
# Configuration and preparation compiled host programs.
prepared_units=$(find "$prepared" -name '*.o' | wc -l)
planned=$(plain -n vmlinux 2>/dev/null | grep -o -- ' -c -o [^ ]*\.o' | sort -u |
	wc -l)
check "make -n lists units: $planned" test "$planned" -ge 300
units=$((planned + prepared_units))

# Return true if the directories that kfarm looks at have more objects than make
# can remove when it is interrupted, one per job.
compiled()
{
	[ "$(find "$build"/{fs,init,kernel,mm} -maxdepth 1 -name '*.o' \
		2>/dev/null | wc -l)" -gt $cores ]
}

# while_running COMMAND...: wait until the command succeeds or kfarm ends.
while_running()
{
	until "$@"; do
		kill -0 "$kfarm" || return
		sleep 0.05
	done
}

no_nodes
rm -rf "$build"
kfarm_start -j "$cores" --json "$work/events" -k tinyconfig vmlinux
while_running grep -sq '"event":"total"' "$work/events"
check "the first build compiles" while_running compiled
kill -INT "$kfarm"
kfarm_wait
total=$(jq 'select(.event == "total").jobs' "$work/events")
check "counted $total of $units units" \
	test $((total * 10)) -ge $((units * 9)) -a \
	$((total * 10)) -le $((units * 11))
is "activity of the configuration" tinyconfig "$(jq -r \
	'select(.event == "phase" and .phase == "config").activity' \
	"$work/events")"

# Only make knows what a second build compiles.
kfarm_start --json "$work/again" -k tinyconfig vmlinux
check "the second build compiles" while_running \
	grep -sq '"phase":"compile"' "$work/again"
kill -INT "$kfarm"
kfarm_wait
is "totals of a build that continues" 0 "$(grep -c '"event":"total"' "$work/again")"
farm_end

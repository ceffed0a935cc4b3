# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# bench/lib.sh - functions shared by the benchmarks: accounting groups for the
# build host and the nodes, and a prepared kernel tree
#
# The script that sources this file must set `root` (the project's directory)
# first.

fail()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

# The benchmarks of nodes compile everything.
export CCACHE_DISABLE=1

# Accounting groups: cgroup v1 cpuacct, or v2.

group_root=
group_v2=

group_find()
{
	if [ -e /sys/fs/cgroup/cpuacct/cpuacct.usage ]; then
		group_root=/sys/fs/cgroup/cpuacct
	elif [ -e /sys/fs/cgroup/cgroup.controllers ]; then
		group_root=/sys/fs/cgroup
		group_v2=1
	else
		fail "no cpuacct cgroup under /sys/fs/cgroup:" \
			"CPU time of a whole build cannot be measured here"
	fi
	group_root+=/kfarm-bench.$$
	mkdir "$group_root" 2>/dev/null ||
		fail "cannot make $group_root: measuring needs root"
}

group_new()
{
	mkdir -p "$group_root/$1"
}

# group_run GROUP COMMAND...: run the command and its children in the group.
group_run()
{
	local group=$group_root/$1

	shift
	sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" "$@"
}

# group_enter GROUP: print the beginning of a shell command that runs in the group.
group_enter()
{
	printf 'echo $$ >%s/%s/cgroup.procs; exec' "$group_root" "$1"
}

# farm_nodes [PREFIX...]: add two nodes in the group nodes to the configuration
# of tests/farm/lib.sh.  Their commands begin with PREFIX.
farm_nodes()
{
	local i

	for i in 1 2; do
		node "node$i" "sh -c '$(group_enter nodes) $* $bin/kfarmd --stdio \
--store $work/store'" slots=$((cores + 1))
	done
}

# Print the microseconds of CPU time that a group has used.
group_usage()
{
	local g=$group_root/$1

	if [ "$group_v2" ]; then
		awk '$1 == "usage_usec" { print $2 }' "$g/cpu.stat"
	else
		awk '{ printf "%d\n", $1 / 1000 }' "$g/cpuacct.usage"
	fi
}

# cpu_of GROUP COMMAND...: run the command; set $status to its exit status and
# $cpu to the microseconds that the group uses meanwhile.
cpu_of()
{
	local before

	before=$(group_usage "$1")
	"${@:2}"
	# shellcheck disable=SC2034 # for the caller
	status=$?
	# shellcheck disable=SC2034
	cpu=$(($(group_usage "$1") - before))
}

# End the processes of a group, all of which this script has started.
group_kill()
{
	local procs=$group_root/$1/cgroup.procs
	local sig=TERM
	local pids

	for _ in $(seq 50); do
		pids=$(cat "$procs" 2>/dev/null)
		[ "$pids" ] || return 0
		# shellcheck disable=SC2086
		kill -s $sig $pids 2>/dev/null
		sleep 0.1
		sig=KILL
	done
}

group_drop()
{
	group_kill "$1"
	rmdir "$group_root/$1" 2>/dev/null
}

group_release()
{
	local d

	[ "$group_root" ] && [ -d "$group_root" ] || return 0
	for d in "$group_root"/*/; do
		[ -d "$d" ] && group_drop "$(basename "$d")"
	done
	rmdir "$group_root" 2>/dev/null
}

# shellcheck source=tests/farm/tree.sh
. "$root/tests/farm/tree.sh"

# Print the median of the lines of standard input.
median()
{
	sort -n | awk '{ v[NR] = $1 }
		END { print (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2 }'
}

# Compile a static and small program, with musl if installed, like kfarm-cc.
compile_static()
{
	local cc=cc

	command -v musl-gcc >/dev/null && cc=musl-gcc
	"$cc" -std=gnu17 -D_GNU_SOURCE -O2 -static -o "$@" ||
		fail "cannot compile ${*: -1}"
}

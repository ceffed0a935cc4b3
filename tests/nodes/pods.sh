#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# nodes/pods.sh - plain namespaces that stand in for pods: the static kfarmd is
# PID 1 in a root directory with no other file.  It builds, reaps orphans,
# takes its inventory from the control groups, and drains on SIGTERM.  The
# templates for pools are complete.
. "$(dirname "$0")/../farm/lib.sh"
own_mounts "$@"

host=$(uname -m | sed s/aarch64/arm64/)
program=$bin/nodes/kfarmd-$host
group=/sys/fs/cgroup/cpu/kfarm-pods.$$
memory=/sys/fs/cgroup/memory/kfarm-pods.$$

# Write the program that makes a pod, in new namespaces: busybox is removed from
# its root before kfarmd starts.
write_pod()
{
	cat >"$work/pod" <<-END
	set -e
	mount -t tmpfs -o mode=755 pod $work/root
	cd $work/root
	mkdir proc sys dev old store sys/fs sys/fs/cgroup
	cp $program kfarmd
	cp \$(command -v busybox) busybox
	mount -t proc proc proc
	mount --rbind /sys/fs/cgroup sys/fs/cgroup
	mount --bind $work/store store
	for file in null zero urandom; do
		touch dev/\$file
		mount --bind /dev/\$file dev/\$file
	done
	pivot_root . old
	exec /busybox sh -c 'cd / && /busybox umount -l /old &&
		/busybox rmdir /old && /busybox rm /busybox &&
		exec /kfarmd "\$@"' sh "\$@"
	END
}

# pod NAME ARG...: print the command that executes kfarmd in a pod.  It writes
# the exit status of kfarmd to $work/NAME.ended.
pod()
{
	local name=$1

	shift
	cat >"$work/$name.start" <<-END
	trap : TERM
	env -i PATH="$PATH" unshare -Ur -m -p -i -u -n --fork --kill-child \\
		sh $work/pod $*
	echo \$? >$work/$name.ended
	END
	echo "sh $work/$name.start"
}

# pid_1 NAME: print the process id of the node's kfarmd, which is PID 1 in its
# namespace.
pid_1()
{
	pgrep -P "$(pgrep -P "$(node_pid "$1")" unshare)" kfarmd
}

done_by()
{
	[ "$(jq -r --arg n "$1" 'select(.event == "job" and .state == "done" and
		.node == $n) | .job' "$work/events" | wc -l)" -ge "$2" ]
}

has_no_zombies()
{
	! ps -o stat= --ppid "$(pid_1 "$1")" | grep -q ^Z
}

build()
{
	farm_mini 40 40
	farm_reference Image
	no_nodes
	node one "$(pod one --stdio --store /store/kfarm)" slots=1
	node two "$(pod two --stdio --store /store/kfarm)" slots=1
	farm_fresh
	kfarm_start --json "$work/events" Image
	check "the first pod completes jobs" wait_for 60 done_by one 1
	check "the second pod completes jobs" wait_for 60 done_by two 1
	is "kfarmd is PID 1" "$(pid_1 two) 1" "$(sed -n 's/^NSpid:\t//p' \
		"/proc/$(pid_1 two)/status" | tr '\t' ' ')"
	check "kfarmd reaps orphans" wait_for 60 has_no_zombies two
	kill -TERM "$(pid_1 two)"
	check "SIGTERM ends kfarmd" wait_for 60 test -s "$work/two.ended"
	is "status of kfarmd after a drain" 0 "$(cat "$work/two.ended")"
	check "the build still runs" kill -0 "$kfarm"
	kfarm_wait
	is "status of the build" 0 $?
	equal "a build in pods"
	gone "the build"
}

# handles_term NAME: check that kfarmd handles SIGTERM; PID 1 gets no signal that
# it does not handle.
handles_term()
{
	local caught

	caught=$(sed -n 's/^SigCgt:\t//p' "/proc/$(pid_1 "$1")/status")
	((0x$caught >> 14 & 1))
}

without_session()
{
	mkfifo "$work/input"
	no_nodes
	# shellcheck disable=SC2046 # several words
	setsid $(pod early --stdio --store /store/kfarm) \
		<>"$work/input" >"$work/early.log" 2>&1 &
	echo $! >"$work/nodes/early"
	children+=($!)
	check "a pod without a build host" wait_for 60 handles_term early
	kill -TERM "$(pid_1 early)"
	check "without a build host, SIGTERM ends kfarmd" wait_for 60 \
		test -s "$work/early.ended"
	is "without a build host: status of kfarmd" 0 \
		"$(cat "$work/early.ended")"
	is "without a build host, kfarmd does not wait for input" "" \
		"$(cat "$work/early.log")"
}

limits()
{
	if ! mkdir "$group" "$memory" 2>/dev/null; then
		left_out "control groups" "cgroup v1 is not writable"
		return
	fi
	echo 100000 >"$group/cpu.cfs_period_us"
	echo 100000 >"$group/cpu.cfs_quota_us"
	echo $((600 << 20)) >"$memory/memory.limit_in_bytes"
	no_nodes
	cat >"$work/limited" <<-END
	echo 0 >$group/cgroup.procs
	echo 0 >$memory/cgroup.procs
	exec $(pod limited --stdio --store /store/kfarm)
	END
	node limited "sh $work/limited"
	"$bin/kfarm" nodes list --json >"$work/list" 2>&1
	is "the inventory has the limits" "up 1 600" "$(jq -r \
		'.nodes[0] | "\(.state) \(.cores) \(.memory_mib)"' "$work/list")"
	check "the pod ends" wait_for 60 test -s "$work/limited.ended"
	check "the pod leaves its groups" wait_for 60 rmdir "$group" "$memory"
}

templates()
{
	local file name

	for file in "$root"/templates/pool/*.conf; do
		name=$(basename "$file" .conf)
		is "$name: the keys" "idle max slots start" "$(git config -f "$file" \
			--name-only --get-regexp "^pool\.$name\." |
			sed 's/.*\.//' | sort | xargs)"
		check "$name: the command" sh -nc \
			"$(git config -f "$file" "pool.$name.start")"
	done
}

clean_up()
{
	rmdir "$group" "$memory" 2>/dev/null
	farm_cleanup
}

templates
for needed in "$program" "$(command -v busybox)"; do
	[ -x "$needed" ] || {
		left_out "pods" "no busybox or no static kfarmd"
		farm_end
	}
done
unshare -Ur -m -p -i -u -n --fork --kill-child true 2>/dev/null || {
	left_out "pods" "no unprivileged namespaces"
	farm_end
}
farm_begin
trap clean_up EXIT
mkdir "$work/root" "$work/store"
write_pod
without_session
limits
build
farm_end

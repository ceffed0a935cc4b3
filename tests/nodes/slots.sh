#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: full
#
# nodes/slots.sh [SLOTS] - a node with SLOTS (384) slots whose store is on xfs:
# that many jobs at once use the blobs without a hard link for each job, and the
# objects are correct
. "$(dirname "$0")/../farm/lib.sh"
own_mounts "$@"

slots=${1:-384}

# Print why the test cannot run, or nothing.
slots_lack()
{
	[ "$(id -u)" -eq 0 ] || { echo "not root" && return; }
	command -v mkfs.xfs >/dev/null || { echo "no mkfs.xfs" && return; }
	truncate -s 2G "$work/xfs.img" &&
		mkfs.xfs -q "$work/xfs.img" && mkdir "$work/xfs" &&
		mount -o loop "$work/xfs.img" "$work/xfs" >"$work/mount.log" 2>&1 ||
		echo "no xfs: $(tail -n 1 "$work/mount.log")"
}

# Let the node have memory for all of its slots.
claim_memory()
{
	sed -E 's/^(MemTotal|MemFree|MemAvailable): .*/\1: 134217728 kB/' \
		/proc/meminfo >"$work/meminfo"
	mount --bind "$work/meminfo" /proc/meminfo
}

# Print the number of jobs that wait at the gate.
waiting()
{
	od -A n -t d4 -N 4 "$work/gate" | xargs
}

is_occupied()
{
	[ "$(waiting)" -ge "$slots" ]
}

farm_begin
lacks=$(slots_lack)
[ ! "$lacks" ] || {
	left_out "a store on xfs" "$lacks"
	farm_end
}
claim_memory
mounts+=("$work/xfs")
farm_mini $((slots + slots / 4)) 1 prepare
farm_reference vmlinux
is "plain make ends with" 0 "$plain_status"
no_nodes
printf '[farm]\n\tcompile-locally = when-necessary\n' >>"$KFARM_CONFIG"
gcc -O1 -shared -fPIC -D_GNU_SOURCE -o "$work/slots.so" \
	"$root/tests/nodes/slots.c" || exit 1
head -c 8 /dev/zero >"$work/gate"
node big "env LD_PRELOAD=$work/slots.so CORES=$slots GATE=$work/gate \
'$bin/kfarmd' --stdio --store '$work/xfs/store'" slots=$slots
is "slots of the node" $slots \
	"$("$bin/kfarm" nodes list --json | jq '.nodes[0].slots')"
farm_fresh
kfarm_start --json "$work/events" vmlinux
check "all slots are occupied at once" wait_for 120 is_occupied
echo "jobs at once: $(waiting)"
at_most "links of a blob" 2 "$(find "$work/xfs" -type f -printf '%n\n' | sort -n |
	tail -n 1)"
printf '\1' | dd of="$work/gate" bs=1 seek=4 conv=notrunc status=none
kfarm_wait
is "status of the build" 0 $?
equal "a node with $slots slots"
echo "jobs: $(meta '"\(.farm.remote) remote, \(.farm.local) local"')"
farm_end

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: first
#
# nodes/slurm.sh - jobs of Slurm as nodes: four kfarmds that srun starts on two
# machines build Linux.  scancel ends one of them in mid-build.
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/nodes/slurm-farm.sh
. "$(dirname "$0")/slurm-farm.sh"
PATH=$PATH:/usr/sbin:/sbin
lacks=$(slurm_lacks)
[ ! "$lacks" ] || lab_cannot "$(paste -sd , <<<"$lacks")"
lab_begin "$@"

targets=(lib/)
members=(m1 m2 m3 m4)

# done_by MEMBER N: check that it has completed at least N jobs.
done_by()
{
	[ "$(jq -r --arg n "$1" 'select(.event == "job" and .state == "done" and
		.node == $n) | .job' "$work/events" | wc -l)" -ge "$2" ]
}

# Print the id of the Slurm job of a member, which is named like it.
job_of()
{
	squeue -h -t R -n "$1" -o %i
}

is_replaced()
{
	local now

	now=$(job_of "$1")
	[ "$now" ] && [ "$now" != "$2" ]
}

has_no_jobs()
{
	[ ! "$(squeue -h)" ] && slurm_is_idle n1 n2
}

slurm_start 2 n1 n2 || {
	bad "Slurm with two machines starts"
	farm_end
}
good "Slurm with two machines starts"
farm_linux tinyconfig prepare
farm_reference "${targets[@]}"
for member in "${members[@]}"; do
	node "$member" "srun -J $member -n1 -c1 -u $kfarmd" slots=1
done
farm_fresh
kfarm_start --json "$work/events" "${targets[@]}"
for member in "${members[@]}"; do
	check "$member completes jobs" wait_for 60 done_by "$member" 2
done
is "jobs on each machine" "2 n1 2 n2" \
	"$(slurm_jobs | cut -d ' ' -f 2 | sort | uniq -c | xargs)"
job=$(job_of m2)
scancel "$job"
check "a canceled member is replaced" wait_for 60 is_replaced m2 "$job"
check "the build is not over by then" kill -0 "$kfarm"
kfarm_wait
is "status of the build" 0 $?
equal "a build with a canceled member"
no_temporaries "a build with a canceled member"
gone "the build"
check "Slurm has no jobs left" wait_for 60 has_no_jobs
check "Slurm ends" slurm_stop
farm_end

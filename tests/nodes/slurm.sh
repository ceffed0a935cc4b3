#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: first
#
# nodes/slurm.sh - A pool whose members are Slurm jobs: four kfarmds that srun
# starts on two machines build the small tree.  scancel kills one of them during
# the build.  Ctrl-C ends a build with running and with pending jobs.
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/nodes/members.sh
. "$(dirname "$0")/members.sh"
# shellcheck source=tests/nodes/slurm-farm.sh
. "$(dirname "$0")/slurm-farm.sh"
lacks=$(slurm_lacks)
[ ! "$lacks" ] || lab_cannot "$(paste -sd , <<<"$lacks")"
lab_begin "$@"

targets=(Image)
events=$work/events

two_work()
{
	[ "$(nodes_with_jobs | wc -w)" -eq 2 ]
}

# states_are "N STATE...": check the numbers of Slurm jobs by state.
states_are()
{
	[ "$(squeue -h -o %T | sort | uniq -c | xargs)" = "$1" ]
}

has_no_jobs()
{
	[ ! "$(squeue -h)" ]
}

slurm_start 2 n1 n2 || {
	left_out "Slurm" "its daemons do not start here"
	farm_end
}
farm_mini 12 1 prepare
farm_reference "${targets[@]}"

# ---- a canceled member ----

begin_build cluster "srun -n1 -c1 -u $kfarmd"
is "jobs on each machine" "2 n1 2 n2" \
	"$(slurm_jobs | cut -d ' ' -f 2 | sort | uniq -c | xargs)"
read -r job _ < <(slurm_jobs)
scancel "$job"
check_replacement canceled
check "a new job of Slurm is the replacement" wait_for 60 states_are "4 RUNNING"
end_build canceled
check "Slurm has no jobs left" wait_for 60 has_no_jobs

# ---- Ctrl-C ----

scontrol update nodename=n2 state=drain reason=test
farm_fresh
kfarm_start_held --json "$events" "${targets[@]}"
check "Ctrl-C: two members complete jobs" wait_for 60 two_work
check "Ctrl-C: two members wait for a machine" wait_for 60 states_are \
	"2 PENDING 2 RUNNING"
kill -INT "$kfarm"
kfarm_wait
is "Ctrl-C: status" 130 $?
gone "Ctrl-C"
check "Ctrl-C: Slurm has no jobs left" wait_for 60 has_no_jobs
is "jobs at once" 4 "$(slurm_most_jobs)"
check "Slurm ends" slurm_stop
farm_end

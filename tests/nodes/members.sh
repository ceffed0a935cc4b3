# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# nodes/members.sh - Functions for tests of a pool, which podman.sh and slurm.sh
# source: start and check a build of $targets with four members, and list the
# members in its event stream $events.

# nodes_with_jobs_are "NODE...": check that these nodes have completed jobs.
nodes_with_jobs_are()
{
	[ "$(nodes_with_jobs)" = "$1" ]
}

# Print the nodes that have completed jobs.
nodes_with_jobs()
{
	jq -r 'select(.event == "job" and .state == "done" and
		.node != "local") | .node' "$events" | sort -u | xargs
}

# Print the members that were lost, each once.
lost()
{
	jq -r 'select(.event == "node" and .state == "down") | .node' "$events" |
		sort -u
}

# Check that the lost member has completed a job since then.
lost_works()
{
	jq -se --arg n "$(lost)" 'map(select(.node == $n and
		(.state == "down" or .state == "done")).event) |
		.[index("node"):] | index("job")' "$events"
}

# begin_build POOL COMMAND: start a build with the members of a pool, which
# COMMAND starts, and wait until each of them has completed jobs.  A build of the
# small tree does not end before end_build().
begin_build()
{
	cat >"$KFARM_CONFIG" <<-END
	[farm]
		compile-locally = when-necessary
	[pool "$1"]
		start = $2
		min = 4
		max = 4
		slots = 1
	END
	farm_fresh
	kfarm_start_held --json "$events" "${targets[@]}"
	check "four members complete jobs" wait_for 120 nodes_with_jobs_are \
		"$1/1 $1/2 $1/3 $1/4"
}

# check_replacement CAUSE: check that the replacement of a member that was lost
# for this cause completes jobs.
check_replacement()
{
	check "the replacement of a $1 member completes jobs" \
		wait_for 120 lost_works
}

# end_build CAUSE: check the end of the build, with one lost member.
end_build()
{
	check "the build still runs" kill -0 "$kfarm"
	rm "$work/hold"
	kfarm_wait
	is "status of the build" 0 $?
	is "one member is lost" 1 "$(lost | wc -l)"
	equal "a build with a $1 member"
	no_temporaries "a build with a $1 member"
	gone "the build"
}

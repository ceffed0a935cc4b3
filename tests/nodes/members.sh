# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# nodes/members.sh - the members of a pool in the event stream $events, for the
# tests that build with a pool

# workers_are "MEMBER...": check that these members have completed jobs.
workers_are()
{
	[ "$(workers)" = "$1" ]
}

workers()
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

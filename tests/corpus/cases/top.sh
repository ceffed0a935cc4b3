# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# Simulated builds and a recorded one, in every view that needs no terminal.
record top-idle kfarm top --once
masked pid -- top-idle-json kfarm top --once --json
for at in 0 30 80.5 1000; do
	record "top-simulated-$at" kfarm top --simulate --once --at $at
	record "top-simulated-$at-json" kfarm top --simulate --once --json --at $at
done
record top-simulated-failure kfarm top --simulate --once --at 80.5 --seed 2 \
	--nodes 3 --rate 20 --fail
record top-simulated-one-node kfarm top --simulate --once --at 1000 --nodes 1 \
	--rate 5
record top-simulated-groups kfarm top --simulate --once --at 30 --nodes 60 \
	--groups
kfarm top --simulate --speed 1000 --nodes 2 --json >events
# The first three events of each kind and of each state of a job.
# shellcheck disable=SC2016 # awk's
masked pid -- top-events awk 'match($0, /"event":"[^"]*"/) {
	kind = substr($0, RSTART, RLENGTH)
	if (match($0, /"state":"[^"]*"/))
		kind = kind substr($0, RSTART, RLENGTH)
	if (seen[kind]++ < 3)
		print
} END { print NR }' events
record top-recorded kfarm top --simulate=events --once --at 20
record top-recorded-json kfarm top --simulate=events --once --json --at 20
grep -v '"estimate"' events >unknown
record top-no-estimate kfarm top --simulate=unknown --once --at 20
head -n 200 events >short
record top-short kfarm top --simulate=short --once --at 1000
echo '{"t":0,"event":"stream","version":7}' >later
record top-newer-version kfarm top --simulate=later --once
echo hello >text
record top-no-events kfarm top --simulate=text --once
: >empty
record top-empty kfarm top --simulate=empty --once
for view in plain line none; do
	record "top-view-$view" kfarm top --simulate=events --speed 1000000 \
		--ui $view
done
record top-no-terminal kfarm top --simulate=events --ui ncurses

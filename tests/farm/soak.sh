#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# soak.sh [ROUNDS] - repeat the fault tests with many more rounds each (a node
# or kfarm killed 20 times, 100 interrupts, results and HELLO messages cut at
# each of 70 more positions) and both equality tests.  Takes hours; stops at the
# first test that fails and keeps its log.
cd "$(dirname "$0")/../.." || exit 1
logs=${KFARM_BUILD:-build}/soak
rounds=${1:-1}
mkdir -p "$logs"
export SOAK=1

for round in $(seq "$rounds"); do
	for test in hostile faults bare nodes coordinator diagnostics setup \
		jobserver "equality --config tiny" "equality --config quickstart"; do
		log=$logs/${test//[ -]/}.log
		# shellcheck disable=SC2086
		set -- $test
		echo "round $round of $rounds: $test"
		if ! "tests/farm/$1.sh" "${@:2}" >"$log" 2>&1; then
			grep -A 30 '^FAIL' "$log" | head -n 60
			tail -n 1 "$log"
			echo "all of it in $log"
			exit 1
		fi
		tail -n 1 "$log"
	done
done

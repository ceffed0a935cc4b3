#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: first
#
# steps.sh - a part of Linux with MODVERSIONS.  Nodes run genksyms for each unit
# that exports symbols, and every file of the build directory equals that of a
# plain make, saved commands and dependency lists included.  Also tested: `steps
# = no`, a rebuilt genksyms, and a node that dies.
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/farm/step.sh
. "$(dirname "$0")/step.sh"

targets=(lib/math/ kernel/time/{time,timeconv,timecounter}.o
	arch/arm64/lib/)

farm_begin
step_begin <<'END'
CONFIG_MODULES=y
CONFIG_MODVERSIONS=y
END
genksyms=scripts/genksyms/genksyms

# units_in DIR: print the units with symbol versions from genksyms.
units_in()
{
	step_units "$1" '^#SYMVER'
}

versions=$(units_in "$ref" | wc -l)
check "units with versions: $versions" test "$versions" -ge 20
texts=$(units_in "$ref" | (cd "$ref" && xargs grep -l '^source_.*\.S$') | wc -l)
check "of them in assembler: $texts" test "$texts" -ge 10

with_nodes 1
farm_warm "${targets[@]}"
built "steps" "$versions"
is "local jobs" 0 "$(meta .farm.local)"
is "steps here" "" "$(steps_here)"

farm_fresh
with_nodes 1 steps=no
kfarm_build "${targets[@]}"
built "steps = no" 0
is "steps = no: steps here" "$versions steps = no" "$(steps_here)"
check "steps = no: the summary" grep -q \
	"^steps of kbuild $versions: 0 on nodes, $versions local" \
	"$work/kfarm.log"
check "steps = no: the history" grep -q \
	"steps    $versions: 0 remote, $versions local" \
	<("$bin/kfarm" report)

cached_steps "$versions"

# A different genksyms gives different results: one unit is rebuilt, and its
# versions are those of the new program.
with_nodes 1
unit=$(units_in "$build" | head -n 1)
object=${unit%.cmd}
object=${object%/*}/${object##*/.}
sed -i 's/#SYMVER/#SYMVOR/' "$build/$genksyms"
remove_object()
{
	rm -f "$build/$object"
}
farm_retry remove_object "${targets[@]}"
is "another genksyms: kfarm ends with" 0 $?
check "another genksyms: it was asked" grep -q '^#SYMVOR' "$build/$unit"
is "another genksyms: steps" 1 "$(steps)"

# One of two nodes dies during the build.
farm_fresh
with_nodes 2
versions_beyond()
{
	[ "$(units_in "$build" | wc -l)" -gt "$1" ]
}

kfarm_start "${targets[@]}"
wait_for 600 versions_beyond 2
kill -KILL "$(node_pid node1)"
kfarm_wait
built "a node dies"
check "a node dies: steps: $(steps)" test "$(steps)" -gt 2
gone "a node dies"

farm_end

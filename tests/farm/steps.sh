#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# steps.sh - a part of Linux with MODVERSIONS: nodes run genksyms for each unit
# that exports symbols, and every file of the build directory is what plain make
# leaves there, with the commands and the lists of files read; with
# `steps = no`, with a genksyms that is built anew, and with a node that dies.
. "$(dirname "$0")/lib.sh"

targets=(lib/math/ kernel/locking/ kernel/time/)

farm_begin
settings=$work/settings
cat >"$settings" <<'END'
CONFIG_MODULES=y
CONFIG_MODVERSIONS=y
END
farm_linux tinyconfig
is "settings that had no effect" "" \
	"$(no_effect "$settings" "$prepared/.config")"
farm_reference "${targets[@]}"
is "plain make ends with" 0 "$plain_status"
genksyms=scripts/genksyms/genksyms

# Units whose symbols have versions, which genksyms printed.  Those in
# assembler have a pipeline of their own, which is run here.
# units_in DIR
units_in()
{
	(cd "$1" && find "${targets[@]}" -name '.*.o.cmd' -exec \
		grep -l '^#SYMVER' {} + | xargs grep -L '^source_.*\.S$' | sort)
}

versions=$(units_in "$ref" | wc -l)
check "units with versions: $versions" test "$versions" -ge 10

# with_nodes N [KEY=VALUE]...: of [farm]
with_nodes()
{
	local line n=$1

	shift
	nodes "$n"
	{
		echo '[farm]'
		for line in shell=kfarm "$@"; do
			printf '\t%s\n' "${line/=/ = }"
		done
	} >>"$KFARM_CONFIG"
}

steps()
{
	meta .farm.shell.steps
}

# built NAME: with all files as they should be.
built()
{
	is "$1: kfarm ends with" 0 $?
	equal "$1"
	no_temporaries "$1"
}

with_nodes 1
farm_warm "${targets[@]}"
is "local jobs" 0 "$(meta .farm.local)"
is "steps on the node" "$versions" "$(steps)"
equal "steps"
no_temporaries "steps"

farm_fresh
with_nodes 1 steps=no
kfarm_build "${targets[@]}"
built "steps = no"
is "steps = no: steps" 0 "$(steps)"

# genksyms becomes another program, whose answers count from then on: one unit
# is made again, and its versions are what that one prints.
with_nodes 1
unit=$(units_in "$build" | head -n 1)
object=${unit%.cmd}
object=${object%/*}/${object##*/.}
sed -i 's/#SYMVER/#SYMVOR/' "$build/$genksyms"
rm -f "$build/$object"
kfarm_build "${targets[@]}"
is "another genksyms: kfarm ends with" 0 $?
check "another genksyms: it was asked" grep -q '^#SYMVOR' "$build/$unit"
is "another genksyms: steps" 1 "$(steps)"

# One of two nodes dies in the midst of it.
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

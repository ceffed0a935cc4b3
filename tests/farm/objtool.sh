#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# objtool.sh - a part of Linux for x86_64: nodes run objtool on each object before
# it comes back, and every file of the build directory is what plain make leaves
# there; with `steps = no`, and with options by which objtool says what it does.
. "$(dirname "$0")/lib.sh"

targets=(lib/math/ kernel/locking/)
vars=(ARCH=x86_64)

farm_begin
echo '#include <gelf.h>' | gcc -E - >/dev/null 2>&1 || {
	left_out "objtool" "no libelf-dev"
	farm_end
}
[ "$(uname -m)" = x86_64 ] || {
	left_out "objtool" "it is for x86_64 machines alone here"
	farm_end
}
settings=$work/settings
cat >"$settings" <<'END'
CONFIG_64BIT=y
CONFIG_UNWINDER_ORC=y
CONFIG_CPU_MITIGATIONS=y
CONFIG_RETPOLINE=y
# CONFIG_X86_KERNEL_IBT is not set
END
farm_linux tinyconfig
is "settings that had no effect" "" \
	"$(no_effect "$settings" "$prepared/.config")"
farm_reference "${targets[@]}"
is "plain make ends with" 0 "$plain_status"
objects=$(cd "$ref" && find "${targets[@]}" -name '.*.o.cmd' -exec \
	grep -l '^cmd_.*tools/objtool/objtool' {} + | wc -l)
check "objects that objtool changed: $objects" test "$objects" -ge 10

# built NAME STEPS: with all files as they should be.
built()
{
	is "$1: kfarm ends with" 0 $?
	equal "$1"
	no_temporaries "$1"
	is "$1: steps" "$2" "$(meta .farm.shell.steps)"
}

nodes 1
farm_warm "${targets[@]}"
is "local jobs" 0 "$(meta .farm.local)"
built "steps" "$objects"

printf '[farm]\n\tsteps = no\n' >>"$KFARM_CONFIG"
farm_fresh
kfarm_build "${targets[@]}"
built "steps = no" 0

# It says more than it should be asked for on a node: it is run here.
nodes 1
farm_fresh
OBJTOOL_ARGS=--stats kfarm_build "${targets[@]}"
built "OBJTOOL_ARGS" 0

farm_end

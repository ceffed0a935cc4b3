#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# objtool.sh - a part of Linux for x86_64.  Nodes run objtool on each object
# before they return it.  Every file of the build directory and objtool's
# warnings equal those of a plain make.  Also tested: `steps = no`, and options
# that make objtool print its actions.
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/farm/step.sh
. "$(dirname "$0")/step.sh"

# The last target calls by pointers, of which objtool can warn.
targets=(lib/math/ kernel/locking/ lib/sort.o)
vars=(ARCH=x86_64 KCFLAGS=-mindirect-branch=keep)

farm_begin
echo '#include <gelf.h>' | gcc -E - >/dev/null 2>&1 || {
	left_out "objtool" "no libelf-dev"
	farm_end
}
[ "$(uname -m)" = x86_64 ] || {
	left_out "objtool" "it is for x86_64 machines alone here"
	farm_end
}
step_begin <<'END'
CONFIG_64BIT=y
CONFIG_UNWINDER_ORC=y
CONFIG_CPU_MITIGATIONS=y
CONFIG_RETPOLINE=y
# CONFIG_X86_KERNEL_IBT is not set
END
objects=$(step_units "$ref" '^cmd_.*tools/objtool/objtool' | wc -l)
check "objects that objtool changed: $objects" test "$objects" -ge 10

# warned LOG
warned()
{
	grep 'warning: objtool' "$1" | sort
}

warnings=$(warned "$work/plain.log")
check "warnings of objtool" test "$warnings"

nodes 1
farm_warm "${targets[@]}"
built "steps" "$objects"
is "local jobs" 0 "$(meta .farm.local)"
is "steps: warnings" "$warnings" "$(warned "$work/kfarm.log")"

printf '[farm]\n\tsteps = no\n' >>"$KFARM_CONFIG"
farm_fresh
kfarm_build "${targets[@]}"
built "steps = no" 0
is "steps = no: steps here" "$objects steps = no" "$(steps_here)"

cached_steps "$objects"
is "full cache: warnings" "$warnings" "$(warned "$work/kfarm.log")"

# With an option that makes it print its actions, objtool runs locally.
nodes 1
farm_fresh
OBJTOOL_ARGS=--stats kfarm_build "${targets[@]}"
built "OBJTOOL_ARGS" 0
is "OBJTOOL_ARGS: steps here" "$objects" "$(meta .farm.shell.steps_here)"

farm_end

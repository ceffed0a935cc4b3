#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# A node with an old kernel, without user namespaces for any user: the sandbox
# tests with their attacks, the admission tests, and a build, with kfarmd under
# tests/lib/old-kernel.c.
. "$(dirname "$0")/lib.sh"
farm_begin

old=$work/old-kernel
cc -std=gnu17 -D_GNU_SOURCE -O1 -Wall -Wextra -o "$old" \
	"$root/tests/lib/old-kernel.c" || exit 1

# An ordinary user can create no sandboxes on such a kernel.
if [ "$(id -u)" -ne 0 ]; then
	"$old" -u 3.14 "$bin/kfarmd" --check >"$work/says"
	check "without root and user namespaces there is no sandbox" \
		grep -q '^sandbox: not available' "$work/says"
	left_out old-kernel "not root"
	farm_end
fi

# layers EXPECTED OPTION...: check the output of kfarmd --check under the
# filter.
layers()
{
	local want=$1

	shift
	"$old" "$@" "$bin/kfarmd" --check >"$work/says" 2>&1 &&
		grep -q "^layers: $want mount pid ipc uts net " "$work/says"
}
for version in 3.14 3.16 4.2 4.9 6.1; do
	check "Linux $version, no user namespaces: a user for each job" \
		layers uid -u "$version"
done
check "Linux 3.14 with user namespaces uses them" layers user 3.14

cd "$root" || exit 1
for test in sandbox check compile namespaces init run job_exec input_root walk; do
	[ -x "$bin/unit/check_sandbox_$test" ] ||
		{ left_out "$test" "make check-programs first" && continue; }
	check "check_sandbox_$test" "$old" -u 3.14 "$bin/unit/check_sandbox_$test"
done

# The fallback for a kernel without close_range().
[ ! -x "$bin/unit/check_base_spawn" ] ||
	check check_base_spawn "$old" 5.8 "$bin/unit/check_base_spawn"

KERNEL="$old -u 3.14" ATTACKS=programs,views \
	"$root/tests/farm/attack.sh" >"$work/attacks" 2>&1
status=$?
grep '^FAIL' "$work/attacks"
check "attacks by a client that is let in" [ $status -eq 0 ]

# The objects of a node with either kernel equal local ones.
mkdir -p "$work/build"
cd "$work/build" || exit 1
for i in 1 2 3 4 5 6; do
	printf '#include "a.h"\nint f%s(int x) { return x * N + %s; }\n' \
		$i $i >$i.c
	echo $i.o
done | tr '\n' ' ' >list
echo '#define N 3' >a.h
cat >Makefile <<END
all: $(cat list)
%.o: %.c
	gcc -O2 -c -o \$@ \$<
END
make -s all && mkdir local && mv ./*.o local || exit 1
cat >"$KFARM_CONFIG" <<-END
	[node "old"]
		address = "exec:$old -u 3.14 $bin/kfarmd --stdio --store $work/store"
END
echo 'int warm;' >warm.c
: >"$work/events"
# Jobs run locally during the toolchain upload, so repeat until the node returns
# a result.
cat >there <<END
for i in \$(seq 600); do
	! grep -q '"remote":true' "$work/events" || exec make -s all
	gcc -c warm.c
	sleep 0.2
done
exit 1
END
compiles_there()
{
	"$bin/kfarm" run -j2 --json "$work/events" -- sh ./there \
		>"$work/log" 2>&1 &&
		grep -qE ' ([2-9]|[1-9][0-9]+) remote \(' "$work/log" ||
		{ cat "$work/log"; return 1; }
	for i in 1 2 3 4 5 6; do
		cmp "$i.o" "local/$i.o" || return
	done
}
check "it compiles, to the same objects" compiles_there
farm_end

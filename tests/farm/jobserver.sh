#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# kfarm as make's jobserver: many compiles run remotely at once, also behind
# slow local ones, but the number of concurrent recipes of other kinds never
# exceeds the local slots.  No token is lost when any process dies.
. "$(dirname "$0")/lib.sh"

farm_begin
farm_mini 20 3 prepare

# Recipes that count their concurrent executions.  Each runs as soon as its
# object exists; some run in sub-makes, some are marked with "+".
cat >"$tree/count" <<'END'
#!/bin/bash
# count NAME [SECONDS]: how many of us are there?
step()
{
	(
		flock 9
		n=$(($(cat "$COUNT_DIR/n") + $1))
		echo $n >"$COUNT_DIR/n"
		[ "$1" -lt 0 ] || echo "$n $2" >>"$COUNT_DIR/log"
	) 9>"$COUNT_DIR/lock"
}
step 1 "$1"
sleep "${2:-0.1}"
step -1 "$1"
END
# Print the tokens that are free for a new make.
cat >"$tree/tokens" <<'END'
#!/bin/bash
auth=${MAKEFLAGS##*--jobserver-auth=}
auth=${auth%% *}
r=${auth%,*} w=${auth#*,}
for _ in {1..600}; do
	got=$(dd bs=4096 count=1 iflag=nonblock <&"$r" 2>/dev/null)
	printf %s "$got" >&"$w"
	[ ${#got} -ne "$1" ] || break
	sleep 0.1
done
echo ${#got} >"$COUNT_DIR/tokens"
END
chmod +x "$tree"/{count,tokens}
cat >>"$tree/Makefile" <<'END'
ifneq ($(objects),)
.PHONY: counted nested-% plus-% after-% killed tokens beside
after := $(objects:%=after-%)
$(after): after-%: %
	@$(srctree)/count $@
nested-%: alpha/unit_3.o
	@$(MAKE) -f $(srctree)/Makefile below-$*-1 below-$*-2 below-$*-3
below-%: FORCE
	@$(srctree)/count $@
plus-%: beta/unit_4.o
	+@$(srctree)/count $@
parts := $(after) $(patsubst %,nested-%,1 2 3 4) $(patsubst %,plus-%,1 2 3 4 5)
counted: $(parts) vmlinux
	+@$(srctree)/tokens $(TOKENS)
# A make that dies with a token in its hands.
killed: $(objects)
	-@$(MAKE) -f $(srctree)/Makefile die-1 die-2 die-3
	@$(MAKE) -f $(srctree)/Makefile below-1 below-2 below-3
	@touch killed
# Compiles that come first and stay here: their sources are pipes.
beside: $(HELD:%=held-%) $(objects)
held-%: prepare
	@$(CC) $(c_flags) -c -o held-$*.o $(HELD_DIR)/$*.c
die-1 die-3: FORCE
	@sleep 0.3
die-2: FORCE
	@sleep 0.1; kill -9 $$PPID
endif
END
farm_reference vmlinux
is "plain make ends with" 0 "$plain_status"
# make's own tokens verify the counting.
export COUNT_DIR=$work/count

fresh()
{
	farm_fresh
	rm -rf "$COUNT_DIR"
	mkdir -p "$COUNT_DIR"
	echo 0 >"$COUNT_DIR/n"
	: >"$COUNT_DIR/log"
}

most()
{
	sort -n "$COUNT_DIR/log" | tail -n 1 | cut -d' ' -f1
}

counted()
{
	wc -l <"$COUNT_DIR/log"
}

# local_slots: print the number of the build host's slots in the last build.
local_slots()
{
	"$bin/kfarm" history -n 1 --json | jq '.builds[0].local_slots'
}

complains()
{
	grep -hE 'jobserver|INTERNAL|forced in' "$work/out/build.log" \
		"$work/kfarm.log" | head -n 5
}

none_beyond()
{
	at_most "$1: recipes at once that are no compiles" "$slots" "$(most)"
	is "$1: make's complaints" "" "$(complains)"
}

without()
{
	fresh
	plain -j 9 counted TOKENS=8 >"$work/plain.log" 2>&1
	is "plain make -j9: exit status" 0 $?
	all=$(counted)
	check "plain make -j9 runs more at once ($(most))" [ "$(most)" -gt 4 ]
	is "plain make -j9: tokens at the end" 8 "$(cat "$COUNT_DIR/tokens")"
}

with_nodes()
{
	nodes 2 slots=6
	# A compile that waits for the toolchain upload would run locally.
	farm_warm vmlinux
	fresh
	kfarm_build --require-remote 80 counted vmlinux \
		TOKENS=$(("$(nproc)" - 1))
	is "nodes: exit status" 0 $?
	slots=$(local_slots)
	check "nodes: local slots are reported ($slots)" [ "$slots" -ge 1 ]
	at_most "nodes: local slots, while feeding them" "$(nproc)" "$slots"
	# Recipes other than compiles can use all cores.
	slots=$(nproc)
	is "nodes: all recipes ran" "$all" "$(counted)"
	none_beyond "nodes"
	is "nodes: tokens at the end" $((slots - 1)) \
		"$(cat "$COUNT_DIR/tokens")"
	rm -f "$build"/killed
	equal "nodes"
}

# At some time, more jobs run remotely than this machine has slots.
wide()
{
	local wide

	# With many cores, the compiles finish before many run remotely.
	[ "$cores" -le 4 ] || return 0
	nodes 2 slots=8
	fresh
	kfarm_build --json "$work/events" vmlinux
	is "events: exit status" 0 $?
	wide=$(jq -rn 'reduce inputs as $e ({now: {}, most: 0};
		if $e.event != "job" then . else
			(if $e.state == "send" then .now["\($e.job)"] = 1
			elif $e.state == "done" or $e.node == "local" then
				del(.now["\($e.job)"]) else . end) |
			.most = ([.most, (.now | length)] | max)
		end) | .most' "$work/events")
	check "events: jobs away at once ($wide)" [ "$wide" -gt "$cores" ]
}

limited()
{
	nodes 2 slots=6
	fresh
	kfarm_build -j 1 counted TOKENS=0
	is "-j1: exit status" 0 $?
	is "-j1: recipes at once" 1 "$(most)"
	is "-j1: tokens at the end" 0 "$(cat "$COUNT_DIR/tokens")"
}

under_way()
{
	[ "$(counted)" -ge "$1" ] && objects_beyond "$1"
}

interrupted()
{
	nodes 2 slots=6
	fresh
	kfarm_start counted TOKENS=0
	wait_for 60 under_way 5 || bad "interrupted: nothing begins"
	kill -INT "$kfarm"
	kfarm_wait
	is "interrupted: exit status" 130 $?
	gone "interrupted"
	none_beyond "interrupted"
	no_temporaries "interrupted"
}

# make continues without kfarm, with the tokens of this machine.
kfarm_killed()
{
	nodes 2 slots=6
	fresh
	kfarm_start counted TOKENS=$((slots - 1))
	wait_for 60 under_way 5 || bad "kfarm is killed: nothing begins"
	kill -KILL "$kfarm"
	kfarm_wait
	if wait_for 300 nothing_left; then
		good "kfarm is killed: make ends, and nothing is left"
	else
		bad "kfarm is killed: still running"
		left_over | head -n 10
		stop_all
	fi
	is "kfarm is killed: all recipes ran" "$all" "$(counted)"
	none_beyond "kfarm is killed"
	is "kfarm is killed: tokens at the end" $((slots - 1)) \
		"$(cat "$COUNT_DIR/tokens")"
	equal "kfarm is killed"
}

make_killed()
{
	local pid

	nodes 2 slots=6
	fresh
	kfarm_start counted TOKENS=0
	wait_for 60 under_way 5 || bad "make is killed: nothing begins"
	read -r pid _ <"$XDG_RUNTIME_DIR/kfarm/$kfarm/make"
	kill -KILL "$pid"
	kfarm_wait
	is "make is killed: exit status" 2 $?
	wait_for 60 nothing_left
	fresh
	kfarm_build counted vmlinux TOKENS=$((slots - 1))
	is "the build after it: exit status" 0 $?
	is "the build after it: tokens at the end" $((slots - 1)) \
		"$(cat "$COUNT_DIR/tokens")"
	equal "the build after it"
}

# A killed sub-make loses its tokens, as with make's own jobserver; the others
# still finish.
below_killed()
{
	nodes 2 slots=6
	fresh
	kfarm_build killed
	is "a make below is killed: exit status" 0 $?
	check "a make below is killed: the build ends" [ -e "$build/killed" ]
	none_beyond "a make below is killed"
}

held_objects()
{
	find "$build" -name 'held-*.o' | wc -l
}

# More local-only compiles than this machine has cores: make continues with
# compiles for nodes while all of these are stopped.  Compiles that fail on a
# node wait behind them, so the check requires only half.
held()
{
	local i many half sources=()

	nodes 2 slots=6
	fresh
	half=$(($(find "$ref" -name '*.o' | wc -l) / 2))
	many=$(seq -s ' ' $(($(nproc) + 3)))
	mkdir "$work/held"
	for i in $many; do
		sources+=("$work/held/$i.c")
	done
	mkfifo "${sources[@]}"
	kfarm_start beside HELD="$many" HELD_DIR="$work/held"
	if wait_for 120 objects_beyond $half; then
		good "held here: the others are done meanwhile"
	else
		bad "held here: only $(objects) others are done"
	fi
	is "held here: those held" 0 "$(held_objects)"
	for i in "${sources[@]}"; do
		echo 'int x;' >"$i" &
		children+=($!)
	done
	kfarm_wait
	is "held here: exit status" 0 $?
	is "held here: those held, at the end" ${#sources[@]} "$(held_objects)"
	no_temporaries "held here"
}

# kbuild gets the same MAKEFLAGS as under plain make.
makeflags()
{
	cat >"$tree/flags.mk" <<-'END'
	$(info flags [$(MAKEFLAGS)] [$(findstring s,$(firstword -$(MAKEFLAGS)))])
	END
	sed -i '1i -include $(or $(srctree),.)/flags.mk' "$tree/Makefile"
	fresh
	(cd "$tree" && make -j 2 -k -Otarget O="$build" "${vars[@]}" vmlinux) \
		2>&1 | grep '^flags' | sort -u >"$work/flags.plain"
	nodes 1 slots=2
	fresh
	kfarm_build vmlinux
	grep '^flags' "$work/out/build.log" | sort -u >"$work/flags.kfarm"
	check "MAKEFLAGS are set" [ -s "$work/flags.plain" ]
	check "MAKEFLAGS: kbuild reads the same" \
		diff "$work/flags.plain" "$work/flags.kfarm"
}

without
with_nodes
wide
limited
interrupted
kfarm_killed
make_killed
below_killed
held
makeflags
farm_end

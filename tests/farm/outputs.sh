#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# Side outputs of compiles, and LTO objects: all files of a small program equal
# those of plain make, with good nodes and with nodes that die or send wrong
# results.
. "$(dirname "$0")/lib.sh"

farm_begin
badnode=$(badnode) || exit 1
project=$work/project
units=12

write_project()
{
	local i

	mkdir -p "$project/sub"
	for i in $(seq "$units"); do
		cat >"$project/sub/u$i.c" <<END
#include "../h.h"
static int twice(int x) { int v[$i + 3]; fill(v, $i + 3); return v[1] + x * 2; }
int f$i(int n)
{
	int s = 0;
	for (int i = 0; i < n; i++)
		s += twice(i) * $i;
	return s;
}
END
	done
	echo 'void fill(int *v, int n);' >"$project/h.h"
	printf '\t.globl a\na:\tnop\n' >"$project/a.S"
	# The preprocessor skips this source, but the assembler includes files.
	cat >"$project/b.s" <<'END'
	.file "h.h"
	.globl b
b:	nop
	.include "sub/more.s"
	more in, cbin
#include "none.h"
END
	cat >"$project/sub/more.s" <<'END'
	.macro more a, b
	.\a\b "h.h", 1
	.endm
END
	# The first job waits until a node can run the others.
	cat >"$project/Makefile" <<'END'
objects := a.o b.o $(patsubst %.c,%.o,$(wildcard sub/*.c))
all: $(objects)
$(objects): first
first:
	@$(FIRST)
%.o: %.c
	@$(CC) $(FLAGS) -MD -c -o $@ $<
%.o: %.S
	@$(CC) $(AFLAGS) -c -o $@ $<
%.o: %.s
	@$(CC) $(AFLAGS) -c -o $@ $<
.PHONY: first
END
	cp -a "$project" "$work/pristine"
}

fresh()
{
	rm -rf "$project"
	cp -a "$work/pristine" "$project"
}

# first EVENTS NODE...: compile until each node has returned a result, and for
# NODE:wrong until kfarm has reported a wrong one.
cat >"$work/first" <<'END'
#!/bin/bash
events=$1
shift
cd "$(dirname "$events")" || exit 1
mkdir -p warm && cd warm || exit 1
for round in {1..60}; do
	for n; do
		n=${n%:*}
		echo "int first(int n) { return n; }" >"$n.c"
		$CC ${FLAGS/\$@/$n} -c -o "$n.o" "$n.c" &
	done
	wait
	all=1
	for n; do
		pattern="\"receive\".*\"node\":\"$n\""
		[ "$n" = "${n%:*}" ] ||
			pattern="\"node\":\"${n%:*}\".*wrong result: "
		grep -q "$pattern" "$events" || all=
	done
	[ ! "$all" ] || break
	sleep 0.3
done
rm -f ./*
END
chmod +x "$work/first"

# same NAME CC FLAGS AFLAGS: compare a build by make with one by the nodes.
same()
{
	local name=$1
	shift
	export CC=$1 FLAGS=$2 AFLAGS=${3:-}

	fresh
	(cd "$project" && make -j4 FIRST=) >"$work/plain.out" 2>&1
	rm -rf "$ref" && mv "$project" "$ref"
	fresh
	rm -f "$work/events"
	(cd "$project" && "$bin/kfarm" run --json "$work/events" -- make -j8 \
		FIRST="'$work/first' '$work/events' $nodes") \
		>"$work/run.out" 2>"$work/run.err" </dev/null
	is "$name: kfarm ends with" 0 $?
	is "$name: files" "$(cd "$ref" && find . -type f | sort)" \
		"$(cd "$project" && find . -type f | sort)"
	check "$name: equal to plain make's" compare_trees "$ref" "$project"
	no_temporaries "$name" "$project"
}

# good_nodes NAME CC FLAGS [AFLAGS]: check that nodes compile all units.
good_nodes()
{
	nodes 2 slots=3
	nodes='node1 node2'
	same "$@"
	check "$1: $(sed -n 's/^kfarm: jobs //p' "$work/run.err")" \
		[ "$(sed -n 's/^kfarm: jobs [0-9]*: \([0-9]*\) remote.*/\1/p' \
			"$work/run.err")" -ge "$units" ]
	check "$1: b.s is a node's" \
		grep -q '"state":"receive".*"file":"b.s"' "$work/events"
}

# cached NAME: build with the options of the last build, without nodes, from an
# empty and from a full result cache.
cached()
{
	local round

	no_nodes
	rm -rf "$XDG_CACHE_HOME/kfarm/results"
	for round in empty full; do
		fresh
		(cd "$project" && "$bin/kfarm" run --cache -- \
			make -j4 FIRST=) >"$work/run.out" 2>"$work/run.err" \
			</dev/null
		is "$1, $round cache: kfarm ends with" 0 $?
		check "$1, $round cache: equal to plain make's" \
			compare_trees "$ref" "$project"
		no_temporaries "$1, $round cache" "$project"
	done
	check "$1: all jobs are cached" grep -q \
		"^kfarm: jobs $((units + 2)): $((units + 2)) cached" \
		"$work/run.err"
}

kinds()
{
	good_nodes "stack usage" gcc '-O2 -fstack-usage' -fstack-usage
	cached "stack usage"
	good_nodes "debug information of assembler" gcc -O2 \
		'-g -O2 -Wa,--noexecstack'
	good_nodes "compressed debug information" gcc '-g -gz=zlib' \
		'-g -gz=zlib'
	cached "compressed debug information"
	good_nodes "coverage" gcc '-O2 --coverage -frandom-seed=k'
	cached "coverage"
	good_nodes "profile, an object alone" gcc '-fprofile-arcs -frandom-seed=k'
	good_nodes "split debug information" gcc \
		'-g -gsplit-dwarf -frandom-seed=k' '-g -gsplit-dwarf'
	cached "split debug information"
	good_nodes "callgraph and optimizations" gcc \
		'-O2 -fcallgraph-info=su -fopt-info-all=$@.info'
	cached "callgraph and optimizations"
	good_nodes "gcc's LTO, slim" gcc '-O2 -g -flto -frandom-seed=k'
	good_nodes "gcc's LTO, fat" gcc \
		'-O2 -flto=auto -ffat-lto-objects -frandom-seed=k'
}

kinds_of_clang()
{
	[ "$(command -v clang)" ] || {
		left_out "what clang writes" "no clang"
		return
	}
	good_nodes "clang: coverage and split debug information" clang \
		'-O2 -g -gsplit-dwarf --coverage -fstack-usage'
	good_nodes "clang: records" clang \
		'-O2 -fsave-optimization-record -MJ $@.json -DX=1'
	good_nodes "clang: options of LLVM" clang \
		'-O2 -fsanitize=kernel-address -mllvm -asan-stack=1 -mllvm -asan-mapping-offset=0xdffffc0000000000'
	good_nodes "clang: thin LTO" clang '-O2 -flto=thin -fsplit-lto-unit -g'
	good_nodes "clang: full LTO with coverage" clang '-O2 -flto --coverage'
}

# gcc puts random numbers into these files: both must be from one compile.
without_seed()
{
	nodes 2 slots=3
	fresh
	export CC=gcc FLAGS=--coverage AFLAGS=
	(cd "$project" && "$bin/kfarm" run -- make -j6 FIRST=true) \
		>"$work/run.out" 2>"$work/run.err" </dev/null
	is "without a seed: kfarm ends with" 0 $?
	is "without a seed: notes" "$units" \
		"$(find "$project" -name '*.gcno' | wc -l)"
}

name_of()
{
	local mode=${1%:*}

	echo "${mode/=/.}"
}

# lying MODE[:wrong]...: build with a node for each mode and a good one.
lying()
{
	local mode

	no_nodes
	nodes=
	for mode; do
		node "$(name_of "$mode")" "'$badnode' ${mode%:*} 0 $kfarmd" \
			slots=2
		[ "${mode#cut}" != "$mode" ] || [ "${mode#large}" != "$mode" ] ||
			nodes+=" ${mode/=/.}"
	done
	node good "$kfarmd" slots=3
	same "nodes that do $*" gcc \
		'-O2 -fstack-usage --coverage -frandom-seed=k'
}

# says MODE WORDS: check the report about that node in the last build.
says()
{
	check "$1: kfarm says $2" \
		grep -qE "\"node\":\"${1/=/.}\".*wrong result: .*$2" \
		"$work/events"
}

write_project
kinds
kinds_of_clang
without_seed
lying {spoil=5,noise-list=5,sides=1,extra}:wrong drop=6 cut=200
says spoil=5 digest
check 'drop=6: compiled here' grep -q 'result void on the node' "$work/run.err"
says noise-list=5 'wrong file format'
says sides=1 'side outputs'
says extra 'unexpected data'
lying {spoil=6,noise-list=6,sides=-2}:wrong drop=5 large=66000 cut=3000
says spoil=6 digest
says noise-list=6 'wrong file format'
says sides=-2 'side outputs'
farm_end

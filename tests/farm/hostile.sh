#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# Nodes that lie, break off, go silent: the tree is equal to plain make's,
# kfarm ends with 0, no build takes long, and kfarm says what was wrong.
. "$(dirname "$0")/lib.sh"

farm_begin
farm_mini 90 3
farm_reference Image
badnode=$(helper badnode ../tests/farm/badspoil.c \
	wire/{frame,codec,msg,msg-job,conn,key,field}.c base/{buf,bytes,str,err,digest}.c \
	-llzo2 -lzstd -lcrypto) || exit 1

# The modes of badnode, and what kfarm then says of such a node or of the build,
# in its metadata or its events (a regular expression).
wrong='wrong answer: '
modes='
mute		did not say hello in time
noise		not a kfarm message
early		did not say hello
greet		"jobs":0
version=0	speaks protocol 0 to 0
version=99	speaks protocol 99 to 99
have=1		no toolchain
have=2		no toolchain
have=9		broken HAVE
cut=0		"errors":[1-9]
cut=15		"errors":[1-9]
cut=16		"errors":[1-9]
cut=17		"errors":[1-9]
cut=21		"errors":[1-9]
cut=1000	"errors":[1-9]
cut-end=0	"errors":[1-9]
cut-end=-1	"errors":[1-9]
cut-end=-40	"errors":[1-9]
cut-end=-117	"errors":[1-9]
flip=3		WRONG.*digest
flip=800	WRONG.*digest
other		WRONG.*digest
machine=62	WRONG.*machine 62
machine=3	WRONG.*machine 3
class		WRONG.*class 1
short=100	WRONG.*beyond the file
empty		WRONG.*not an ELF
text		WRONG.*not an ELF
toolchain	WRONG.*toolchain
digest		WRONG.*digest
length=1	WRONG.*bytes of an object
length=-1	WRONG.*bytes of an object
length=1000000000	"errors":[1-9]
status=256	"compile error":
status=9	"compile error":
whisper		"diagnostics":
twice		"jobs":[1-9]
nobody		"jobs":[1-9]
body=1		"errors":[1-9]
body=-1		"errors":[1-9]
garbage		"errors":[1-9]
fail=0		"option refused by the node":
fail=1		"retried":[1-9]
fail=2		does not want to
fail=3		"result void on the node":
fail=4		"retried":[1-9]
fail=5		"retried":[1-9]
fail=99		"errors":[1-9]
type=999	"errors":[1-9]
type=5		"errors":[1-9]
type=33		"errors":[1-9]
stream=9	"errors":[1-9]
bye		I am tired
header=4294967295	"errors":[1-9]
bomb=1		"errors":[1-9]
bomb=2		"errors":[1-9]
stderr=1	"diagnostics":
stderr=6000	"errors":[1-9]
beats=300	"jobs":[1-9]
drip		"jobs":[1-9]
swallow		"slow or lost node":
silent		silent for 5 s
header=1048576	silent for 5 s
'

# hostile AFTER MODE...: a build with a node of each mode and a good one; the
# bad ones answer AFTER jobs properly first.
hostile()
{
	local after=$1 began=$SECONDS status mode wanted name="$*"

	shift
	name="nodes that do: ${name#* }"
	no_nodes
	for mode; do
		node "${mode/=/.}" "'$badnode' $mode $after '$bin/kfarmd' --stdio" \
			slots=2
	done
	node good "'$bin/kfarmd' --stdio" slots=3
	farm_fresh
	kfarm_build -j $((2 * $# + 4)) --json "$work/events" Image
	status=$?
	is "$name: kfarm ends with" 0 $status
	[ $status -eq 0 ] || tail -n 15 "$work/kfarm.log" | sed 's/^/      /'
	# The build is short: what is above it is the stall.
	at_most "$name: seconds" $((plain_seconds + 15)) $((SECONDS - began))
	equal "$name"
	no_temporaries "$name"
	for mode; do
		wanted=$(printf '%s\n' "$modes" | awk -F'\t+' -v m="$mode" \
			'$1 == m { print $2 }')
		check "$mode: kfarm says $wanted" said "$mode" \
			"${wanted/WRONG/$wrong}"
	done
}

said()
{
	local all

	all=$(jq -c --arg m "${1/=/.}" '.nodes[$m], .farm' \
		"$work/out/metadata.json"
		jq -c --arg m "${1/=/.}" \
			'select(.event == "node" and .node == $m)' "$work/events")
	printf '%s\n' "$all"
	printf '%s\n' "$all" | grep -qE "$2"
}

# One job after the other: each could meet the node that swallows it.
one_by_one()
{
	local began=$SECONDS

	no_nodes
	node bad "'$badnode' swallow 0 '$bin/kfarmd' --stdio" slots=4
	node good "'$bin/kfarmd' --stdio" slots=4
	farm_fresh
	kfarm_build -j 1 Image
	is "swallowed one by one: kfarm ends with" 0 $?
	# Once 10 s for the hedge, then the node rests.
	at_most "swallowed one by one: seconds" \
		$((plain_seconds * cores + 15)) $((SECONDS - began))
	equal "swallowed one by one"
}

all=()
while IFS=$'\t' read -r mode _; do
	[ ! "$mode" ] || all+=("$mode")
done <<<"$modes"

if [ "$soak" ]; then
	for mode in "${all[@]}"; do
		for after in 0 1 4; do
			hostile $after "$mode"
		done
	done
	for n in {1..4000..97}; do
		modes+="cut=$n	\"errors\":[1-9]"$'\n'
		hostile 1 "cut=$n"
	done
	modes+='endless=1100	"errors":[1-9]'$'\n'
	hostile 1 endless=1100
else
	# Neighbours in the list are alike: each build gets one of a kind.
	groups=11
	for g in $(seq 0 $((groups - 1))); do
		some=()
		for ((i = g; i < ${#all[@]}; i += groups)); do
			some+=("${all[i]}")
		done
		hostile 0 "${some[@]}"
	done
fi
one_by_one
farm_end

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# Nodes and relays that send wrong results, disconnect or go silent: the tree
# equals plain make's, kfarm exits with 0, no build takes long, and kfarm reports
# the fault.
#
# With --relay, the nodes are behind an honest relay, which handles their faults:
# kfarm's reports are then not checked.
. "$(dirname "$0")/lib.sh"

behind=
[ "${1:-}" != --relay ] || behind=1
farm_begin
farm_mini 16 1 prepare
farm_reference Image
badnode=$(badnode) || exit 1

# The modes of badnode, each with kfarm's report about such a node or the build
# in its metadata or events (a regular expression).
wrong='wrong result: '
modes='
mute		session setup timed out
noise		not a kfarm message
early		message before HELLO
greet		session setup timed out
version=1	speaks protocol 1 to 1
version=99	speaks protocol 99 to 99
fit=0		there is no sandbox here
fit=2		malformed FIT
fit-broken=1	malformed FIT
fit-twice	unexpected second FIT
fit-never	unexpected MACHINE
machine-never	session setup timed out
machine-broken	malformed MACHINE
machine-twice	unexpected MACHINE
have=1		it is not for you
have=2		it is not for you
have=9		malformed HAVE
have-early	"jobs":[1-9]
have-twice	"jobs":[1-9]
have-nobody	"jobs":[1-9]
have-never	"jobs":0
need-all	"jobs":[1-9]
need-twice	"jobs":[1-9]
need-links	invalid NEED
need-beyond	invalid NEED
need-view=1	invalid NEED
need-nobody	"jobs":[1-9]
need-unsorted	malformed NEED
need-never	"jobs":0
need-late	"duplicated":[1-9]
cut-all=0	"jobs":0
cut-all=20	"jobs":0
cut-all=150	"jobs":0
cut-all=400	"jobs":0
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
spoil=0		WRONG.*digest
spoil=1		WRONG.*stream 1
spoil=2		WRONG.*stream 2
spoil=3		WRONG.*digest
spoil=4		WRONG.*digest
other		WRONG.*(digest|stream)
machine=62	WRONG.*machine 62
machine=3	WRONG.*machine 3
class		WRONG.*class 1
short=100	WRONG.*beyond the end of the file
empty		WRONG.*not an ELF
text		WRONG.*not an ELF
toolchain	WRONG.*toolchain
digest		WRONG.*digest
length=1	WRONG.*stream 0
length=-1	WRONG.*stream 0
length=1000000000	"errors":[1-9]
outside=3	"read a file unknown to the scan":
outside=4	"assembled a file unknown to the scan":
hide		WRONG.*depfile: no entry for input
drop=3		"no list of files read":
drop=4		"jobs":[1-9]
noise-list=3	unknown to the scan|unreadable list of files
noise-list=4	unknown to the scan|unreadable list of files
status=256	"compile failed on the node":
status=9	"compile failed on the node":
whisper		WRONG.*stream 2
told=100	WRONG.*stream 2
escape=0	"control characters in diagnostics":
escape=1	"control characters in diagnostics":
stderr=600	"very long diagnostics":
stderr=6000	"errors":[1-9]
lost		it fell over
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
fail=6		"input missing on the node":
fail=99		"errors":[1-9]
type=999	"errors":[1-9]
type=9		"errors":[1-9]
type=12		"errors":[1-9]
type=33		"errors":[1-9]
stream=11	"errors":[1-9]
bye		I am tired
header=4294967295	"errors":[1-9]
bomb=1		"errors":[1-9]
bomb=2		"errors":[1-9]
beats=300	"jobs":[1-9]
drip		"jobs":[1-9]
balloon		output of the unfinished jobs of the node exceeds|"duplicated":[1-9]
swallow		"duplicated":[1-9]
silent		silent for 5 s
header=1048576	silent for 5 s
'
# Modes of a relay.
lies='
slots=200	"jobs":[1-9]
relay-broken	malformed RELAY
relay-many	"jobs":[1-9]
via-broken	malformed VIA
via-nobody	"jobs":[1-9]
via-wrong	"member":"nobody"
'
# real MODE: print the command of the real node for the mode.  A mode that
# suppresses NEED requires a node that lacks files.
real()
{
	case $1 in
	slots=* | relay-* | via-*) echo "$honest_relay" ;;
	need-never)
		rm -rf "$work/empty"
		echo "${kfarmd/%store\'/empty\'}"
		;;
	need-late)
		rm -rf "$work/some"
		cp -a "$work/toolchains" "$work/some"
		echo "${kfarmd/%store\'/some\'}"
		;;
	*) echo "$kfarmd" ;;
	esac
}

# is_late MODE: return true if kfarm reports the mode only after seconds.
is_late()
{
	case $(words_of "$1") in
	'silent for '* | *'setup timed out') ;;
	*) return 1 ;;
	esac
}

# awaited MODE: print a regular expression for the line of the events until which
# the build must run, if any: a late report, or the first job of a relay.
awaited()
{
	if is_late "$1"; then
		words_of "$1"
	elif grep -q "^$1"$'\t' <<<"$lies"; then
		echo "$(words_of "$1")|\"event\":\"job\""
	fi
}

# hold MODE...: keep a build with these nodes running until kfarm has reported what
# is awaited about each of them, or for two minutes.
hold()
{
	local late=() mode i

	for mode; do
		[ -z "$(awaited "$mode")" ] || late+=("$mode")
	done
	[ ${#late[@]} -gt 0 ] || return 0
	: >"$work/hold"
	{
		for ((i = 0; i < 600 && ${#late[@]} > 0; i++)); do
			sleep 0.2
			! grep -F "\"node\":\"${late[0]/=/.}\"" "$work/events" |
				grep -qE "$(awaited "${late[0]}")" ||
				late=("${late[@]:1}")
		done 2>/dev/null
		rm -f "$work/hold"
	} &
}

# Print kfarm's report about a node of that mode.
words_of()
{
	printf '%s\n' "$modes" "$lies" | awk -F'\t+' -v m="$1" '$1 == m { print $2 }'
}

# hostile AFTER MODE...: build with a node of each mode and a good one.  The bad
# nodes answer AFTER jobs correctly first.
hostile()
{
	local after=$1 began=$SECONDS status mode wanted name="$*"

	shift
	name="nodes that do: ${name#* }"
	no_nodes
	for mode; do
		node "${mode/=/.}" "'$badnode' $mode $after $(real "$mode")" \
			slots=2
	done
	node good "$kfarmd" slots=3
	[ ! "$behind" ] || relay rack
	farm_fresh
	rm -f "$work/events"
	[ "$behind" ] || hold "$@"
	FARM_HOLD=$work/hold kfarm_build -j $((2 * $# + 4)) \
		--json "$work/events" Image
	status=$?
	wait
	is "$name: kfarm ends with" 0 $status
	[ $status -eq 0 ] || tail -n 15 "$work/kfarm.log" | sed 's/^/      /'
	# The build is short, so a much longer time is a stall.
	at_most "$name: seconds" $((3 * plain_seconds + 100)) \
		$((SECONDS - began))
	equal "$name"
	no_temporaries "$name"
	is "$name: escapes on kfarm's own output" 0 \
		"$(grep -c $'\e' "$work/kfarm.log")"
	collect_reports
	[ ! "$behind" ] || return 0
	for mode; do
		wanted=$(words_of "$mode")
		check "$mode: kfarm says $wanted" said "$mode" \
			"${wanted/WRONG/$wrong}"
	done
}

# Write each of kfarm's reports about the last build to $work/reports, after the
# name of its node, or "*" if it is about the whole build.
collect_reports()
{
	{
		jq -r '(.nodes | to_entries[] | "\(.key) \(.value | tojson)"),
			"* \(.farm | tojson)",
			"* \({warnings: .results.warnings} | tojson)"' \
			"$work/out/metadata.json"
		grep -E '"event":"(node|cell|job)"' "$work/events" |
			jq -r 'select(.node) | "\(.node) \(tojson)"'
	} >"$work/reports"
}

said()
{
	awk -v node="${1/=/.}" '$1 == node || $1 == "*" {
		print substr($0, length($1) + 2)
	}' "$work/reports" >"$work/said"
	cat "$work/said"
	grep -qE "$2" "$work/said"
}

# The jobs run one after the other, and each can reach the node that swallows
# it.
one_by_one()
{
	local began=$SECONDS

	no_nodes
	node bad "'$badnode' swallow 0 $kfarmd" slots=4
	node good "$kfarmd" slots=4
	farm_fresh
	kfarm_build -j 1 Image
	is "swallowed one by one: kfarm ends with" 0 $?
	# One wait of 10 s for the hedged request, then the node is in backoff.
	at_most "swallowed one by one: seconds" \
		$((3 * plain_seconds * cores + 100)) $((SECONDS - began))
	equal "swallowed one by one"
}

lying_relays()
{
	local lying

	no_nodes
	node member "$kfarmd" slots=2
	honest_relay=$(relay_command honest)
	mapfile -t lying < <(printf '%s\n' "$lies" | cut -f 1 | grep .)
	hostile 0 "${lying[@]}"
}

# A relay executes the jobs of bad members on the good one, except that only the
# build host detects a wrong result.
hostile_members()
{
	behind=1
	hostile 0 mute have=1 lost garbage swallow
	hostile 0 flip=3
	check "kfarm names the member with the wrong result" \
		grep "node rack/flip.3: .*: result digest mismatch" "$work/kfarm.log"
	check "kfarm continues to use the relay" \
		said rack '^{"state":"up".*"jobs":[1-9]'
	behind=
}

# each GROUPS: build with all modes of the table.  The modes with late reports
# share a first build.  Neighbours in the table are alike, so they are
# distributed over different builds.
each()
{
	local all=() late=() some g i mode groups=$1

	while IFS=$'\t' read -r mode _; do
		[ "$mode" ] || continue
		if is_late "$mode"; then
			late+=("$mode")
		else
			all+=("$mode")
		fi
	done <<<"$modes"
	hostile 0 "${late[@]}"
	for g in $(seq 0 $((groups - 1))); do
		some=()
		for ((i = g; i < ${#all[@]}; i += groups)); do
			some+=("${all[i]}")
		done
		hostile 0 "${some[@]}"
	done
}

# Each mode alone, and from a later result on.
alone()
{
	local mode after

	while IFS=$'\t' read -r mode _; do
		[ "$mode" ] || continue
		for after in 0 1 4; do
			hostile $after "$mode"
		done
	done <<<"$modes"
}

nodes 1
farm_warm -j 6 Image
toolchains_of "$work/store" "$work/toolchains"
if [ "$soak" ]; then
	alone
	for n in {1..4000..97}; do
		modes+="cut=$n	\"errors\":[1-9]"$'\n'
		hostile 1 "cut=$n"
	done
	for n in {0..1200..41}; do
		modes+="cut-all=$n	\"jobs\":"$'\n'
		hostile 0 "cut-all=$n"
	done
	modes+='endless=1100	"errors":[1-9]'$'\n'
	hostile 1 endless=1100
elif [ "$behind" ]; then
	each 6
else
	each 13
	lying_relays
	hostile_members
fi
[ "$behind" ] || one_by_one
farm_end

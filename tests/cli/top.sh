# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2016
# kfarm top without a terminal: simulations, recordings, nodes, no build.
export XDG_RUNTIME_DIR=$HOME/run
mkdir -m 700 run
mkdir -p .config/kfarm

# jq OPTION... FILTER: print numbers in one way, because jq 1.7 prints 30.0 as it
# is.
jq()
{
	command jq "${@:1:$#-1}" \
		"walk(if type == \"number\" then . + 0 else . end) | ${!#}"
}

run kfarm top --once
run kfarm top --once --json
# Without builds and nodes, lines are not printed, but their absence is explained.
kfarm top --ui plain 2>plain &
until [ -s plain ]; do sleep 0.1; done
kill $!
wait $!
cat plain
KFARM='--ui ncurses' run kfarm top --once
run kfarm top --json --ui ncurses
run kfarm top --simulate --once --at 0
run kfarm top --simulate --once --at 30
run kfarm top --simulate --once --at 80.5 --seed 2 --nodes 3 --rate 20 --fail
run kfarm top --simulate --once --at 1000 --nodes 1 --rate 5
kfarm top --simulate --once --json --at 30 | jq -c '.nodes, (.builds[] | .phase,
	.elapsed, .status, .estimate, .reasons, (.nodes[] | select(.idle > 10)),
	(.jobs | length, .[0]))'

# A recording of the simulation gives the same output, even with other lines in
# it.
kfarm top --simulate --speed 1000 --json >all
sed -n -e 's/kfarm [0-9.]*/kfarm N/' -e '1,2p' -e '$p' all
run kfarm top --simulate=all --once --at 30 >again
kfarm top --simulate --once --at 30 | diff - <(tail -n +2 again) && echo same
# Without a baseline the total is unknown.
grep -v '"estimate"' all >new
run kfarm top --simulate=new --once --at 30 | sed -n 3p
kfarm top --simulate=new --once --json --at 30 | jq -c '.builds[].estimate'
{
	head -n 500 all
	printf '\n\033[2Jrubbish\xff\n{"t":1,"event":"of tomorrow","x":{}}\n'
	head -c 3000000 /dev/zero | tr '\0' x
	echo
	tail -n +501 all
} >spoiled
kfarm top --simulate=spoiled --once --at 30 | diff - <(tail -n +2 again) &&
	echo same
head -n 9000 all >short
run kfarm top --simulate=short --once --at 1000 | sed 2q
run kfarm top --simulate=short --speed 100000
# All lines about a recorded build contain its pid, also the first ones.
sed '1s/"pid":1,/"pid":4242,/' short >recorded
kfarm top --simulate=recorded --speed 100000 --json | jq .build | sort -u
kfarm top --simulate=recorded --speed 100000 | grep -c 'build 1:'

run kfarm top --simulate=nowhere --once
: >empty
run kfarm top --simulate=empty --once
echo hello >text
run kfarm top --simulate=text --once
echo '{"t":0,"event":"stream","version":7}' >later
run kfarm top --simulate=later --once
run kfarm top --simulate=. --once
run kfarm top all
run kfarm top --speed 3
run kfarm top --simulate=all --seed 3
run kfarm top --simulate --speed fast
run kfarm top --simulate --at -1
run kfarm top --simulate --nodes 5000
run kfarm top --ui fancy
run kfarm top --simulate --groups
run kfarm top --simulate --once --groups --json

# A screen without a terminal; a pipe.
run kfarm top --ui ncurses
TERM=dumb run kfarm top --ui ncurses --simulate
kfarm top --simulate --speed 2000 --json |
	run kfarm top --simulate=/dev/stdin --speed 2000 --ui plain | tail -n 1
kfarm top --simulate --speed 2000 --json |
	run kfarm top --simulate=/dev/stdin --once --at 1000 | sed -n 3p
{ head -n 1 all; cat /dev/zero; } |
	run kfarm top --simulate=/dev/stdin --once
KFARM='--ui=line --arch=arm64' run kfarm top --simulate --speed 9999 | head -n 2

# The reader exits.
kfarm top --simulate --speed 1000 --json | head -c 10
echo
kfarm top --simulate --once --json >/dev/full
echo "[$?]"
kfarm top --simulate --speed 1000 --json >/dev/full
echo "[$?]"

# A timeout would give the status 124.
timeout 100 kfarm top --simulate --ui plain --speed 0.5 | head -n 1
echo "${PIPESTATUS[*]}"
timeout 100 kfarm top --ui plain | true
echo "${PIPESTATUS[*]}"
kfarm top --simulate --speed 1000 --ui plain >/dev/full
echo "[$?]"

# A directory of a killed build, and one that is not a build's.
mkdir -p run/kfarm/4711 run/kfarm/no run/kfarm/4712/events
perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Listen => 1,
	Local => "run/kfarm/4711/events") or die'
cat >"$config" <<'END'
[node "gone"]
	address = "exec:echo no route to host >&2; exit 255"
[node "good"]
	address = exec:kfarmd --stdio
END
run kfarm top --once | sed -E -e 's/^(good +)[^ ]+ .*/\1.../' -e 's/ +/ /g'
kfarm top --once --json | jq -c '.builds, (.nodes[] |
	if .name == "gone" then .
	else .state, .cores > 0, .slots > 0, .memory > 0, .load >= 0 end)'
# The table of the nodes cannot be written.
kfarm top --ui plain >/dev/full
echo "[$?]"

# Pools and sites without a build.
cat >"$config" <<'END'
[pool "spot"]
	start = false
	max = 8
[pool "weekend"]
	start = false
	max = 1
	drain = true
[node "good"]
	address = exec:kfarmd --stdio
[node "gone"]
	address = "exec:echo no route to host >&2; exit 255"
	site = attic
END
run kfarm top --once | sed -E -e 's/^(good +)[^ ]+ .*/\1.../' -e 's/ +/ /g'
run kfarm top --once --groups | awk '{ print $1, $2, $3 }'
kfarm top --once --json | jq -c '[.nodes[] | [.name, .pool, .site, .state]]'

# The commands that have the full-screen view according to the manual.
sed -n '/^\.Sh THE FULL-SCREEN VIEW/,/^\.Sh [^T]/s/^\.Ql kfarm \([a-z]*\).*/\1/p' \
	"$1/../../man/kfarm-top.1" | sort -u | while read -r command; do
	echo "kfarm $command: $(kfarm help "$command" | grep -e --ui)"
done

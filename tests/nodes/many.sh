#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# nodes/many.sh - of 100 nodes over TLS, 20 are dead.  The others are up before
# any timer of kfarm expires, and a command does not wait until the dead ones
# have timed out.  tests/bench/many-nodes measures the times, also with 500 idle
# nodes.
# shellcheck source=tests/farm/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../farm/lib.sh"

# In a network of its own, the kernel does not time out the connections to silent
# nodes during the test.
if [ -z "${KFARM_NAMESPACE:-}" ]; then
	export KFARM_NAMESPACE=1
	[ "$(id -u)" -ne 0 ] || exec unshare -n "$0"
	exec unshare -rn "$0"
fi
ip link set lo up && echo 127 >/proc/sys/net/ipv4/tcp_syn_retries || exit 1

live=80 silent=10 refusing=10
waits_ms=1000 # maximum wait of a command for nodes (READY_MS)

# set_clock MS: set kfarm's monotonic clock, which otherwise stands still.
set_clock()
{
	echo "$1" >"$work/clock.new" && mv "$work/clock.new" "$work/clock"
}

# count STATE: print the number of nodes in that state.  kfarm flushes the file of
# --json by a timer, but its socket begins with a snapshot.
count()
{
	python3 - "$XDG_RUNTIME_DIR"/kfarm/*/events "$1" <<-'END'
	import json, socket, sys
	s = socket.socket(socket.AF_UNIX)
	s.connect(sys.argv[1])
	states = {}
	for line in s.makefile():
	    event = json.loads(line)
	    if event['event'] == 'node':
	        states[event['node']] = event['state']
	    elif event['event'] == 'live':
	        break
	print(list(states.values()).count(sys.argv[2]))
	END
}

is_up()
{
	[ "$(count up)" -eq $live ]
}

has_failed()
{
	[ "$(count down)" -eq "$1" ]
}

farm_begin
mkdir -p "$XDG_CONFIG_HOME/kfarm"
# shellcheck disable=SC2046 # several words
cc -std=gnu17 -D_GNU_SOURCE -O1 -I"$root/kbuild-farm" -o "$work/stub-nodes" \
	"$root/tests/bench/stub-nodes.c" "$bin"/lib/{wire,tls,base}.a \
	$(pkg-config --libs libevent_core jansson openssl libzstd lzo2) \
	-lpthread &&
	cc -shared -fPIC -O1 -o "$work/held-clock.so" \
		"$root/tests/lib/held-clock.c" || exit 1
"$work/stub-nodes" "$XDG_CONFIG_HOME/kfarm" "$KFARM_CONFIG" 36340 \
	$live $silent $refusing >"$work/ready" &
stubs=$!
children+=("$stubs")
wait_for 60 test -s "$work/ready" || exit 1

set_clock 1000000
# The command prints the peak memory of kfarm and waits.
cat >"$work/command" <<'END'
awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$PPID/status" >started.new
mv started.new started
until [ -e end ]; do sleep 0.05; done
END
(cd "$work" && HELD_CLOCK=$work/clock LD_PRELOAD=$work/held-clock.so \
	exec "$bin/kfarm" run -q -- sh command) >"$work/log" 2>&1 &
kfarm=$!
children+=("$kfarm")
check "$live nodes are up before a timer expires" wait_for 60 is_up
check "those that refuse connections have failed" \
	wait_for 60 has_failed $refusing
check "the command waits for the others" test ! -e "$work/started"
set_clock $((1000000 + waits_ms))
check "but not for long" wait_for 60 test -e "$work/started"
is "no silent node has timed out" $silent "$(count connecting)"
at_most "MiB" 128 "$(cat "$work/started")"
touch "$work/end"
wait "$kfarm"
is "kfarm run ends with" 0 $?
kill "$stubs"
wait "$stubs" 2>/dev/null
farm_end

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # the libraries set these names
# check: yes
#
# A signed list of nodes on a server with faults: kfarm imports the list, and a
# build refreshes it and uses its nodes.  A list that is not signed by the key,
# replayed, expired, too long, or that could execute a command is refused, and
# the last good list remains in use.
# shellcheck source=tests/toolchain/lib.sh
. "$(dirname "$0")/../toolchain/lib.sh"
. "$(dirname "$0")/../toolchain/archives.sh"

toolchain_begin
files=$work/files
list=$files/list.asc
mkdir "$files"
archives_gpg_open || exit 1
trap 'archives_gpg_close; farm_cleanup' EXIT
for name in team other; do
	archives_gpg --quick-generate-key "$name <$name@kfarm.test>" \
		ed25519 sign never || exit 1
done
archives_gpg --armor --export team@kfarm.test >"$work/team.asc"
fingerprint()
{
	archives_gpg --with-colons --list-keys "$1@kfarm.test" |
		awk -F: '$1 == "fpr" { print $10; exit }'
}
team=$(fingerprint team)
other=$(fingerprint other)
badserver_start "$files"
url=$bad_url/file/list.asc

# kfarmd, and the key of the build host, which kfarmd accepts
"$bin/kfarmd" --config "$work/etc" --init >"$work/node.key" || exit 1
setsid "$bin/kfarmd" --config "$work/etc" --listen 127.0.0.1:0 \
	--store "$work/store" >"$work/kfarmd.log" 2>&1 </dev/null &
children+=("$!")
check "kfarmd listens" \
	wait_for 60 grep -q 'listening on' "$work/kfarmd.log"
address=$(grep -o 'listening on .*' "$work/kfarmd.log" | grep -o '127[0-9.:]*')
pin=$(cat "$work/node.key")

# publish SERIAL EXPIRES [KEY]: sign a list with the nodes from stdin.
publish()
{
	{
		printf '[list]\n\tname = farm\n\tserial = %s\n' "$1"
		printf '\texpires = %s\n' "$2"
		cat
	} >"$work/list" && archives_gpg -u "${3:-team}@kfarm.test" \
		--clearsign -o "$list" "$work/list"
}

# nodes_of NAME...: print sections with the address of kfarmd.
nodes_of()
{
	printf "[node \"%s\"]\\n\\taddress = tls:$address\\n\\tkey = $pin\\n" "$@"
}

# Print the names of the nodes that a build would use.
names()
{
	"$bin/kfarm" nodes list --json 2>/dev/null | jq -r '.nodes[].name' |
		paste -sd ' '
}

# refused CASE PATTERN: the refresh fails with this message; the last good list
# remains in use.
refused()
{
	check "$1: the import fails" not kfarm nodes import
	check "$1: the message" says err "$2"
	check "$1: which list is in use" says err \
		'the list farm with the serial 7, imported .* ago, remains in use$'
	is "$1: the nodes in use" "a b" "$(names)"
}

settings()
{
	printf '[toolchain]\n\tca-file = %s\n' "$server_ca" >"$KFARM_CONFIG"
	printf '%s\n' "$@" >>"$KFARM_CONFIG"
}

imports()
{
	settings
	nodes_of a b | publish 7 2999-12-31
	check "without a key: fails" not kfarm nodes import "$url"
	check "without a key: remedy" says err 'requires --key FINGERPRINT'
	check "unknown key: fails" not kfarm nodes import --key "$team" "$url"
	check "unknown key: remedy" says err 'or use --key-file$'
	is "failed imports write no settings" 0 \
		"$(grep -c import "$KFARM_CONFIG")"
	check "the list is imported" kfarm nodes import --key "$team" \
		--key-file "$work/team.asc" "$url"
	check "the list is described" says out \
		'^farm: serial 7, 2 nodes, expires at the end of 2999-12-31$'
	grep -o 'SHA256:[^,:]*' "$work/said.err" | sed 's/$/ build/' \
		>"$work/etc/clients"
	is "the settings" "url = $url key = $team" \
		"$(sed '1,/^.import/d' "$KFARM_CONFIG" | xargs)"
	check "the list is refreshed" kfarm nodes import
	check "the list is unchanged" says out ', unchanged$'
	check "the list is found by its URL" kfarm nodes import "$url"
	check "both nodes are up" kfarm nodes list --state up
	is "the nodes" "a b" "$(names)"
}

refuses()
{
	cp "$list" "$work/good.asc"
	sed 's/^\[node "b"\]/[node "c"]/' "$work/good.asc" >"$list"
	refused "edited" "list.asc: not signed by the key $team: bad signature"
	sed -n '/^\[list/,/^-----BEGIN/p' "$work/good.asc" | sed '$d' >"$list"
	refused "unsigned" 'list.asc: not signed .*with `gpg --clearsign`'
	nodes_of c | publish 8 2999-12-31 other
	refused "other key" 'list.asc: not signed by the key .*'
	nodes_of c | publish 6 2999-12-31
	refused "replayed" 'list.asc:6: serial: 6 is older than serial 7'
	nodes_of c | publish 7 2999-12-31
	refused "another list 7" 'list.asc:6: .*must increase the serial'
	nodes_of c | publish 8 2020-02-29
	refused "expired" 'list.asc:7: expires: the list expired at the end'
	printf '[node "c"]\naddress = exec:touch %s\nkey = %s\n' \
		"$work/pwned" "$pin" | publish 8 2999-12-31
	refused "command" 'list.asc:9: address: "exec:touch .*not allowed'
	printf '%s\n' '[node "c"]' "power = touch $work/pwned" |
		publish 8 2999-12-31
	refused "power" 'list.asc:9: power is not allowed in'
	sed -i 's|/file/list.asc|/cut=90/file/list.asc|' "$KFARM_CONFIG"
	cp "$work/good.asc" "$list"
	refused "cut" 'cut=90/file/list.asc: '
	sed -i "s|url = .*|url = $url|" "$KFARM_CONFIG"
	check "no command was executed" not test -e "$work/pwned"

	# Another author cannot take over the name of a list.
	nodes_of c | publish 9 2999-12-31 other
	archives_gpg --armor --export other@kfarm.test >"$work/other.asc"
	check "another author: fails" not kfarm nodes import --key "$other" \
		--key-file "$work/other.asc" "$list"
	check "another author: remedy" says err 'nodes import --remove farm'
	is "another author: the nodes in use" "a b" "$(names)"
	rm "$list"
	refused "missing" 'list.asc'
	cp "$work/good.asc" "$list"
}

# cpu COMMAND...: run it and store its CPU time, in ms, in $cpu_ms.
cpu()
{
	local TIMEFORMAT='%U %S'

	{ time "$@" 2>"$work/cpu.err"; } 2>"$work/cpu.time"
	cpu_ms=$(awk '{ printf "%d", ($1 + $2) * 1000 }' "$work/cpu.time")
}

# entries KEYS: print 10^5 sections, of which the first KEYS have a key.
entries()
{
	awk -v n="$1" -v pin="$pin" 'BEGIN {
		for (i = 0; i < 100000; i++) {
			printf "[node \"%d\"]\naddress=tls:h\n", i
			if (i < n)
				printf "key=%s\n", pin
		}
	}'
}

many()
{
	entries 10000 | publish 8 2999-12-31
	cpu refused "10^5 nodes" 'list.asc:[0-9]*: too many nodes: .* at most 10000 nodes'
	at_most "10^5 nodes: CPU time in ms" 2000 "$cpu_ms"
	entries 100000 | publish 8 2999-12-31
	cpu refused "10^5 keys" 'too large: a list has at most 8 MiB and 10000 nodes'
	at_most "10^5 keys: CPU time in ms" 2000 "$cpu_ms"
	cp "$work/good.asc" "$list"
}

# A build refreshes the list, uses its nodes, and fails for no fault of the list.
builds()
{
	local began

	nodes_of a b c | publish 10 2999-12-31
	farm_fresh
	check "refreshed: kfarm builds" kfarm_build --require-remote 1 vmlinux
	equal "refreshed"
	is "refreshed: the nodes in use" "a b c" "$(names)"
	is "refreshed: warnings" 0 "$(grep -c 'warning: .*list' "$work/kfarm.log")"

	for fault in stall=-1 stall=100 drip=100 status=500; do
		sed -i "s|url = .*|url = $bad_url/$fault/file/list.asc|" \
			"$KFARM_CONFIG"
		began=$SECONDS
		check "$fault: kfarm runs" kfarm run -- true
		# A download without a limit stalls for 30 s.
		at_most "$fault: seconds" 10 $((SECONDS - began))
		check "$fault: warning" says err \
			'warning: .*the list farm with the serial 10, imported .* ago, remains in use$'
	done
	# Like a file on a dead mount, a FIFO blocks the thread that opens it.
	mkfifo "$work/fifo.asc"
	sed -i "s|url = .*|url = $work/fifo.asc|" "$KFARM_CONFIG"
	check "blocked: kfarm runs" kfarm run -- true
	check "blocked: warning" says err \
		'fifo.asc: no answer within a second; the list farm .* remains'
	check "stalled: kfarm builds" farm_fresh
	sed -i "s|url = .*|url = $bad_url/stall=-1/file/list.asc|" "$KFARM_CONFIG"
	check "stalled: kfarm builds" kfarm_build --require-remote 1 vmlinux
	check "stalled: the cause" grep -q 'no answer within a second' \
		"$work/kfarm.log"
	equal "stalled"
	check "without nodes: kfarm runs" kfarm run --no-remote -- true
	check "without nodes: no warning" not says err 'list'
	sed -i "s|url = .*|url = $url|" "$KFARM_CONFIG"
}

# A running build applies a new list.
running()
{
	nodes_of a b c d | publish 11 2999-12-31
	rm "$list.new" 2>/dev/null
	mv "$list" "$list.new"
	# The variables are expanded by the inner shell.
	# shellcheck disable=SC2016
	check "running: the new node appears" timeout 120 "$bin/kfarm" run -- \
		sh -c 'mv "$1.new" "$1" && "$2" nodes import || exit
		until "$2" top --once --json | grep -q "\"d\""; do
			sleep 0.1
		done' sh "$list" "$bin/kfarm"
}

# Local decisions about imported nodes.
local_settings()
{
	check "drain" kfarm nodes drain a c
	check "a is drained" kfarm nodes list --state drained a
	check "a is listed" says out '^a '
	is "drained nodes" "drain = a c" "$(grep -o 'drain.*' "$KFARM_CONFIG")"
	check "resume" kfarm nodes resume a
	is "the setting" "drain = c" "$(grep -o 'drain.*' "$KFARM_CONFIG")"
	check "remove fails" not kfarm nodes remove a
	check "remove: remedy" says err 'kfarm nodes drain a'
	check "tune fails" not kfarm nodes tune --yes a
	check "tune: reason" says err 'in the imported list farm'
	check "a list is removed" kfarm nodes import --remove farm
	is "no nodes remain" "" "$(names)"
	is "no list remains" "" "$(ls "$XDG_STATE_HOME/kfarm/lists")"
	check "unknown list" not kfarm nodes import --remove farm

	# A node of the configuration has precedence.
	printf '[node "b"]\n\taddress = exec:exit 3\n' >>"$KFARM_CONFIG"
	check "a file is imported" kfarm nodes import --key "$team" "$list"
	check "hidden node" says err '1 node is not used'
	is "the addresses of b" "exec:exit 3" "$("$bin/kfarm" nodes list b \
		--json | jq -r '.nodes[].address')"
}

farm_mini 8
farm_reference vmlinux
is "plain make ends with" 0 "$plain_status"
imports
refuses
many
builds
running
local_settings
farm_end

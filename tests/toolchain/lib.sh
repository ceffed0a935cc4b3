# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# toolchain/lib.sh - functions shared by the toolchain tests, in addition to
# farm/lib.sh.  A test calls toolchain_begin, then checks, and ends with
# farm_end.
#
# After `server_start DIR` an nginx serves DIR, like kernel.org:
#
#	$server_url	https://127.0.0.1:PORT
#	$server_http	http://127.0.0.1:PORT, the same files
#	$server_ca	the authority that signed its certificate, PEM
#	$server_other	an authority that did not
#	$server_log	requests: "METHOD URI STATUS BYTES RANGE" per line
#
# $server_url/to-http/X redirects to $server_http/X, and $server_http/to-https/X
# vice versa.  $SERVER_CONFIG can contain lines for nginx's http block, such as
# "limit_rate 1m;".
#
# After `badserver_start [ROOT]` a server with faults is at $bad_url and
# $bad_http, with the same authority.  tests/toolchain/badorder.h lists its
# options, as in $bad_url/cut=9/file/PATH.  $bad_log has "PATH RANGE CONDITION"
# per line.
# shellcheck disable=SC2034 # what the tests use
# shellcheck source=tests/farm/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../farm/lib.sh"
server_pid=
bad_pid=

toolchain_begin()
{
	farm_begin
	export XDG_DATA_HOME=$work/data XDG_STATE_HOME=$work/state
	unset http_proxy https_proxy all_proxy no_proxy
	unset HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY
}

# kfarm ARG...: write output and status to $work/said.out, .err and .status.
kfarm()
{
	"$bin/kfarm" "$@" >"$work/said.out" 2>"$work/said.err" </dev/null
	echo $? >"$work/said.status"
	cat "$work/said.out" "$work/said.err"
	return "$(cat "$work/said.status")"
}

# says FILE PATTERN: match that output, where FILE is "out" or "err".
says()
{
	grep -q -- "$2" "$work/said.$1" || {
		cat "$work/said.out" "$work/said.err"
		return 1
	}
}

not()
{
	! "$@"
}

# tool NAME [ARCHIVE|-lLIBRARY]...: compile tests/toolchain/NAME.c; print its
# path.
tool()
{
	local source=$root/tests/toolchain/$1.c out=$bin/toolchain/$1 new file
	local inputs=("$root/tests/toolchain")

	shift
	for file; do
		[ "${file#-l}" != "$file" ] || inputs+=("$file")
	done
	new=$(find "${inputs[@]}" -name '*.[cha]' -newer "$out" -print -quit \
		2>&1)
	if [ "$new" ]; then
		mkdir -p "$bin/toolchain" && cc -std=gnu17 -D_GNU_SOURCE -O1 \
			-g -Wall -I"$root/kbuild-farm" -o "$out.$$" "$source" \
			"$@" && mv "$out.$$" "$out" || return
	fi
	echo "$out"
}

# server_prepare NAME: create $work/NAME with the certificates.
server_prepare()
{
	[ ! -d "$work/$1" ] || return 0
	mkdir -p "$work/$1" || exit 1
	if [ ! -e "$work/certificates" ]; then
		mkdir "$work/certificates"
		"$root/tests/toolchain/certificates" "$work/certificates" ||
			exit 1
	fi
	server_ca=$work/certificates/ca.pem
	server_other=$work/certificates/other.pem
	cp "$work"/certificates/* "$work/$1" || exit 1
}

# Wait until a server has written its ports, and print them.
server_ports()
{
	wait_for 60 test -s "$work/$1/ports" || {
		echo "the server does not start:" >&2
		cat "$work/$1"/*.log >&2
		exit 1
	}
	cat "$work/$1/ports"
}

server_start()
{
	local sockets tls plain

	sockets=$(tool sockets) || exit 1
	server_prepare server
	rm -f "$work/server/ports"
	SERVER_CONFIG=${SERVER_CONFIG:-} setsid "$sockets" 2 \
		"$root/tests/toolchain/nginx" "$work/server" \
		"$(realpath "$1")" >"$work/server/out.log" 2>&1 </dev/null &
	# The leader of a new session, so that its worker ends with it.
	server_pid=$!
	children+=("-$server_pid")
	read -r tls plain < <(server_ports server)
	server_url=https://127.0.0.1:$tls
	server_http=http://127.0.0.1:$plain
	server_log=$work/server/access.log
}

# stop_server PID: stop either server and its children.
stop_server()
{
	local i

	[ "$1" ] || return 0
	kill -KILL -- "-$1" 2>/dev/null
	wait "$1" 2>/dev/null
	for i in "${!children[@]}"; do
		[ "${children[i]}" != "-$1" ] || unset "children[i]"
	done
}

server_stop()
{
	stop_server "$server_pid"
	server_pid=
}

# badserver_start [ROOT]
badserver_start()
{
	local program tls plain

	program=$(tool badserver -lssl -lcrypto -lpthread) || exit 1
	server_prepare badserver
	rm -f "$work/badserver/ports"
	setsid "$program" "$work/badserver" "${1:-/nonexistent}" \
		>"$work/badserver/out.log" 2>&1 </dev/null &
	bad_pid=$!
	children+=("-$bad_pid")
	read -r tls plain < <(server_ports badserver)
	bad_url=https://127.0.0.1:$tls
	bad_http=http://127.0.0.1:$plain
	bad_log=$work/badserver/access.log
}

badserver_stop()
{
	stop_server "$bad_pid"
	bad_pid=
}

# choose NODE ID: pretend that tune found this build to be the fastest there.
choose()
{
	local file=$XDG_STATE_HOME/kfarm/canary.json

	jq --arg node "$1" --arg id "$2" \
		'.choices = [.choices[0] + {node: $node, id: $id}]' \
		"$file" >"$work/canary.new" && mv "$work/canary.new" "$file"
}

# archive HOST: print the local archive of that host's build (archives.sh).
archive()
{
	echo "$archives/made/$1/$(archives_name "$1" aarch64-linux).tar.xz"
}

# install_archive HOST [OPTION...]
install_archive()
{
	local file sum

	file=$(archive "$1")
	sum=$(sha256sum "$file")
	shift
	kfarm toolchain install --file "$file" --sha256 "${sum%% *}" "$@"
}

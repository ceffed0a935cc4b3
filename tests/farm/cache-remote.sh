#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154,SC2016 # variables from lib.sh; '`' in single quotes
# check: yes
#
# The result cache on a server: nginx with WebDAV, a server that validates each
# ActionResult as bazel-remote does, and servers that fail, stall or return
# wrong data.
# shellcheck source=tests/toolchain/lib.sh
. "$(dirname "$0")/../toolchain/lib.sh"

toolchain_begin
unset CCACHE_DISABLE
/usr/bin/python3 -c 'import google.protobuf' 2>/dev/null || {
	left_out "remote cache" "no python3-protobuf"
	farm_end
}
farm_mini 8 8
farm_reference vmlinux
is "plain make ends with" 0 "$plain_status"
requests=$work/requests

# configure [LINE]...: use the cache with these settings.  Lookups do not time
# out, so that the results do not depend on the speed of the machine.
configure()
{
	printf '[cache]\n' >"$KFARM_CONFIG"
	printf '\t%s\n' "remote-timeout = 60s" "$@" >>"$KFARM_CONFIG"
}

# cached_build NAME: build from scratch, and compare with plain make's.  Without
# a history, no cost of a compile is known, so each lookup gets 500 ms.
cached_build()
{
	rm -rf "$XDG_STATE_HOME"
	farm_fresh
	check "$1: kfarm builds" kfarm_build vmlinux
	equal "$1"
	no_temporaries "$1"
}

# first_build NAME: likewise with an empty local cache.
first_build()
{
	"$bin/kfarm" cache clear >"$work/clear.log" || bad "$1: cache clear"
	cached_build "$1"
}

misses()
{
	is "$1: no job is cached" 0 "$(meta .farm.cached)"
}

# warnings NAME N [TEXT]: check that the log has N warnings about the server,
# and the text.
warnings()
{
	is "$1: warnings" "$2" \
		"$(grep -c 'warning: .*\(result cache\|remote result\)' \
			"$work/kfarm.log")"
	[ $# -eq 2 ] || check "$1: the warning has the cause" \
		grep -qF "$3" "$work/kfarm.log"
}

# n_requests METHOD [STATUS]: count the requests, except for that of an empty
# item, with which each build starts.
n_requests()
{
	grep -v '/cas/e3b0c44298fc1c14' "$requests" | grep -c "^$1 .* ${2:-.*}\$"
}

# ---- a server that validates ActionResults ----

server_prepare cache
"$root/tests/farm/cache-server.py" "$work"/cache/server.{pem,key} \
	>"$requests" 2>"$work/server.log" &
cache_server=$!
children+=("$cache_server")
wait_for 60 test -s "$requests"
read -r port tls <"$requests"
server=http://127.0.0.1:$port
secure=https://127.0.0.1:$tls

configure "remote = $server/good/team" "remote-write = true"
first_build "empty server"
misses "empty server"
jobs=$(n_jobs)
is "empty server: each result is looked up under both keys" $((jobs * 2)) \
	"$(n_requests GET 404)"
is "empty server: each result is uploaded" "$jobs" \
	"$(grep -c '^PUT /good/team/ac/.* 200$' "$requests")"
check "empty server: outputs are uploaded" \
	grep -q '^PUT /good/team/cas/.* 200$' "$requests"
is "empty server: it rejects nothing" 0 "$(n_requests PUT '4..')"
puts=$(n_requests PUT)
first_build "full server"
hits "full server"
is "full server: nothing is uploaded" "$puts" "$(n_requests PUT)"
plain vmlinux >"$work/again.log" 2>&1
is "plain make then compiles nothing" 0 \
	"$(grep -cE '^  (HOST)?(CC|AS) ' "$work/again.log")"
gets=$(n_requests GET)
cached_build "results of the server, full local cache"
hits "results of the server, full local cache"
is "results of the server, full local cache: no request" "$gets" \
	"$(n_requests GET)"

# A result with messages has another key.
source=$(cd "$tree" && find alpha -name '*.c' | sort | head -n 1)
cp "$tree/$source" "$work/source"
printf '#warning "the server has this warning"\n' >>"$tree/$source"
for round in first second; do
	"$bin/kfarm" cache clear >"$work/clear.log" || bad "warning: cache clear"
	farm_fresh
	check "warning: $round build" kfarm_build vmlinux
	is "warning: the log of the $round build has it" 1 "$(grep -c \
		'warning: #warning "the server has this warning"' \
		"$work/out/build.log")"
done
hits "warning"
cp "$work/source" "$tree/$source"
first_build "source as before"
hits "source as before"

puts=$(n_requests PUT)
configure "remote = $server/good/other"
first_build "read-only"
hits "read-only"
echo 'int added_for_the_cache;' >>"$tree/$source"
farm_fresh
check "read-only, changed source: kfarm builds" kfarm_build vmlinux
check "read-only, changed source: it is compiled" \
	test "$(meta .farm.cached)" -lt "$jobs"
cp "$work/source" "$tree/$source"
is "read-only: nothing is uploaded" "$puts" "$(n_requests PUT)"

configure "remote = $server/moved/team"
first_build "redirect"
hits "redirect"

# ---- keys ----

own=$HOME/.config/kfarm/key.pem
fingerprint=SHA256:$(openssl pkey -in "$own" -pubout -outform DER |
	openssl dgst -sha256 -binary | openssl base64 | tr -d =)
mv "$own" "$work/writer.pem"
configure "remote = $server/good"
first_build "no key"
misses "no key"
check "no key: the note has the remedy" grep -q \
	'remote result cache is not used: .*set `trust = FINGERPRINT`' \
	"$work/kfarm.log"
configure "remote = $server/good" "trust = SHA256:${fingerprint:7:42}"
first_build "wrong fingerprint"
misses "wrong fingerprint"
check "wrong fingerprint: note" grep -q \
	'remote result cache is not used: `trust` in \[cache\]: invalid' \
	"$work/kfarm.log"
configure "remote = $server/good" "trust = $fingerprint"
first_build "trusted key"
hits "trusted key"
openssl genpkey -algorithm ED25519 -out "$own" 2>/dev/null
chmod 600 "$own"
configure "remote = $server/good"
first_build "another user's key"
misses "another user's key"
warnings "another user's key" 1 "no remote result was used, because only"
# Both users upload, without overwriting each other's results.
configure "remote = $server/good" "remote-write = true"
first_build "second user"
misses "second user"
first_build "second user, own results"
hits "second user, own results"
mv "$own" "$work/second.pem"
cp "$work/writer.pem" "$own"
first_build "first user, own results"
hits "first user, own results"
mv "$work/second.pem" "$own"
configure "remote = $server/good" "trust = SHA256:${fingerprint:7}" \
	"trust = SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0"
first_build "several trusted keys"
hits "several trusted keys"
mv "$work/writer.pem" "$own"

# ---- faults ----

while read -r mode cause; do
	configure "remote = $server/$mode"
	case $mode in
	stall | late) sed -i '/remote-timeout/d' "$KFARM_CONFIG" ;;
	esac
	first_build "$mode"
	case $mode in
	lost | lie) # small results have no item
		check "$mode: small results are cached" \
			test "$(meta .farm.cached)" -lt "$jobs"
		;;
	*) misses "$mode" ;;
	esac
	if [ "$cause" ]; then
		warnings "$mode" 1 "$cause"
	elif [ "$mode" = lie ]; then # four damaged outputs can be consecutive
		at_most "$mode: warnings" 1 \
			"$(grep -c 'warning: .*result cache' "$work/kfarm.log")"
	else
		warnings "$mode" 0
	fi
	at_most "$mode: requests" $((jobs * 2)) \
		"$(grep -c "/$mode/" "$requests")"
done <<END
stall no response within 1000 ms
error HTTP status 500
late no response within
cut bytes remaining to read
forge damaged or forged result
swap damaged or forged result
junk damaged or forged result
endless the response is too large
file redirects to a protocol other than https or http
lie
lost
END

# With seven keys, a miss costs 14 requests, which together exceed the limit of a
# lookup.
keys=()
for i in A E I M Q U Y; do
	keys+=("trust = SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa$i")
done
configure "remote = $server/far" "${keys[@]}"
sed -i '/remote-timeout/d' "$KFARM_CONFIG"
first_build "distant server"
warnings "distant server" 0

configure "remote = http://127.0.0.1:1"
first_build "no server"
warnings "no server" 1 "Failed to connect"
configure "remote = file:///etc"
first_build "URL of a file"
check "URL of a file: note" grep -q \
	'remote result cache is not used: .*expected a URL with https or http' \
	"$work/kfarm.log"
configure "remote = $server/deny" "remote-write = true"
farm_fresh
check "uploads are denied: kfarm builds" kfarm_build --recache vmlinux
warnings "uploads are denied" 1 "HTTP status 403; no more results are uploaded"

# An interrupt ends the uploads, but not the build, which is complete.
configure "remote = $server/upload-stall" "remote-write = true"
farm_fresh
kfarm_start --recache vmlinux
check "stalled uploads: progress" wait_for 60 \
	grep -q 'uploading .* results to the remote cache; Ctrl-C' "$work/kfarm.log"
kill -INT "$kfarm"
kfarm_wait
is "stalled uploads, Ctrl-C: kfarm ends with" 0 $?
check "stalled uploads, Ctrl-C: the warning counts the results" \
	grep -q 'warning: .* results were not uploaded' "$work/kfarm.log"
rm -rf "$build"
kfarm_start --recache -k tinyconfig -k defconfig vmlinux
check "stalled uploads of the first of two builds: progress" wait_for 60 \
	grep -q 'uploading .* results to the remote cache; Ctrl-C' "$work/kfarm.log"
kill -INT "$kfarm"
kfarm_wait
is "stalled uploads of the first of two builds, Ctrl-C: kfarm ends with" 130 $?
is "stalled uploads of the first of two builds, Ctrl-C: the table" \
	"tinyconfig built,defconfig not started" \
	"$(sed -nE 's/^arm64 +([a-z]+) .* (built|not started) .*/\1 \2/p' \
		"$work/kfarm.log" | paste -sd ,)"

# ---- secrets ----

echo '# no token' >"$work/header"
configure "remote = $secure/token" "remote-ca-file = $server_ca" \
	"remote-header-file = $work/header"
chmod 640 "$work/header"
first_build "readable secret"
check "readable secret: note" grep -qF \
	"is accessible by group or others; run \`chmod 600" "$work/kfarm.log"
chmod 600 "$work/header"
first_build "no token"
warnings "no token" 1 "HTTP status 403; it is no longer used in this build"
check "no token: the warning has the remedy" \
	grep -qF 'check `remote-header-file`' "$work/kfarm.log"
echo 'X-Token: secret' >>"$work/header"
first_build "token"
hits "token"
sed -i 's,/token$,/away,' "$KFARM_CONFIG"
first_build "redirect to another host"
hits "redirect to another host"
check "redirect to another host: it gets no token" \
	grep -q 'GET /no-token/ac/.* 200' "$requests"
configure "remote = $server/token" "remote-header-file = $work/header"
first_build "token without encryption"
check "token without encryption: note" grep -q \
	'`remote-header-file` in \[cache\]: `remote` must be an https URL' \
	"$work/kfarm.log"

configure "remote = $secure/auth" "remote-ca-file = $server_ca"
first_build "no password"
warnings "no password" 1 "HTTP status 401"
echo "machine 127.0.0.1 login me password secret" >"$HOME/.netrc"
chmod 600 "$HOME/.netrc"
first_build "netrc"
hits "netrc"
configure "remote = https://me:secret@127.0.0.1:$tls/auth"
first_build "password in the URL"
check "password in the URL: note" grep -q 'put them into ~/.netrc' \
	"$work/kfarm.log"
check "password in the URL: it is not printed" \
	not grep -rq secret "$work/kfarm.log" "$work/out"
configure "remote = $secure/good" "remote-ca-file = $server_other"
first_build "other authority"
warnings "other authority" 1 "server certificate verification failed"

# ---- nginx with DAV, HTTP/2 and client certificates ----

dav=$work/dav
mkdir "$dav" "$work/server" "$work/client"
cp "$work"/certificates/* "$work/server"
(cd "$work/certificates" && openssl req -x509 -newkey ec -nodes -days 30 \
	-pkeyopt ec_paramgen_curve:P-256 -subj /CN=developer -CA ca.pem \
	-CAkey ca.key -addext basicConstraints=critical,CA:FALSE \
	-keyout "$work/client/key.pem" -out "$work/client/certificate.pem" \
	2>"$work/openssl.log") || bad "client certificate"
chmod 600 "$work/client/key.pem"
SERVER_LISTEN=http2 SERVER_CONFIG="
	ssl_client_certificate $work/server/ca.pem;
	ssl_verify_client on;
	dav_methods PUT;
	create_full_put_path on;
	client_max_body_size 0;
	log_format protocol '\$server_protocol \$request_method \$uri \$status';
	access_log $work/protocol.log protocol;" server_start "$dav"
configure "remote = $server_url/team/kernel/" "remote-write = true" \
	"remote-ca-file = $server_ca"
first_build "nginx, no client certificate"
warnings "nginx, no client certificate" 1 "HTTP status 400"
configure "remote = $server_url/team/kernel/" "remote-write = true" \
	"remote-ca-file = $server_ca" \
	"remote-certificate = $work/client/certificate.pem" \
	"remote-key = $work/client/key.pem"
first_build "nginx, empty"
misses "nginx, empty"
warnings "nginx, empty" 0
is "nginx, empty: each result is uploaded" "$jobs" \
	"$(find "$dav/team/kernel/ac" -type f | wc -l)"
for file in "$dav"/team/kernel/cas/*; do
	is "nginx: the name of an item is its digest" "${file##*/}" \
		"$(sha256sum <"$file" | cut -c -64)"
done
first_build "nginx, full"
hits "nginx, full"
check "nginx, full: the summary tells the results of the server apart" grep -q \
	"^jobs $jobs: $jobs cached (100.0 %, $jobs from the server), " \
	"$work/kfarm.log"
cached_build "nginx, full local cache"
is "nginx, full local cache: no result is from the server" 0 \
	"$(meta .farm.cached_remote)"

# The end of a build abandons the uploads of hits, so a single build need not
# upload all of them.
rm -rf "$dav/team"
n_stored()
{
	find "$dav/team/kernel/ac" -type f 2>/dev/null | wc -l
}
for ((i = 0; i < 50 && $(n_stored) < jobs; i++)); do
	farm_fresh
	kfarm_build vmlinux || bad "nginx, hits: kfarm builds"
done
hits "nginx, hits"
is "nginx, hits: it has all results" "$jobs" "$(n_stored)"
first_build "nginx, uploaded hits"
hits "nginx, uploaded hits"
check "nginx: HTTP/2" grep -q '^HTTP/2.0 GET /team/kernel/ac/.* 200$' \
	"$work/protocol.log"
sed -i '/remote-write/d' "$KFARM_CONFIG"
for file in "$dav"/team/kernel/*/*; do
	printf x | dd of="$file" conv=notrunc bs=1 seek=200 status=none
done
first_build "nginx, damaged entries"
misses "nginx, damaged entries"
warnings "nginx, damaged entries" 1 "damaged or forged result"
server_stop
kill "$cache_server"
wait "$cache_server" 2>/dev/null
farm_end

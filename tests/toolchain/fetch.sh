#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # what lib.sh sets
# check: yes
#
# Downloads from nginx in kernel.org's layout: listings, redirects, resumption
# after kill -9 and after Ctrl-C, and the cost of downloads.
. "$(dirname "$0")/lib.sh"

toolchain_begin
fetchone=$(tool fetchone "$bin"/lib/{fetch,base}.a -lcurl -lcrypto \
	-lpthread) || exit 1
files=pub/tools/crosstool/files/bin/x86_64/13.3.0
archive=x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.xz
mkdir -p "$work/tree/$files"
head -c 20000000 /dev/urandom >"$work/tree/$files/$archive"
touch "$work/tree/$files/"{sha256sums.asc,"odd name&co:.tar.xz"}
part=$work/part got=$work/got

one()
{
	"$fetchone" "$server_ca" "$part" "$got" "$@" 2>"$work/err"
}

same()
{
	cmp "$got" "$work/tree/$files/$archive"
}

requests()
{
	grep -c "^GET /$files/$archive " "$server_log"
}

# Print the offsets of the requests for the file, in order; 0: all of it.
offsets()
{
	sed -n "s,^GET /$files/$archive .* \"\(.*\)\"\$,\1,p" "$server_log" |
		sed 's/^-$/0/; s/^bytes=//; s/-$//'
}

in_order()
{
	offsets | sort -n -c && [ "$(offsets | grep -c '^0$')" -eq 1 ]
}

are_logged()
{
	[ "$(requests)" -ge "$1" ]
}

# ---- the good case ----

server_start "$work/tree"
is "the listing" "odd name&co:.tar.xz sha256sums.asc $archive" \
	"$("$fetchone" "$server_ca" list "$server_url/$files/" | tr '\n' ' ' |
		sed 's/ $//')"
is "a directory above" 13.3.0 \
	"$("$fetchone" "$server_ca" list "$server_url/${files%/*}/")"
said=$(one "$server_url/$files/$archive")
check "a file of 20 MB" same
echo "      $said"
at_most "KiB of memory" 32768 "${said%% *}"
check "again: is it still current?" one "$server_url/$files/$archive"
check "and equal" same
is "that cost no bytes" 304 "$(awk 'END { print $3 }' "$server_log")"
touch -d '1 hour ago' "$work/tree/$files/$archive"
check "another date" one "$server_url/$files/$archive"
is "costs all of them" 200 "$(awk 'END { print $3 }' "$server_log")"
check "which are equal" same
rm -f "$part"*

one "$server_url/to-http/$files/$archive" >"$work/said"
is "a redirect to http: exit status" 1 $?
check "and what is said" grep -q "after redirect: $server_http/.*unencrypted http" \
	"$work/err"
"$fetchone" "$server_other" "$part" "$got" "$server_url/$files/$archive" \
	>"$work/said" 2>"$work/err"
is "another authority: exit status" 1 $?
check "and what is said" grep -q "certificate verification failed" "$work/err"
one "$server_url/$files/no-such" >"$work/said"
is "a missing file: exit status" 1 $?
check "and what is said" grep -q "no-such: no such file (HTTP 404)" "$work/err"
check "the second mirror has it" one "$server_url/no/such" \
	"$server_url/$files/$archive"
check "and it is equal" same
rm -f "$part"*
server_stop

# ---- interruptions ----

# Emulate a network that nearly stops after the first bytes of each response, so
# that no download ends before it is interrupted.
SERVER_CONFIG='limit_rate_after 150k; limit_rate 5k;' server_start "$work/tree"
: >"$server_log"
sent=0

size_beyond()
{
	[ "$(stat -c %s "$part" 2>/dev/null || echo 0)" -gt "$1" ]
}

# interrupt SIGNAL BYTES: signal the download after BYTES more, at most 150k.
interrupt()
{
	local pid beyond

	beyond=$(($(stat -c %s "$part" 2>/dev/null || echo 0) + $2))
	env --default-signal=INT "$fetchone" "$server_ca" "$part" "$got" \
		"$server_url/$files/$archive" >"$work/said" 2>"$work/err" &
	pid=$!
	children+=("$pid")
	while [ -e "/proc/$pid/exe" ] && ! size_beyond "$beyond"; do
		sleep 0.01
	done
	kill "-$1" "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	interrupted=$?
	unset "children[-1]"
	sent=$((sent + 1))
}

for _ in $(rounds 12 100); do
	interrupt KILL $((RANDOM * 4))
done
interrupt INT 100000
is "Ctrl-C: exit status" 130 "$interrupted"
check "and what is said" grep -q "cancelled" "$work/err"
wait_for 60 are_logged "$sent"
server_stop
server_start "$work/tree"
check "the rest" one "$server_url/$files/$archive"
check "is equal after $sent interruptions" same
wait_for 60 are_logged $((sent + 1))
is "requests" $((sent + 1)) "$(requests)"
check "each went on where the one before had ended" in_order
server_stop
farm_end

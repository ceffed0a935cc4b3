#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# Reports of real builds.  The figures equal those of metadata.json, a browser
# displays the page without any network request, and the trace has a valid
# format.  Also tested: builds that failed, were interrupted or are old, and
# requests for unknown builds.
. "$(dirname "$0")/lib.sh"

farm_begin
farm_mini 24 6 prepare
nodes 2
page=$root/tests/report/check-page
trace=$root/tests/report/check-trace
# Other users cannot read $work.
browser=/tmp/kfarm-browser.$$

report()
{
	"$bin/kfarm" report "$@"
}

# json EXPRESSION [BUILD]: print a value of the build's report.
json()
{
	report --json ${2:+"$2"} | jq -r "$1"
}

# figures FILE EXPRESSION: compare figures of a report with metadata.json.
figures()
{
	jq -S -c "$2" "$1"
}

same_figures()
{
	report --json "$work/out" >"$work/report.json"
	is "$1: as in metadata.json" \
		"$(figures "$work/out/metadata.json" '[.farm.remote,
			.farm.local, .farm.retried, .farm.duplicated,
			.farm.reasons, .results.warnings, .results.errors,
			(.nodes | map_values([.jobs, .sent, .received,
				.retries, .errors]))]')" \
		"$(figures "$work/report.json" '[.remote, .local, .retried,
			.duplicated, .reasons, .warnings, .errors,
			(.nodes | map(select(.name != "local")) | map({
				key: .name, value: [.jobs, .sent, .received,
				.retries, .failed] }) | from_entries)]')"
	is "$1: a unit for each job" "$(meta '.farm.remote + .farm.local')" \
		"$(jq '.units | length' "$work/report.json")"
	is "$1: no unit before it was queued" 0 \
		"$(jq '[.units[] | select(.done < .queued)] | length' \
			"$work/report.json")"
	check "$1: the page" "$page" "$work/out/report.html"
	report --trace="$work/trace.json"
	check "$1: the trace" "$trace" "$work/trace.json" \
		"$(meta '.farm.remote + .farm.local')"
}

# browse FILE: open it as an unprivileged user if possible, in a network without
# routes.  The picture is $browser/page.png; $browser/asked has the requests and
# $browser/log those that the page's policy blocked.
browse()
{
	local user=() cut=(unshare -n)

	rm -rf "$browser"
	mkdir -m 777 "$browser"
	cp "$1" "$browser/report.html"
	chmod 644 "$browser/report.html"
	[ "$(id -u)" -ne 0 ] ||
		user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	"${cut[@]}" true 2>/dev/null || cut=(unshare -rn)
	"${cut[@]}" "${user[@]}" env HOME="$browser" XDG_CONFIG_HOME="$browser" \
		XDG_CACHE_HOME="$browser" XDG_RUNTIME_DIR="$browser" timeout 120 \
		chromium --headless --no-sandbox --disable-gpu \
		--disable-background-networking --disable-component-update \
		--no-first-run --hide-scrollbars --window-size=1300,2400 \
		--user-data-dir="$browser/profile" --enable-logging=stderr \
		--log-net-log="$browser/net.json" \
		--screenshot="$browser/page.png" \
		"file://$browser/report.html" >"$browser/log" 2>&1 || {
		tail -n 5 "$browser/log"
		return 1
	}
	asked "$browser/net.json" >"$browser/asked"
}

is_picture()
{
	[ "$(head -c 4 "$browser/page.png" | tail -c 3)" = PNG ] &&
		[ "$(stat -c %s "$browser/page.png")" -gt 50000 ]
}

# asked FILE: print the page's requests from a network log; the browser's own
# requests have no origin there.
asked()
{
	jq -r '.events[].params? |
		select(.initiator? and .initiator != "not an origin") | .url |
		select(test("^(file|data|chrome):") | not)' "$1" | sort -u
}

built()
{
	farm_warm Image
	same_figures "built"
	is "built: state" good "$(json .state)"
	is "built: verdict" "build $(json .build): Image built" \
		"$(report | head -n 1)"
	is "built: by number and by directory" "$(report "$work/out")" \
		"$(report "$(json .build)")"
	is "built: by a file of the directory" "$(report)" \
		"$(report "$work/out/report.html")"
	is "built: the page that was left" "$(cat "$work/out/report.html")" \
		"$(report --html)"
}

# Hostile text in a diagnostic controls neither the terminal nor the page, and
# the diagnostic is marked as new.
warned()
{
	cp "$tree/alpha/unit_3.c" "$work/unit_3.c"
	printf '#warning <b>&"bold"</script> \xe2\x80\xaeevil \033[31m \xff red\n' \
		>>"$tree/alpha/unit_3.c"
	kfarm_build Image
	is "warned: exit status" 0 $?
	same_figures "warned"
	check "warned: the text" eval 'report | LC_ALL=C grep -q "^  new .*/script"'
	is "warned: the text steers no terminal" 0 "$(report |
		LC_ALL=C grep -cP "[\x00-\x08\x0b-\x1f\x7f]|\xe2\x80[\xaa-\xae]")"
	is "warned: JSON is ASCII" 0 "$(report --json | LC_ALL=C grep -cP "[^ -~]")"
	check "warned: the page says new" \
		grep -q '<span class="tag new">new</span>' "$work/out/report.html"
	is "warned: no script" 0 "$(grep -c '</script>' "$work/out/report.html")"
	rm "$build/beta/unit_1.o"
	kfarm_build Image
	is "carried: none is new" "0 carried" "$(json \
		'"\(.new_warnings) \(.diagnostics | map(.is) | unique | join(" "))"')"
	cp "$work/unit_3.c" "$tree/alpha/unit_3.c"
}

failed()
{
	farm_fresh
	cp -a "$tree" "$work/broken"
	echo 'int f(void) { return "<b>\"</script>" + nowhere; }' \
		>>"$work/broken/alpha/unit_3.c"
	tree=$work/broken kfarm_build Image
	is "failed: exit status" 2 $?
	same_figures "failed"
	is "failed: state" failed "$(json .state)"
	check "failed: the page reports it" grep -q '>failed</span>Image' \
		"$work/out/report.html"
}

# A report during the build, and one after its end.
interrupted()
{
	farm_fresh
	: >"$work/hold"
	FARM_HOLD=$work/hold kfarm_start Image
	wait_for 60 objects_beyond 3
	is "running: state" "running null" "$(json '"\(.state) \(.status)"')"
	check "running: it is reported" eval \
		'report | grep -q "The build is still running"'
	kill -INT "$kfarm"
	kfarm_wait
	rm "$work/hold"
	gone "interrupted"
	is "interrupted: state" stopped "$(json .state)"
	check "interrupted: the page" "$page" "$work/out/report.html"
	check "interrupted: the page reports it" \
		grep -q '>interrupted</span>Image' "$work/out/report.html"
}

# The history has the units of three builds of a series and of one from scratch.
old()
{
	local first=

	for _ in 1 2 3 4; do
		rm "$build/alpha/unit_3.o"
		kfarm_build Image
		first=${first:-$(json .build)}
	done
	is "old: units" false "$(json .units_kept "$first")"
	is "old: of the one from scratch" true \
		"$(json .units_kept $((first - 1)))"
	report --html="$work/old.html" "$first"
	check "old: the page" "$page" "$work/old.html"
	check "old: the missing timeline is reported" \
		grep -q 'timeline of nodes and slots is no longer available' "$work/old.html"
	report --trace="$work/old.json" "$first"
	check "old: the trace" "$trace" "$work/old.json" 0
}

# wrong NAME PATTERN ARG...: check for one error line and exit status 1.
wrong()
{
	local name=$1 pattern=$2

	shift 2
	report "$@" >"$work/wrong.out" 2>"$work/wrong.err"
	is "$name: exit status" 1 $?
	is "$name: lines" "1 0" "$(wc -l <"$work/wrong.err") $(
		wc -c <"$work/wrong.out")"
	check "$name: says $pattern" grep -q "$pattern" "$work/wrong.err"
}

shows()
{
	if ! command -v chromium >/dev/null; then
		left_out "browser" "there is no chromium"
		return
	fi
	check "browser: shows the page" browse "$work/out/report.html"
	check "browser: a picture" is_picture
	is "browser: asked for nothing" "" "$(cat "$browser/asked")"
	is "browser: nothing that the policy stopped" "" \
		"$(grep 'CONSOLE.*source: file' "$browser/log")"
	cp "$browser/page.png" "${REPORT_PICTURE:-$work/page.png}"
	# Verify that violations are detectable: a page with a request, with and
	# without the policy.
	sed 's|</main>|<img src="http://192.0.2.1/x.png" alt="" />&|' \
		"$work/out/report.html" >"$work/stopped.html"
	check "browser: shows one that asks" browse "$work/stopped.html"
	is "browser: it is stopped" "" "$(cat "$browser/asked")"
	check "browser: by the policy" \
		grep -q 'CONSOLE.*Content Security Policy' "$browser/log"
	sed -i '/Content-Security-Policy/d' "$work/stopped.html"
	check "browser: shows one that may ask" browse "$work/stopped.html"
	is "browser: what it asks for is seen" http://192.0.2.1/x.png \
		"$(cat "$browser/asked")"
	rm -rf "$browser"
}

wrong "no history" 'no builds yet'
built
shows
warned
failed
interrupted
farm_fresh
kfarm_build Image
old
wrong "a number that is none" 999999 999999
wrong "a number too large" 'is not a build number' 99999999999999999999
wrong "nothing" '"" is not a build number; .kfarm history. lists' ''
wrong "neither number nor directory" \
	'nowhere: No such file or directory; .* must be a build number' nowhere
wrong "a directory of no build" "$work/nodes" "$work/nodes"
mkdir -p "$work/damaged/kfarm"
head -c 20000 /dev/urandom >"$work/damaged/kfarm/history.db"
XDG_STATE_HOME=$work/damaged wrong "a history that is damaged" \
	"$work/damaged/kfarm/history.db"
cp -a "$work/out" "$work/elsewhere"
wrong "a directory of somebody else's build" \
	"its report page is $work/elsewhere/report.html" "$work/elsewhere"
wrong "two builds" 'expected a single build' 1 2
wrong "two forms" 'mutually exclusive' --json --html
wrong "a file that cannot be made" '/nonexistent/x' --html=/nonexistent/x
ln -s "$work/linked.html" "$work/link.html"
mkfifo "$work/pipe"
grep -c '<html' <"$work/pipe" >"$work/piped" &
report --html="$work/pipe" && wait $!
report --html="$work/link.html"
is "what is no file stays what it is" "1 1 fifo,symbolic link" \
	"$(cat "$work/piped") $(grep -c '<html' "$work/linked.html") $(stat -c %F \
		"$work/pipe" "$work/link.html" | paste -sd,)"
farm_end

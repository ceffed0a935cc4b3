# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# bench/cache.sh - the rows of tests/bench/bench that measure the result cache
#
# `--rows cache` selects all of them:
#
#	local		plain make
#	ccache-empty	make with ccache, whose cache is empty
#	ccache-full	the same again
#	nodes		kfarm with warm nodes, without its cache
#	nodes-empty	the same with an empty cache
#	nodes-full	the same again
#	no-cache	kfarm without nodes and without its cache
#	empty		the same with an empty cache
#	full		the same again
#	remote		like empty, but a server on loopback has all results
#
# All files of the build directories are compared with those of plain make.
# shellcheck disable=SC2034,SC2154 # variables of bench

cache_rows=local,ccache-empty,ccache-full,nodes,nodes-empty,nodes-full
cache_rows+=,no-cache,empty,full,remote
cache_ports="8478 8479" # of the server: https and http

cache_prepare()
{
	local name

	for name in "${!CCACHE_@}"; do
		unset "$name"
	done
	export CCACHE_DIR=$work/ccache
	export XDG_CACHE_HOME=$work/cache XDG_STATE_HOME=$work/state
	export XDG_CONFIG_HOME=$work/config
	unset http_proxy https_proxy all_proxy
}

# Count the files that differ from those of plain make.  ccache's name is a part
# of the commands that kbuild saves.
count_differing()
{
	local -a skip=()

	case $1 in
	local) rm -rf "$work/make" && cp -a "$build" "$work/make" ;;
	ccache-*) skip=(-x '*.cmd') ;;
	esac
	diff -rq --no-dereference "${skip[@]}" "$work/make" "$build" | wc -l
}

ccache_row()
{
	local misses

	ccache --zero-stats >/dev/null
	extra=(CC="ccache ${cross}gcc" HOSTCC="ccache gcc")
	kmake "$1"
	# These calls include those of Kconfig and of cc-option.
	read -r cached misses < <(ccache --print-stats | awk '
		{ n[$1] = $2 }
		END { print n["direct_cache_hit"] + n["preprocessed_cache_hit"],
			n["cache_miss"] }')
	add_row "$1" - - 0 "$misses"
}

run_ccache_empty()
{
	rm -rf "$CCACHE_DIR"
	ccache_row ccache-empty
}

run_ccache_full()
{
	ccache_row ccache-full
}

# cache_row ROW OPTION: build with or without warm nodes.
cache_row()
{
	options=("$2")
	case $1 in
	nodes*) warm_row "$1" "$bin" store ;;
	*) nodes=0 kfarm_row "$1" "$bin" store ;;
	esac
	options=()
}

run_nodes()
{
	cache_row nodes --no-cache
}

run_no_cache()
{
	cache_row no-cache --no-cache
}

# empty_row ROW: build with an empty cache.
empty_row()
{
	rm -rf "$XDG_CACHE_HOME/kfarm/results"
	cache_row "$1" --cache
}

run_nodes_empty()
{
	empty_row nodes-empty
}

run_nodes_full()
{
	cache_row nodes-full --cache
}

run_empty()
{
	empty_row empty
}

run_full()
{
	cache_row full --cache
}

# Start nginx with DAV, in the group of the nodes.
cache_server()
{
	mkdir -p "$work/server/dav"
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=bench \
		-addext subjectAltName=IP:127.0.0.1 \
		-keyout "$work/server/server.key" \
		-out "$work/server/server.pem" 2>"$work/server/openssl.log" ||
		fail "openssl: see $work/server/openssl.log"
	chmod 755 "$work/server" "$work/server/dav"
	group_new nodes
	group_run nodes env PORTS="$cache_ports" SERVER_LISTEN=http2 \
		SERVER_CONFIG="dav_methods PUT; create_full_put_path on;
			client_max_body_size 0;" \
		"$root/tests/toolchain/nginx" "$work/server" \
		"$work/server/dav" >"$work/server/out.log" 2>&1 &
	for _ in $(seq 100); do
		! (: <"/dev/tcp/127.0.0.1/${cache_ports% *}") 2>/dev/null ||
			return 0
		sleep 0.1
	done
	fail "nginx does not start: $(cat "$work"/server/*.log)"
}

# Fill the server, outside the measurement, and build with an empty local cache.
run_remote()
{
	cache_server
	cache_config=$(printf '%s\n\t' '[cache]' \
		"remote = https://127.0.0.1:${cache_ports% *}/bench" \
		"remote-ca-file = $work/server/server.pem" \
		"remote-write = true")
	empty_row filling
	forget_row filling
	cache_config=${cache_config%remote-write*}
	empty_row remote
	cache_config=
	group_kill nodes
}

# Print the table of a file whose lines are a name and a line of add_row().
# "Against" compares a row with the one that the name in parentheses selects.
cache_lines()
{
	awk -F'\t' '
	function ratio(a, b) { return a && b ? sprintf("%.2f", a / b) : "-" }
	BEGIN {
		f = "%-13s %-12s %9s %9s %10s %10s %7s %6s %6s  %s\n"
		printf f, "", "", "host CPU", "wall", "local/CPU",
			"local/wall", "cached", "others", "differ",
			"CPU, wall against"
		split("ccache-empty local ccache-full full nodes-empty nodes " \
			"nodes-full nodes empty no-cache full nodes " \
			"remote full", v, " ")
		for (i = 1; i in v; i += 2)
			against[v[i]] = v[i + 1]
	}
	{
		host[$1, $2] = $3
		wall[$1, $2] = $4
		line[NR] = $0
	}
	END {
		for (i = 1; i <= NR; i++) {
			split(line[i], v, "\t")
			other = against[v[2]]
			printf f, v[1] == last ? "" : v[1], v[2],
				sprintf("%.1f s", v[3] / 1e6),
				sprintf("%.1f s", v[4] / 1e3),
				ratio(host[v[1], "local"], v[3]),
				ratio(wall[v[1], "local"], v[4]),
				v[11], v[8] + v[9], v[12],
				!other ? "" : sprintf("%s, %s (%s)",
					ratio(v[3], host[v[1], other]),
					ratio(v[4], wall[v[1], other]), other)
			last = v[1]
		}
	}' "$1"
}

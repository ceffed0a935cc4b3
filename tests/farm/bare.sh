#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# A node without a compiler, which runs under an ordinary user's account, builds
# all units with the build host's own toolchains.
. "$(dirname "$0")/lib.sh"

user=54321
farm_begin
farm_mini 30 3
farm_reference Image
bare=$work/bare
chmod 711 "$work"

# bare_node: let `$bare/start COMMAND...` run a command as that user, with a
# /usr/bin that has only a few programs and no compiler, and with empty compiler
# directories.
bare_node()
{
	local d hidden=

	mkdir -p "$bare/bin" "$bare/home"
	for d in setpriv find env sleep; do
		cp "$(command -v $d)" "$bare/bin/" || exit 1
	done
	cp "$bin/kfarmd" "$bare/" || exit 1
	for d in /usr/lib/gcc* /usr/lib/llvm* /usr/libexec/gcc* /usr/local \
		/usr/*-linux-gnu* /usr/lib/*/bfd-plugins /opt; do
		[ ! -d "$d" ] || hidden+=" '$d'"
	done
	# Only root must switch to another account; other users are ordinary
	# already.
	[ "$(id -u)" != 0 ] || {
		as="/usr/bin/setpriv --reuid $user --regid $user --clear-groups"
		chown $user:$user "$bare/home"
	}
	cat >"$bare/hide" <<-STOP
	#!/bin/sh
	for d in $hidden; do
		mount -t tmpfs kfarm-farm "\$d" || exit 1
	done
	mount --bind '$bare/bin' /usr/bin || exit 1
	exec ${as-} /usr/bin/env -i PATH=/usr/bin:/bin HOME='$bare/home' "\$@"
	STOP
	[ "$(id -u)" = 0 ] || map=--map-root-user
	printf '#!/bin/sh\nexec unshare --mount %s "%s" "$@"\n' "${map-}" \
		"$bare/hide" >"$bare/start"
	chmod 755 "$bare"/{hide,start}
}

# Check that an ordinary account of this machine can create namespaces.
namespaces()
{
	unshare --mount true 2>/dev/null ||
		unshare --mount --map-root-user true || return
	[ "$(id -u)" != 0 ] || setpriv --reuid $user --regid $user \
		--clear-groups unshare --user --map-root-user --mount true
}

# List installed compilers, without those in users' directories.
compilers()
{
	"$bare/start" find /usr /opt /bin /sbin /lib* -xdev -type f -perm /111 \
		-regextype egrep -regex \
		'.*/(.*-)?(cc|cc1|cc1plus|gcc|g\+\+|clang|as|tcc)(-[0-9.]+)?' \
		-print 2>/dev/null
}

bare_node
if ! namespaces; then
	left_out "a bare node" "an ordinary user has no namespaces here"
	farm_end
fi
is "the node has no compiler" "" "$(compilers | head -n 3)"
check "its sandbox holds" "$bare/start" "$bare/kfarmd" --check

no_nodes
node bare "'$bare/start' '$bare/kfarmd' --stdio --store '$bare/home/store'" \
	slots=4
# Build until the node has all it needs.  A busy machine needs more attempts.
farm_warm -j 6 Image
is "all of its store is that user's" "" \
	"$(find "$bare/home" ! -uid "$(stat -c %u "$bare/home")" | head -n 3)"
equal "a node without a compiler"
is "jobs that were compiled here" "{}" "$(meta '.farm.reasons | tostring')"
at_most "units that the node compiled are as many as the objects" \
	"$(meta .farm.remote)" "$(objects)"
echo "$(meta .farm.remote) jobs remote, $(meta .farm.local) here"
farm_end

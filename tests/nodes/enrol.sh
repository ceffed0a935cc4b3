#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# Machines become nodes, and are none any more, over a real sshd: as root with
# each of the inits that boards have, without root, twice, interrupted, and with
# all that is in the way of it.  kfarmd is the static one of build/nodes if that
# is there, else one linked for this test alone.
. "$(dirname "$0")/lab.sh"
lab_begin "$@"

kfarm=$bin/kfarm
connections=$work/connections

# add NAME ADDRESS [OPTION...].
add()
{
	"$kfarm" nodes add "$@"
}

# fails_with TEXT COMMAND...: it fails, says that, and leaves the configuration.
fails_with()
{
	local text=$1 before status

	shift
	before=$(cat "$KFARM_CONFIG")
	said=$("$@" 2>&1)
	status=$?
	if [ $status -eq 0 ] || [ "$before" != "$(cat "$KFARM_CONFIG")" ] ||
		[ "${said#*"$text"}" = "$said" ]; then
		echo "status $status: $said"
		return 1
	fi
}

# state_of NODE FILE: everything there that an enrolment may touch: names, modes,
# owners, contents; but the store, and the files of users, which are written anew.
state_of()
{
	# shellcheck disable=SC2016
	lab_in "$1" sh -c 'cd / && find etc usr/local home var \( -path etc/ssl \
		-o -path var/log -o -path var/run -o -path "*/kfarm/store" -o \
		-name "passwd*" -o -name "*group*" -o -name "*shadow*" -o \
		-name "sub[ug]id*" -o -name ".pwd.lock" \) -prune -o \
		-printf "%p %M %u %l " \
		\( -type f -exec sha256sum {} \; -o -printf "\n" \)' |
		sort >"$2"
}

service_pid()
{
	lab_in "$1" pgrep -o -x kfarmd
}

get()
{
	git config -f "$KFARM_CONFIG" "node.$1.$2"
}

is_up()
{
	"$kfarm" nodes list --json | jq -e --arg n "$1" \
		'any(.. | objects; .name? == $n and .state? == "up")' >/dev/null
}

# The lab's ssh, each connection counted.
count_connections()
{
	mv "$lab/bin/ssh" "$lab/bin/ssh.real"
	printf '#!/bin/sh\n[ "$1" = -G ] || echo >>%s\nexec %s "$@"\n' \
		"$connections" "$lab/bin/ssh.real" >"$lab/bin/ssh"
	chmod +x "$lab/bin/ssh"
}

as_root()
{
	local pid config

	: >"$connections"
	state_of one "$work/before"
	check "as root: it is added" add one ssh:root@one
	is "over one connection" 1 "$(wc -l <"$connections")"
	is "its address" tls:one "$(get one address)"
	is "its key is the one it has" "$(lab_in one /usr/local/bin/kfarmd \
		--config /etc/kfarm --init)" "$(get one key)"
	is "how ssh reaches it" root@one "$(get one ssh)"
	check "it gets jobs" is_up one
	is "it runs as a user of its own" kfarm \
		"$(lab_in one ps -o user= -p "$(service_pid one)")"
	is "no key travelled" "" "$(lab_in one grep -rlF -f \
		<(sed -n 2p "$HOME/.config/kfarm/key.pem") /etc/kfarm \
		/usr/local/bin/kfarmd 2>/dev/null)"
	is "its key is its own" "600 kfarm" \
		"$(lab_in one stat -c '%a %U' /etc/kfarm/key.pem)"

	state_of one "$work/after"
	pid=$(service_pid one)
	config=$(cat "$KFARM_CONFIG")
	check "a second time" add one ssh:root@one
	state_of one "$work/again"
	check "nothing is another" diff "$work/after" "$work/again"
	is "neither is the configuration" "$config" "$(cat "$KFARM_CONFIG")"
	is "and kfarmd was not disturbed" "$pid" "$(service_pid one)"

	check "it is removed" "$kfarm" nodes remove one
	state_of one "$work/after"
	check "nothing of it is left" diff "$work/before" "$work/after"
	is "no process either" "" "$(lab_in one pgrep kfarmd)"
	is "no user" "" "$(lab_in one grep ^kfarm /etc/passwd)"
	is "and nothing in the configuration" "" "$(cat "$KFARM_CONFIG")"
}

if [ ! -x "$bin/nodes/kfarmd-$(uname -m)" ]; then
	lab_cannot "no static kfarmd: make nodes"
fi
lab_node one
lab_sshd one || lab_cannot "no sshd"
lab_in one mkdir -p /usr/local/bin /usr/local/sbin
count_connections
as_root
farm_end

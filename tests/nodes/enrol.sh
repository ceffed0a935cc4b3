#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# Enrolment and removal of nodes over a real sshd: as root with each init system
# of boards, without root, twice, interrupted, and with each obstacle.  kfarmd
# is the static one of build/nodes.
. "$(dirname "$0")/lab.sh"
lab_begin "$@"

connections=$work/connections

# add NAME ADDRESS [OPTION...].
add()
{
	"$bin/kfarm" nodes add "$@" >"$work/said" 2>&1
	local status=$?

	cat "$work/said"
	return $status
}

# fails_with TEXT COMMAND...: check that it fails with TEXT and does not change
# the configuration.
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

# state_of NODE FILE: list names, modes, owners and contents of all files that
# an enrolment can change, except the store and the user database, which are
# rewritten.
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
	"$bin/kfarm" nodes list --json | jq -e --arg n "$1" \
		'any(.. | objects; .name? == $n and .state? == "up")' >/dev/null
}

# Count the connections of the lab's ssh.
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
	check "no file has changed" diff "$work/after" "$work/again"
	is "neither is the configuration" "$config" "$(cat "$KFARM_CONFIG")"
	is "and kfarmd was not disturbed" "$pid" "$(service_pid one)"

	check "it is removed" "$bin/kfarm" nodes remove one
	state_of one "$work/after"
	check "nothing remains of it" diff "$work/before" "$work/after"
	is "no process either" "" "$(lab_in one pgrep kfarmd)"
	is "no user" "" "$(lab_in one grep ^kfarm /etc/passwd)"
	is "and nothing in the configuration" "" "$(cat "$KFARM_CONFIG")"
}

# is_clean: check that the node is in the state before its first enrolment.
is_clean()
{
	state_of one "$work/after"
	diff "$work/before" "$work/after"
}

# Start kfarmd like init at boot: by links of update-rc.d, rc.local, ...
boots_by()
{
	local wanted=$1 how=$2

	check "$wanted: added" add one ssh:one
	is "$wanted: what starts it" "$wanted" \
		"$(sed -n 's/.*one: \(.*\) starts kfarmd at boot.*/\1/p' "$work/said")"
	lab_off one
	lab_on one
	lab_sshd one
	is "$wanted: nothing runs after the power cut" "" \
		"$(lab_in one pgrep kfarmd)"
	lab_in one sh -c "$how" >/dev/null 2>&1 </dev/null
	check "$wanted: up again after it" wait_for 60 is_up one
	[ "$wanted" != update-rc.d ] && [ "$wanted" != openrc ] ||
		check "$wanted: kfarmd that dies comes back" comes_back one
	check "$wanted: removed" "$bin/kfarm" nodes remove one
	check "$wanted: nothing remains" is_clean
}

# kfarmd is restarted after a delay of some seconds.
comes_back()
{
	local pid

	pid=$(service_pid "$1")
	lab_in "$1" kill -KILL "$pid"
	wait_for 60 is_another "$1" "$pid" && wait_for 60 is_up "$1"
}

is_another()
{
	local pid

	pid=$(service_pid "$1") && [ "$pid" != "$2" ]
}

each_init()
{
	# Debian without systemd.
	lab_in one mkdir -p /etc/init.d /etc/rc{0..6}.d
	state_of one "$work/before"
	boots_by update-rc.d 'for s in /etc/rc2.d/S*; do $s start; done'
	lab_in one sh -c 'rmdir /etc/init.d; rm -rf /etc/rc?.d'
	# The enrolment keeps the lines of rc.local, with `exit 0` last.
	lab_in one sh -c 'printf "%s\n" "#!/bin/sh" ": mine" "exit 0" \
		>/etc/rc.local; chmod 755 /etc/rc.local'
	state_of one "$work/before"
	boots_by rc.local /etc/rc.local
	lab_in one rm /etc/rc.local
	# A crontab of root with a line of another program; the lab has no cron.
	lab_in one sh -c 'cat >/usr/local/bin/crontab; chmod 755 \
		/usr/local/bin/crontab; echo "5 4 * * * true" \
		>/usr/local/crontab' <<-'END'
	#!/bin/sh
	case $1 in
	-l) cat /usr/local/crontab ;;
	-) cat >/usr/local/crontab.new && mv /usr/local/crontab.new \
		/usr/local/crontab ;;
	esac
	END
	state_of one "$work/before"
	boots_by cron 'sh -c "$(sed -n "s/^@reboot //p" /usr/local/crontab)"'
	lab_in one rm /usr/local/bin/crontab /usr/local/crontab
	state_of one "$work/before"
	check "no init at all: added" add one ssh:one
	check "it is reported" grep -q "kfarmd is not started at boot" \
		"$work/said"
	"$bin/kfarm" nodes remove one 2>/dev/null
	check "no init at all: nothing remains" is_clean
}

# The real OpenRC over the node's /usr: install its files, then start it.
with_openrc()
{
	local on=/usr/local/openrc.on usr=$work/openrc package

	if [ ! -d "$bin/debian/openrc" ] || [ ! -L /sbin ]; then
		left_out "with OpenRC" "no build/debian/openrc"
		return
	fi
	mkdir -p "$usr"
	for package in openrc libeinfo1 librc1; do
		(cd "$bin/debian/$package" && cp -a bin sbin lib "$usr/" \
			2>/dev/null)
	done
	cp "$bin/debian/openrc/etc/rc.conf" "$(lab_dir one)/etc/"
	lab_in one sh -c "mkdir -p /etc/init.d /etc/runlevels/default
		: >/etc/insserv.conf
		cat >$on" <<-END
	mount -t overlay -o lowerdir=$usr:/usr none /usr || exit
	mount --bind $(lab_dir one)/local /usr/local
	mkdir -p /run/openrc && echo default >/run/openrc/softlevel
	openrc default
	END
	if ! lab_in one sh $on >"$work/said" 2>&1; then
		left_out "with OpenRC" "$(tail -n 1 "$work/said")"
		return
	fi
	state_of one "$work/before"
	boots_by openrc "sh $on"
	lab_off one
	lab_on one
	lab_sshd one
	lab_in one sh -c "rm -r /etc/init.d /etc/runlevels $on"
}

# A substitute for systemd that starts the service's command as its user and
# records enabled services.  systemd-analyze checks the service's other lines.
with_systemd()
{
	lab_in one sh -c 'mkdir -p /run/systemd/system
		cat >/usr/local/bin/systemctl
		chmod 755 /usr/local/bin/systemctl' <<-'END'
	#!/bin/sh
	unit=/etc/systemd/system/kfarmd.service
	[ "$1" != -q ] || shift
	echo "$*" >>/run/systemctl.log
	case $1 in
	is-active) pgrep -x kfarmd >/dev/null ;;
	stop)
		pkill -x kfarmd
		while pgrep -x kfarmd >/dev/null; do sleep 0.01; done
		;;
	start)
		user=$(sed -n 's/^User=//p' $unit)
		mkdir -p /var/lib/kfarm && chown "$user" /var/lib/kfarm
		XDG_DATA_HOME=/var/lib setsid setpriv --reuid="$user" \
			--regid="$user" --clear-groups \
			$(sed -n 's/^ExecStart=//p' $unit) >/run/log 2>&1 &
		;;
	enable) mkdir -p /etc/systemd/system/multi-user.target.wants &&
		ln -sf $unit /etc/systemd/system/multi-user.target.wants/ ;;
	disable) rm -f /etc/systemd/system/multi-user.target.wants/kfarmd.service
		rmdir /etc/systemd/system/multi-user.target.wants ;;
	esac
	END
	state_of one "$work/before"
	check "systemd: added" add one ssh:one
	is "systemd: what was asked of it" "daemon-reload
enable kfarmd
is-active kfarmd
stop kfarmd
start kfarmd" "$(lab_in one cat /run/systemctl.log)"
	check "systemd: it gets jobs" is_up one
	lab_in one cat /etc/systemd/system/kfarmd.service >"$work/kfarmd.service"
	if command -v systemd-analyze >/dev/null; then
		sed -i "s|^ExecStart=[^ ]*|ExecStart=$bin/kfarmd|" \
			"$work/kfarmd.service"
		is "systemd: it has nothing to say about the unit" "" \
			"$(systemd-analyze verify --man=no \
				"$work/kfarmd.service" 2>&1)"
	else
		left_out "systemd-analyze verify" "not installed"
	fi
	check "systemd: removed" "$bin/kfarm" nodes remove one
	check "systemd: nothing remains" is_clean
	lab_in one sh -c 'rm -r /run/systemd /usr/local/bin/systemctl'
}

# ---- without root ----

without_root()
{
	state_of one "$work/before"
	: >"$connections"
	check "without root: added" add one ssh:board@one
	is "by one connection, and one for the probe" 2 "$(wc -l <"$connections")"
	is "its address" ssh:board@one "$(get one address)"
	check "it gets jobs" is_up one
	state_of one "$work/after"
	is "one file, and a mark" "home/board/.local/bin/kfarmd
home/board/.local/share/kfarm/enrolled" "$(comm -13 "$work/before" "$work/after" |
		awk '$2 ~ /^-/ { print $1 }')"
	check "a second time" add one ssh:board@one
	state_of one "$work/again"
	check "no file has changed" diff "$work/after" "$work/again"
	check "removed" "$bin/kfarm" nodes remove one
	is "no file is left" "" "$(lab_in one find /home/board -type f)"
	lab_in one rm -rf /home/board/.local
	check "root who wants no service: added" add one ssh:one --ssh
	is "root who wants no service: its address" ssh:one "$(get one address)"
	check "root who wants no service: removed" "$bin/kfarm" nodes remove one
	check "a service for root" add one ssh:one
	check "root with --ssh in addition to a service" \
		add other ssh:root@one --ssh
	is "the owners of the two stores" "kfarm
root" "$(lab_in one stat -c %U /var/lib/kfarm/store \
		/home/root/.local/share/kfarm/store)"
	check "after which the service is still up" is_up one
	"$bin/kfarm" nodes remove other one 2>/dev/null
}

# A service takes over the store that a kfarmd of root has used before.
shared_store()
{
	local store=/var/lib/kfarm/store

	lab_in one "$bin/kfarmd" --stdio --store $store </dev/null 2>/dev/null
	check "root has used the store: added" add one ssh:one
	check "the new owner is announced" grep -qF "warning: one: the service \
now owns $store of user root;" "$work/said"
	lab_in one "$bin/kfarmd" --stdio --store $store </dev/null \
		2>"$work/said"
	check "the error of root's kfarmd names the option" grep -qE \
		"^kfarmd: --store: .*$store: owned by user [0-9]+, expected user 0;" \
		"$work/said"
	check "the default store of root is another" \
		lab_in one "$bin/kfarmd" --stdio </dev/null
	check "added again" add one ssh:one
	is "without the warning" 0 "$(grep -cF "now owns" "$work/said")"
	"$bin/kfarm" nodes remove one 2>/dev/null
	lab_in one rm -rf /home/root/.local/share/kfarm
}

# A kfarmd or a store that existed before `kfarm nodes add` remains after the
# removal.
installed_before()
{
	local user

	for user in root board; do
		case $user in
		root) program=/usr/local/bin/kfarmd ;;
		board) program=/home/board/.local/bin/kfarmd ;;
		esac
		lab_in one install -D /dev/stdin $program \
			<"$bin/nodes/kfarmd-$(uname -m)"
		[ $user = root ] || lab_in one sh -c "mkdir /home/$user/.local/share
			chown -R $user /home/$user/.local"
		state_of one "$work/before"
		check "$user has a kfarmd: added" add one ssh:$user@one
		check "$user has a kfarmd: removed" "$bin/kfarm" nodes remove one
		check "$user has a kfarmd: it remains" is_clean
		lab_in one rm -r $program
	done
	lab_in one install -D /dev/null \
		/home/root/.local/share/kfarm/store/of-another
	check "root has a store: added" add one ssh:root@one --ssh
	check "root has a store: removed" "$bin/kfarm" nodes remove one
	check "root has a store: it remains" \
		lab_in one test -f /home/root/.local/share/kfarm/store/of-another
	lab_in one rm -r /home/root/.local/share/kfarm
	lab_in one rm -rf /home/board/.local
}

# rises DIR NAME: install a substitute for sudo or doas that admits every user.
rises()
{
	[ -x "$work/rise" ] || cc -o "$work/rise" -x c - <<-'END' || return
	#include <string.h>
	#include <unistd.h>
	int main(int argc, char **argv)
	{
		if (argc < 3 || strcmp(argv[1], "-n") || setgid(0) || setuid(0))
			return 1;
		execvp(argv[2], argv + 2);
		return 127;
	}
	END
	install -m 4755 "$work/rise" "$(lab_dir one)/local/$1/$2"
}

# An ordinary user becomes root by one of these without a password.
through()
{
	rises bin "$1"
	state_of one "$work/before"
	: >"$connections"
	check "$1: added" add one ssh:board@one
	is "$1: over one connection" 1 "$(wc -l <"$connections")"
	is "$1: it is a service" tls:one "$(get one address)"
	check "$1: it gets jobs" is_up one
	is "$1: as a user of its own" kfarm \
		"$(lab_in one ps -o user= -p "$(service_pid one)")"
	check "$1: rekey" "$bin/kfarm" nodes rekey one
	check "$1: removed" "$bin/kfarm" nodes remove one
	check "$1: nothing remains" is_clean
	# sudo fails for a user who needs a password.
	stand_in "$1" 'exit 1'
	check "$1 that asks: for this user alone" add one ssh:board@one
	is "$1 that asks: its address" ssh:board@one "$(get one address)"
	"$bin/kfarm" nodes remove one 2>/dev/null
	lab_in one rm -r "/usr/local/bin/$1" /home/board/.local
}

# ---- obstacles ----

# Ctrl-C during the upload of kfarmd over a slow link.
interrupted()
{
	local pid

	state_of one "$work/before"
	add one ssh:one >/dev/null 2>&1
	state_of one "$work/wanted"
	"$bin/kfarm" nodes remove one 2>/dev/null
	lab_rate one 10mbit
	env --default-signal=INT "$bin/kfarm" nodes add one ssh:one \
		>"$work/said" 2>&1 &
	pid=$!
	wait_for 60 part_is_there
	"$1" $pid
	wait $pid 2>/dev/null
	is "interrupted by $1: its status" "$2" $?
	is "interrupted by $1: not in the configuration" "" \
		"$(cat "$KFARM_CONFIG")"
	check "interrupted by $1: no process runs" lab_in one sh -c \
		'[ ! -e /usr/local/bin/kfarmd ] && ! pgrep -x kfarmd'
	lab_rate one
	check "interrupted by $1: received files are removed" \
		wait_for 60 no_part_is_there
	check "interrupted by $1: once more" add one ssh:one
	# The key is new, and with it the files that contain its fingerprint.
	state_of one "$work/after"
	is "interrupted by $1: it is as if nothing had been" "" \
		"$(diff "$work/wanted" "$work/after" | grep '^[<>]' |
			grep -v ' etc/kfarm/key.pem ')"
	"$bin/kfarm" nodes remove one 2>/dev/null
	check "interrupted by $1: nothing remains" is_clean
}

by_ctrl_c()
{
	kill -INT "$1"
}

by_kill()
{
	kill -KILL "$1"
}

part_is_there()
{
	lab_in one sh -c 'set -- /usr/local/bin/kfarmd.part.*; [ -s "$1" ]'
}

no_part_is_there()
{
	! part_is_there
}

obstacles()
{
	lab_in one mount -o remount,bind,ro /usr/local
	check "a read-only file system" fails_with \
		"node one: cannot write /usr/local/bin/kfarmd: Read-only" \
		add one ssh:one
	lab_in one mount -o remount,bind,rw /usr/local

	lab_in one sh -c 'mount -t tmpfs -o size=1m none /usr/local/bin'
	check "a full disk" fails_with "No space left on device; free up space on\
 /usr/local/bin (1 MiB available)" add one ssh:one
	lab_in one umount /usr/local/bin

	stand_in uname 'if [ "$1" = -m ]; then echo mips; else /bin/uname "$@"; fi'
	check "a machine without a kfarmd" fails_with \
		"node one: no prebuilt kfarmd for mips" add one ssh:one
	lab_in one rm /usr/local/bin/uname

	# A program that the machine cannot run is detected before it is renamed
	# into place.
	mv "$bin/nodes/kfarmd-$(uname -m)" "$work/kfarmd"
	{ head -c 100000 "$work/kfarmd" && "$bin/kfarmd" --version; } \
		>"$bin/nodes/kfarmd-$(uname -m)"
	check "a program that does not run there" fails_with \
		"node one: kfarmd does not run on the node" \
		add one ssh:one
	sed 's/ (protocol [0-9]*)/ (protocol 5)/' "$work/kfarmd" \
		>"$bin/nodes/kfarmd-$(uname -m)"
	check "a program of an earlier version" fails_with "kfarmd-$(uname -m):\
 not $("$bin/kfarmd" --version), the version that this kfarm requires; run\
 \`make nodes NODE_HOSTS=$(uname -m)\`" add one ssh:one
	# Without a static program, the node receives the dynamically linked one.
	rm "$bin/nodes/kfarmd-$(uname -m)"
	library=$(ldd "$bin/kfarmd" | awk '/libjansson/ { print $3 }')
	lab_in one mount --bind /dev/null "$library"
	check "a library is missing on the node" fails_with \
		"/${library##*/}: file too short; install libevent, libjansson,\
 libzstd, liblzo2 and OpenSSL 3 on the node, or run \`make\` on Debian, which\
 also links a static kfarmd, and copy build/nodes/kfarmd-* to" add one ssh:one
	lab_in one umount "$library"
	mv "$work/kfarmd" "$bin/nodes/kfarmd-$(uname -m)"
	check "and has no name there" lab_in one sh -c \
		'! ls /usr/local/bin/kfarmd* 2>/dev/null'

	lab_in one setsid --fork python3 -c 'import socket, time
s = socket.create_server(("", 3634)); time.sleep(600)' >/dev/null 2>&1
	wait_for 60 lab_in one sh -c 'ss -Hltn | grep -q :3634'
	check "a port that is taken" fails_with "node one: port\
 3634 is already in use on the node (\"python3\", process" add one ssh:one
	check "another port" add one ssh:one --port 4000
	is "stands in its address" tls:one:4000 "$(get one address)"
	check "it gets jobs" is_up one
	check "a second time, and the port stays" add one ssh:one
	is "as it was" tls:one:4000 "$(get one address)"
	lab_in one sh -c 'cd /usr/local/bin && cp kfarmd old && echo >>old &&
		mv old kfarmd'
	before=$(lab_in one sha256sum /usr/local/bin/kfarmd)
	check "another name of the machine with another port" fails_with \
		"kfarmd on this machine already serves node one on port 4000" \
		add other ssh:root@one --port 4001
	is "the program is not replaced" "$before" \
		"$(lab_in one sha256sum /usr/local/bin/kfarmd)"
	check "after which the node is still up" is_up one
	check "another name of the machine with the same port" add other ssh:root@one
	check "one of two names is removed" "$bin/kfarm" nodes remove other
	check "after which the other name is still up" is_up one
	add other ssh:root@one >/dev/null
	"$bin/kfarm" nodes remove one other 2>/dev/null
	check "both names are removed, and kfarmd with the last one" lab_in one \
		sh -c '[ ! -e /usr/local/bin/kfarmd ]'
	lab_in one pkill python3

	state_of one "$work/before"
	nft add rule netdev lab "v$(lab_number one)" tcp sport 3634 drop
	check "a firewall" fails_with \
		"node one: kfarmd is running, but tls:one does not answer" \
		add one ssh:one
	check "a firewall and --ssh" add one ssh:root@one --ssh
	check "the service was removed" grep -q \
		"one: removed the service of kfarmd" "$work/said"
	check "it gets jobs without the port" is_up one
	"$bin/kfarm" nodes remove one 2>/dev/null
	check "nothing of the service remains" is_clean
	check "the firewall again" fails_with "kfarmd is running" add one ssh:one
	lab_mend one
	check "and when the port is let through" add one ssh:one
	check "--ssh for the same node" add one ssh:one --ssh
	check "its service was removed" grep -q \
		"one: removed the service of kfarmd" "$work/said"
	"$bin/kfarm" nodes remove one 2>/dev/null
	check "nothing of either remains" is_clean

	check "an ssh that does not get in" fails_with "node one: " \
		add one ssh:nobody@one
	check "no such host" fails_with "node two: ssh: Could not resolve" \
		add two ssh:nowhere.invalid
}

stand_in()
{
	lab_in one sh -c "printf '#!/bin/sh\n%s\n' '$2' >/usr/local/bin/$1
		chmod 755 /usr/local/bin/$1"
}

# ---- after the enrolment ----

life()
{
	local key old

	state_of one "$work/before"
	add one ssh:one >/dev/null 2>&1
	key=$(get one key)
	# An upgrade replaces the program.
	lab_in one sh -c 'rm /usr/local/bin/kfarmd.x 2>/dev/null
		(cat /usr/local/bin/kfarmd; echo old) >/usr/local/bin/kfarmd.x
		chmod 755 /usr/local/bin/kfarmd.x
		mv /usr/local/bin/kfarmd.x /usr/local/bin/kfarmd'
	old=$(service_pid one)
	is "update" "one: kfarmd $version installed" \
		"$("$bin/kfarm" nodes update 2>/dev/null)"
	check "kfarmd is another" is_another one "$old"
	check "and answers" wait_for 60 is_up one
	is "its key is the same" "$key" "$(get one key)"
	is "update once more" "one: kfarmd $version was already installed" \
		"$("$bin/kfarm" nodes update one 2>/dev/null)"

	check "rekey" "$bin/kfarm" nodes rekey one
	check "the key is a new one" [ "$key" != "$(get one key)" ]
	check "and the node is up with it" wait_for 60 is_up one

	# A second build host with its own key.
	cp "$KFARM_CONFIG" "$work/config.first"
	check "another build host" env HOME="$work/other" \
		XDG_CONFIG_HOME="$work/other" KFARM_CONFIG="$work/other.conf" \
		"$bin/kfarm" nodes add uno ssh:one
	check "the first is still let in" is_up one
	# kfarmd ignores blanks before a fingerprint; the scripts do so, too.
	lab_in one sed -i 's/^/\t /' /etc/kfarm/clients
	check "an indented line admits the first build host" is_up one
	"$bin/kfarm" nodes remove one >"$work/said" 2>&1
	check "the first goes" grep -q "kfarmd remains for 1 other build host" \
		"$work/said"
	check "the other stays" env HOME="$work/other" \
		XDG_CONFIG_HOME="$work/other" KFARM_CONFIG="$work/other.conf" \
		"$bin/kfarm" nodes list
	cp "$work/config.first" "$KFARM_CONFIG"
	check "and the first is let in no more" fails_with down \
		"$bin/kfarm" nodes list
	check "the other goes, too" env HOME="$work/other" \
		XDG_CONFIG_HOME="$work/other" KFARM_CONFIG="$work/other.conf" \
		"$bin/kfarm" nodes remove uno
	check "nothing remains" is_clean

	cp "$work/config.first" "$KFARM_CONFIG"
	check "once more" add one ssh:one
	lab_off one
	"$bin/kfarm" nodes remove one >"$work/said" 2>&1
	is "a node that is off: removed" 0 $?
	check "and told what is left there" grep -q \
		"still on the node: the service kfarmd, /etc/kfarm" "$work/said"
	is "and out of the configuration" "" "$(cat "$KFARM_CONFIG")"
	# kfarm's advice works once the node is on again.
	lab_on one
	lab_sshd one
	check "a node that is back: added" add one ssh:one
	check "a node that is back: removed" "$bin/kfarm" nodes remove one
	check "a node that is back: nothing remains" is_clean
}

# All programs that the scripts call are busybox's, as on a TV box.
with_busybox()
{
	local busybox f

	busybox=$(command -v busybox) || {
		left_out "with busybox" "not installed"
		return
	}
	lab_in one mkdir -p /usr/local/bb
	cp "$busybox" "$(lab_dir one)/local/bb/"
	lab_in one sh -c '/usr/local/bb/busybox --install -s /usr/local/bb
		rm -f /usr/local/bb/pgrep /usr/local/bb/ps
		echo "SetEnv PATH=/usr/local/bb" >>/etc/ssh/sshd_config
		kill -HUP $(cat /run/sshd.pid)'
	wait_for 60 ssh one true
	is "busybox: it is all" /usr/local/bb/sh \
		"$(ssh one 'command -v sh')"
	lab_in one mkdir -p /etc/init.d
	lab_in one sh -c 'echo "for i in /etc/init.d/S*; do \$i start; done" \
		>/etc/init.d/rcS'
	# Hide Debian's programs for these tasks.
	for f in update-rc.d useradd userdel; do
		[ ! -e /usr/sbin/$f ] ||
			lab_in one mount --bind /dev/null /usr/sbin/$f
	done
	state_of one "$work/before"
	check "busybox: added" add one ssh:one
	check "busybox: it gets jobs" is_up one
	state_of one "$work/wanted"
	check "busybox: a second time" add one ssh:one
	state_of one "$work/after"
	check "busybox: no file has changed" diff "$work/wanted" "$work/after"
	check "busybox: rekey" "$bin/kfarm" nodes rekey one
	check "busybox: removed" "$bin/kfarm" nodes remove one
	check "busybox: nothing remains" is_clean
}

# kfarmd_has FIELD: print a field of kfarmd's /proc/PID/status.
kfarmd_has()
{
	lab_in one sed -n "s/^$1:[[:space:]]*//p" \
		"/proc/$(service_pid one)/status"
}

# kfarmd runs as root with only the capabilities for sandboxes, without systemd.
is_limited()
{
	is "$1: it is root's" "0 0 0 0" "$(kfarmd_has Uid | tr '\t' ' ')"
	is "$1: which has five capabilities" "00000000002001e0 00000000002001e0" \
		"$(kfarmd_has CapEff) $(kfarmd_has CapBnd)"
	is "$1: and gets no more" 1 "$(kfarmd_has NoNewPrivs)"
}

# A job's compiler runs with a uid that has no account.
job_has_its_user()
{
	lab_in one ps -C cc1 -o uid= | grep -qE ' *1[89][0-9]{8}$'
}

# On the busybox board, no process can create a user namespace, not even root.
without_namespaces()
{
	local i

	[ -L "$(lab_dir one)/local/bb/sh" ] || return 0
	cc -std=gnu17 -D_GNU_SOURCE -O1 -o "$(lab_dir one)/local/old-kernel" \
		"$root/tests/lib/old-kernel.c" || exit 1
	lab_kernel=(/usr/local/old-kernel -u 6.1)
	refused_sshd
	# The user exists but is not used.
	echo kfarm:x:777:777::/nonexistent:/bin/false \
		>>"$(lab_dir one)/etc/passwd"
	echo kfarm:x:777: >>"$(lab_dir one)/etc/group"
	state_of one "$work/before"
	check "refused: added" add one ssh:one
	is "refused: so they are" uid "$(ssh one /usr/local/bin/kfarmd \
		--check | sed -n 's/^layers: \([a-z]*\) .*/\1/p')"
	is_limited refused
	check "refused: nodes check" "$bin/kfarm" nodes check one
	mkdir -p "$work/tree"
	for i in $(seq 500); do
		echo "int f$i(int x) { return x * $i + x / ($i + 2); }"
	done >"$work/tree/a.c"
	(cd "$work/tree" && exec "$bin/kfarm" run --require-remote 100 -- \
		make -s CC=gcc CFLAGS=-O2 a.o) >"$work/said" 2>&1 &
	check "refused: its jobs are users of their own" \
		wait_for 60 job_has_its_user
	wait $!
	is "refused: the build is good" 0 $?
	# Start it manually, with the key of another user.
	lab_in one sh -c 'mkdir /tmp/kfarm.$$ && cd /tmp/kfarm.$$ &&
		/usr/local/bin/kfarmd --init --config . && chown 777 key.pem
		timeout 5 /usr/local/bin/kfarmd --config . \
			--listen 3999 2>&1
		rm -r /tmp/kfarm.$$' >"$work/said"
	check "refused: a key of another user's" grep -q "key.pem: not readable\
 by user 0, as which kfarmd runs; run \`chown 0 " "$work/said"
	state_of one "$work/wanted"
	check "refused: a second time" add one ssh:one
	state_of one "$work/after"
	check "refused: no file has changed" diff "$work/wanted" "$work/after"
	lab_off one
	lab_on one
	refused_sshd
	ssh one /bin/sh /etc/init.d/rcS >/dev/null 2>&1
	check "refused: up again after a power cut" wait_for 60 is_up one
	is_limited "refused: after a power cut"
	check "refused: removed" "$bin/kfarm" nodes remove one
	check "refused: nothing remains" is_clean

	# A board without adduser, but with user namespaces.
	lab_kernel=()
	refused_sshd
	lab_in one rm -f /usr/local/bb/adduser
	sed -i /^kfarm:/d "$(lab_dir one)/etc/passwd" "$(lab_dir one)/etc/group"
	state_of one "$work/before"
	check "no user can be created: added" add one ssh:one
	check "no user can be created: it gets jobs" is_up one
	is_limited "no user to be made"
	check "no user can be created: removed" "$bin/kfarm" nodes remove one
	check "no user can be created: nothing remains" is_clean
}

# Restart sshd under the filter, which its children, such as init.d's services,
# inherit.
refused_sshd()
{
	local f

	lab_in one sh -c '[ ! -e /run/sshd.pid ] || kill $(cat /run/sshd.pid)
		rm -f /run/sshd.pid'
	lab_sshd one
	lab_in one sh -c 'echo "SetEnv PATH=/usr/local/bb" \
		>>/etc/ssh/sshd_config; kill -HUP $(cat /run/sshd.pid)'
	wait_for 60 busybox_answers
	for f in update-rc.d useradd userdel; do
		[ ! -s /usr/sbin/$f ] ||
			lab_in one mount --bind /dev/null /usr/sbin/$f
	done
}

busybox_answers()
{
	[ "$(ssh one 'command -v sh')" = /usr/local/bb/sh ]
}

[ -x "$bin/nodes/kfarmd-$(uname -m)" ] ||
	lab_cannot "no static kfarmd: scripts/packages install build"
version=$("$bin/kfarm" --version | awk '{ print $2 }')
lab_node one
lab_sshd one || lab_cannot "no sshd"
lab_in one mkdir -p /usr/local/bin /usr/local/sbin
count_connections
as_root
each_init
with_openrc
with_systemd
without_root
shared_store
installed_before
through sudo
through doas
interrupted by_ctrl_c 130
interrupted by_kill 137
obstacles
life
with_busybox
without_namespaces
farm_end

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
#
# templates/systemd/kfarmd.service under a separate systemd, in a container with
# only this machine's /usr.  kfarmd starts as its user and as root, under all
# restrictions of the service, and runs the jobs of a build.  The first kfarmd
# is the static one of build/nodes, if it exists.
. "$(dirname "$0")/../farm/lib.sh"
farm_begin
unit=$root/templates/systemd/kfarmd.service
systemd=/lib/systemd/systemd

unit_cannot()
{
	left_out unit "$*"
	farm_end
}

[ "$(id -u)" -eq 0 ] || unit_cannot "a systemd of its own needs root"
[ -x $systemd ] || unit_cannot "no systemd here"
groups=/sys/fs/cgroup
[ ! -d $groups/systemd ] || groups=$groups/systemd
[ -e $groups/cgroup.procs ] || unit_cannot "no control groups of systemd's"

# boot.sh UNIT: run in new namespaces.  `refused`: the first boot of a machine
# without user namespaces.  The last line starts systemd.
cat >"$work/boot.sh" <<'END'
set -e
mount -t tmpfs -o mode=755 none "$new"
cd "$new"
mkdir -p usr etc/systemd/system etc/kfarm etc/kfarm-client var/lib run proc \
	sys dev tmp home root boot out old opt/kfarm
mount --rbind -o ro /usr usr
mount --bind "$work/out" out
for dir in bin sbin lib lib32 lib64; do
	[ ! -L /$dir ] || cp -a /$dir $dir
done
cp -a /etc/ld.so.c* /etc/alternatives etc/
cp "$bin"/kfarm "$bin"/kfarm-cc opt/kfarm/
cp "$daemon" opt/kfarm/kfarmd
printf '%s\n' root:x:0:0::/root:/bin/sh kfarm:x:777:777::/nowhere:/bin/false \
	nobody:x:65534:65534::/nowhere:/bin/false >etc/passwd
printf '%s\n' root:x:0: kfarm:x:777: nogroup:x:65534: >etc/group
echo 0123456789abcdef0123456789abcdef >etc/machine-id
mount -t proc proc proc
mount -t sysfs sysfs sys
if [ "${groups##*/}" = systemd ]; then
	mount -t tmpfs -o mode=755 none sys/fs/cgroup
	mkdir sys/fs/cgroup/systemd
	mount -t cgroup -o none,name=systemd none sys/fs/cgroup/systemd
else
	mount -t cgroup2 none sys/fs/cgroup
fi
mount -t tmpfs -o mode=755 none dev
for node in null zero full random urandom tty; do
	: >dev/$node
	mount --bind /dev/$node dev/$node
done
mkdir dev/pts dev/shm dev/mqueue
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
for dir in run tmp dev/shm; do
	mount -t tmpfs none $dir
done
for unit in dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount \
	systemd-remount-fs.service systemd-journald.service \
	systemd-journald.socket; do
	ln -s /dev/null etc/systemd/system/$unit
done
cp "$work"/probe.service "$work"/test.target etc/systemd/system/
mkdir -p root/.config/kfarm
kernel=
if [ "$1" = refused ]; then
	kernel="/opt/kfarm/old-kernel -u 6.1"
	mount -t tmpfs none usr/local
	mkdir usr/local/bin opt/kfarm/nodes
	cp "$bin"/nodes/kfarmd-"$(uname -m)" opt/kfarm/nodes/
	cp "$work"/old-kernel opt/kfarm/
	# The node itself, and what it had as the user kfarm before.
	printf '#!/bin/sh\n[ "$1" != -G ] || exit 0\n%s\n%s\n' \
		'for command; do :; done' 'exec sh -c "$command"' >opt/kfarm/ssh
	chmod 755 opt/kfarm/ssh
	mkdir -p var/lib/kfarm/store opt/ssd
	opt/kfarm/kfarmd --init --config etc/kfarm >out/key
	printf '[node]\n\tstore = /opt/ssd\n' >etc/kfarm/node.conf
	chown -R "$owner" etc/kfarm/key.pem var/lib/kfarm opt/ssd
	chmod 700 opt/ssd
else
	sed 's|/usr/bin/kfarmd|/opt/kfarm/kfarmd|' "$1" \
		>etc/systemd/system/kfarmd.service
	# The same unit, but for what it runs.
	sed -e 's|^ExecStart=.*|ExecStart=/opt/kfarm/kfarmd --check|' \
		-e '/^Restart/d' -e 's|^\[Service\]|&\nType=oneshot|' \
		etc/systemd/system/kfarmd.service \
		>etc/systemd/system/checked.service
	for name in kfarmd checked; do
		mkdir etc/systemd/system/$name.service.d
		printf '[Service]\nStandard%s=append:/out/'$name'\n' \
			Output Error >etc/systemd/system/$name.service.d/log.conf
		: >"out/$name"
	done
	sed -i 's/^Requires=/Wants=checked.service\n&kfarmd.service /' \
		etc/systemd/system/test.target
	pin=$(opt/kfarm/kfarmd --init --config etc/kfarm)
	echo "$(opt/kfarm/kfarmd --init --config etc/kfarm-client) tester" \
		>>etc/kfarm/clients
	cp -p etc/kfarm-client/key.pem root/.config/kfarm/
	printf '[node "me"]\n\taddress = tls:127.0.0.1\n\tkey = %s\n' "$pin" \
		>root/.config/kfarm/config
	chown "$owner" etc/kfarm/key.pem
fi
ip link set lo up
pivot_root . old
cd /
umount -l old
exec env -i container=kfarm PATH=/usr/sbin:/usr/bin:/sbin:/bin $kernel \
	/lib/systemd/systemd --unit=test.target --log-level=err
END
cat >"$work/probe.service" <<'END'
[Unit]
After=kfarmd.service checked.service
DefaultDependencies=no
[Service]
Type=oneshot
StandardOutput=append:/out/log
StandardError=append:/out/log
ExecStart=/bin/sh /out/probe.sh
ExecStopPost=/bin/systemctl --force --force poweroff
END
cat >"$work/test.target" <<'END'
[Unit]
Requires=probe.service
DefaultDependencies=no
END
mkdir -p "$work/out" "$work/new"
cat >"$work/out/probe.sh" <<'END'
export HOME=/root PATH=/opt/kfarm:/usr/local/bin:/usr/sbin:/usr/bin:/bin
[ ! -x /opt/kfarm/ssh ] || {
	kfarm nodes add me ssh:root@127.0.0.1 2>&1
	echo "added $?"
	kfarmd --check | grep ^layers
	grep ^CapabilityBoundingSet /etc/systemd/system/kfarmd.service
	echo "owners $(stat -c %U /etc/kfarm/key.pem /var/lib/kfarm \
		/var/lib/kfarm/store /opt/ssd | tr '\n' ' ')"
}
for i in $(seq 120); do
	kfarm nodes list 2>&1 | grep '^me .* up' && break
	sleep 0.5
done
pid=$(systemctl show -p MainPID --value kfarmd)
ss -Hltnp | grep -o ':3634 .*"kfarmd"'
cat /out/kfarmd /out/checked 2>/dev/null
echo "user $(stat -c %u /proc/"$pid")"
grep -E '^(NoNewPrivs|CapBnd|Seccomp):' /proc/"$pid"/status | tr -s ':\t' ' '
# The compiler comes, and stays: the build below need not wait for it.
kfarm nodes check me 2>&1
mkdir /tmp/tree
cd /tmp/tree || exit 1
for i in 1 2 3 4 5 6; do
	echo "int f$i(int x) { return x * $i; }" >$i.c
done
printf 'all: 1.o 2.o 3.o 4.o 5.o 6.o\n%%.o: %%.c\n\tgcc -O2 -c -o $@ $<\n' \
	>Makefile
kfarm run --require-remote 100 -- make -j6 2>&1
echo "built $?"
systemctl stop kfarmd
systemctl show -p Result -p ActiveState kfarmd
END

# run_unit UNIT OWNER KFARMD: boot; the probe's output is in $work/out/log.
run_unit()
{
	local group=$groups/kfarm-unit.$$

	: >"$work/out/log"
	rm -f "$work/out/kfarmd" "$work/out/checked"
	mkdir "$group" || return 1
	(
		echo $BASHPID >"$group/cgroup.procs"
		export work bin groups new=$work/new owner=$2 daemon=$3
		exec timeout -k 5 300 unshare -m -p -f -u -i -n -C \
			--propagation private bash "$work/boot.sh" "$1"
	) >"$work/console" 2>&1 </dev/null
	find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
	return 0
}

# said WORDS: check the output of the probe.
said()
{
	grep -q "$1" "$work/out/log" && return 0
	sed 's/^/    /' "$work/out/log" "$work/console" | tail -n 40
	return 1
}

works_as()
{
	check "$1: starts" said "^user $2\$"
	check "$1: listens" said '^:3634 .*"kfarmd"'
	check "$1: its sandbox holds" said '^me .* up .* ok$'
	check "$1: no new privileges, and a filter" said '^NoNewPrivs 1$'
	check "$1: it runs all jobs of a build" said ' 6 remote (100'
	check "$1: the build is good" said '^built 0$'
	check "$1: ends on request" said '^Result=success$'
}

says_so()
{
	check "$1: reports that it listens" said 'listening on .*:3634'
	check "$1: --check finds a sandbox" said '^sandbox: ok'
	check "$1: jobs have a procfs" said '^layers: .* proc'
}

static=$bin/nodes/kfarmd-$(uname -m)
[ -x "$static" ] || {
	left_out "a static kfarmd" "no $static: scripts/packages install build"
	static=$bin/kfarmd
}
run_unit "$unit" 777 "$static"
works_as "the unit" 777
says_so "the unit"
check "the unit: no capabilities" said '^CapBnd 0*$'
five="CAP_SYS_ADMIN CAP_SETUID CAP_SETGID CAP_SETPCAP CAP_KILL"
sed -e "s/^CapabilityBoundingSet=.*/&$five/" -e 's/^User=kfarm/User=root/' \
	"$unit" >"$work/root.service"
run_unit "$work/root.service" 0 "$bin/kfarmd"
works_as "as root" 0
says_so "as root"
check "as root: five capabilities" said '^CapBnd 00000000002001e0$'

if [ -x "$bin/nodes/kfarmd-$(uname -m)" ]; then
	cc -std=gnu17 -D_GNU_SOURCE -O1 -o "$work/old-kernel" \
		"$root/tests/lib/old-kernel.c" || exit 1
	run_unit refused 777 "$bin/kfarmd"
	check "user namespaces refused: added" said '^added 0$'
	check "user namespaces refused: so they are" said '^layers: uid '
	check "user namespaces refused: what the unit says" \
		said "^CapabilityBoundingSet=$five\$"
	check "user namespaces refused: what was kfarm's is root's" \
		said "^owners root root root root \$"
	works_as "user namespaces refused" 0
	check "user namespaces refused: five capabilities" \
		said '^CapBnd 00000000002001e0$'
else
	left_out "user namespaces refused" "no static kfarmd"
fi

check "systemd-analyze reports nothing" is "" "" "$(
	systemd-analyze verify "$unit" 2>&1 |
		grep -v -e 'is not executable' -e "Command 'man")"
# 0 is most restricted, 10 is unrestricted; sandboxes and the procfs of their
# jobs need the remaining exposure.
exposed=$(systemd-analyze security --offline=yes "$unit" 2>/dev/null |
	sed -n 's/.*exposure level for.*: \([0-9]*\)\.\([0-9]\).*/\1\2/p')
at_most "exposure, in tenths" 36 "${exposed:-100}"
farm_end

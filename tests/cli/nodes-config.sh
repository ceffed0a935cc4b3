# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2016
# Addition of nodes to the user's configuration and their removal.
only chmod env mv sort tail tee
run kfarm nodes list
run kfarm nodes list --json
run kfarm nodes add lost "exec:echo 'no route; really' >&2; exit 1" --slots 3
run kfarm nodes add --codec zstd neo4b unix:/nowhere/sock
run cat "$config"
run kfarm nodes add again unix:/nowhere/sock
run kfarm nodes update

run kfarm nodes add lost ssh:other
run kfarm nodes add 'two words' ssh:other
run kfarm nodes add local ssh:other
run kfarm nodes add -- -x ssh:other
run kfarm nodes add x other
run kfarm nodes add x ssh:-oProxyCommand=reboot
run kfarm nodes add x 'ssh:$(reboot)'
run kfarm nodes add x ssh:me@desk:22990
run kfarm nodes add x tcp:other:3634
run kfarm nodes add x ssh:other --slots 0
run kfarm nodes add x ssh:other --codec gzip

# The printed commands accept an IPv6 address and contain the settings.
run kfarm nodes add x ssh:me@fd00::7 --manual --slots 3 --codec zstd |
	sed -nE 's/^(scp) .* (.*)\t# .*/\1 KFARMD \2/p; /^(\$ )?kfarm /p' |
	sort -u

# If the configuration is not writable, kfarm does not contact the machine.
mkdir -p stub
printf '#!/bin/sh\n: >"%s/ssh-was-asked"\n' "$PWD" >stub/ssh
chmod +x stub/ssh
KFARM_CONFIG=/proc/kfarm PATH=$PWD/stub:$PATH run kfarm nodes add x ssh:other 2>&1 |
	sed "s/failed to create locked file.*/.../"
run test -e ssh-was-asked
# kfarm neither replaces a key that it cannot record nor uninstalls kfarmd.
mkdir ro
read_only()
{
	/usr/bin/unshare -rm /bin/sh -c '/bin/mount -t tmpfs none ro &&
		/bin/cp rekeyed ro/config && /bin/mount -o remount,ro ro &&
		exec "$@"' sh "$@"
}
printf '[node "%s"]\n\taddress = tls:%s\n\tkey = SHA256:%s\n\tssh = %s\n' \
	one one "$(printf 'A%.0s' {1..43})" one >rekeyed
KFARM_CONFIG=$PWD/ro/config PATH=$PWD/stub:$PATH \
	run read_only kfarm nodes rekey one |
	sed "s/failed to create locked file.*/.../"
KFARM_CONFIG=$PWD/ro/config PATH=$PWD/stub:$PATH \
	run read_only kfarm nodes remove one |
	sed "s/failed to create locked file.*/.../"
run test -e ssh-was-asked

run kfarm nodes add x tls:other
run kfarm nodes add lost tls:other
run kfarm nodes add x tls:other --key SHA256:short
run cat "$config"
run_pin()
{
	run kfarm nodes add "$@" --key "SHA256:$(printf 'A%.0s' {1..43})" |
		sed -E "s|\`SHA256:[A-Za-z0-9+/]{43} [^ ]+\`|\`SHA256:... USER@HOST\`|"
}
run_pin pinned tls:127.0.0.1:1
run_pin other tls:127.0.0.1:1
run kfarm nodes remove pinned

run kfarm nodes drain lost nosuch
run kfarm nodes drain losst
run kfarm nodes drain lost
run kfarm nodes drain lost
run cat "$config"
run kfarm nodes resume lost lost
run cat "$config"
run kfarm nodes probe nosuch
run kfarm nodes remove lost nosuch
run kfarm nodes remove noe4b
run cat "$config"
run kfarm nodes remove neo4b
run kfarm nodes limits | figures

# Nodes with one key or address are one machine, also if another node is
# invalid.
mkdir stubs
printf '#!/bin/sh\necho "$*: called" >&2; exit 255\n' >stubs/ssh
chmod +x stubs/ssh
for name in one two; do
	printf '[node "%s"]\nssh = %s\naddress = tls:127.0.0.1:1\nkey = SHA256:%s\n' \
		$name $name "$(printf 'A%.0s' {1..43})"
done >"$config"
printf '[node "odd"]\naddress = odd:x\n' >>"$config"
for name in three four; do
	printf '[node "%s"]\naddress = ssh:board\n' $name >>"$config"
done
PATH=$TMP/stubs:$PATH run kfarm nodes remove one three
run cat "$config"

# A pool is removed although a node is invalid.  If the configuration cannot be
# loaded, no ssh address is known, so only the configuration can be changed.
printf '[node "odd"]\nslots = 2\n[pool "p"]\nstart = x\nmax = 1\n' >"$config"
run kfarm nodes remove p
run cat "$config"
printf '[node "odd"]\nslots = abc\n[node "b"]\naddress = ssh:b\n[pool "p"]\nmax = 1\n' \
	>"$config"
PATH=$TMP/stubs:$PATH run kfarm nodes remove b
PATH=$TMP/stubs:$PATH run kfarm nodes remove --keep b p none
run cat "$config"

# The name of a pool is refused before kfarmd is installed.
printf '[pool "p"]\nstart = x\nmax = 1\n' >"$config"
PATH=$TMP/stubs:$PATH run kfarm nodes add p ssh:other

# A service is not updated without root, even if the user has a kfarmd from
# `nodes add --ssh`.  The stubs of id, sudo and doas precede the real programs,
# so that the script finds an ordinary user without root access.
mkdir as-board
printf '#!/bin/sh\n[ "$1" = -un ] && echo board || echo 1000\n' >as-board/id
printf '#!/bin/sh\nexit 1\n' | tee as-board/sudo >as-board/doas
cat >as-board/ssh <<END
#!/bin/sh
while [ \$# -gt 1 ]; do shift; done
exec /usr/bin/env -i HOME="$TMP/board" PATH="$TMP/as-board:/usr/bin:/bin" sh -c "\$1"
END
chmod +x as-board/*
printf '[node "one"]\nssh = board\naddress = tls:127.0.0.1:1\nkey = SHA256:%s\n' \
	"$(printf 'A%.0s' {1..43})" >"$config"
mkdir -p board/.local/bin board/.local/share/kfarm
PATH=$TMP/as-board:$PATH run kfarm nodes update one
echo "$TMP/board/.local/bin/kfarmd" >board/.local/share/kfarm/enrolled
echo old >board/.local/bin/kfarmd
PATH=$TMP/as-board:$PATH run kfarm nodes update
run head -c 4 board/.local/bin/kfarmd

# Ctrl-C after the installation ends the query of the node.
rm "$config"
mv as-board/ssh as-board/answer
cat >as-board/ssh <<END
#!/bin/sh
for word; do last=\$word; done
case \$last in
*--stdio*)
	: >"$TMP/asked"
	exec sleep 600
	;;
esac
exec "$TMP/as-board/answer" "\$@"
END
chmod +x as-board/ssh
PATH=$TMP/as-board:$PATH env --default-signal=INT \
	kfarm nodes add one ssh:board --ssh >log 2>&1 &
until [ -e asked ]; do
	kill -0 $! || break
	sleep .05
done
kill -INT $!
wait $!
echo "[$?]"
tail -n 1 log
run test -s "$config"

export KFARM_CONFIG=$TMP/other
run kfarm nodes list
run kfarm nodes add x unix:/nowhere/sock
run cat other
printf '[include]\npath = included\n' >other
printf '[node "inc"]\naddress = unix:/x\n' >included
run kfarm nodes remove inc
printf 'drain = true\n' >>included
run kfarm nodes resume inc
printf '[pool "inc"]\nstart = x\nmax = 1\n' >included
run kfarm nodes remove inc

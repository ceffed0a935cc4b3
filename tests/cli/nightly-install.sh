# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2016
# kfarm nightly install: systemd units, the crontab line, and systemctl calls.
export KFARM_CONFIG=$TMP/config XDG_CONFIG_HOME=$TMP/xdg
cat >config <<'END'
[nightly "board"]
	tree = t
[nightly "a+b"]
	tree = t
END
cat >bin/systemctl <<'END'
#!/bin/sh
echo "$*" >>"$TMP/systemctl"
for word; do
	[ ! -e "$TMP/fails-$word" ] || { echo 'Failed to connect to bus' >&2; exit 1; }
done
END
chmod +x bin/systemctl

# Mask the path of kfarm and values of the user; then print the systemctl calls.
nightly_install()
{
	run kfarm nightly install "$@" | sed -e "s|\"$bin/kfarm\"|KFARM|" \
		-e "s|$bin/kfarm |KFARM |" -e '/loginctl enable-linger/d' \
		-e 's|PATH=[^ "]*|PATH=...|'
	[ ! -e "$TMP/systemctl" ] || sed 's/^/systemctl /' "$TMP/systemctl"
	rm -f "$TMP/systemctl"
}

run kfarm help nightly install
nightly_install --user
run cat xdg/systemd/user/kfarm-nightly.timer
nightly_install --user --now --at 03:30 board a+b
run ls xdg/systemd/user
grep -h -e OnCalendar -e ExecStart -e KFARM_CONFIG -e XDG_CONFIG \
	xdg/systemd/user/kfarm-nightly-* | sed "s|$bin/kfarm|KFARM|"
nightly_install --user --remove board
nightly_install --user --remove board
nightly_install --user bord
nightly_install --user --at 24:00
nightly_install --user --at 3:5x
nightly_install --user --system
nightly_install --user --as root
nightly_install --remove --now
nightly_install --remove --at 3:05
nightly_install --as no-such-user
run kfarm nightly run -n --wait
run kfarm nightly run -n --bisect
run kfarm nightly run -q -v
run kfarm nightly run -n -q
nightly_install --cron --now
nightly_install --cron
nightly_install --cron --at 3:05 board a+b board
# The job finds a configuration that is named relative to this directory.
KFARM_CONFIG=config nightly_install --cron
# Only the URL of a proxy can contain a password; a home can contain "@".
XDG_STATE_HOME=$TMP/u@corp/state http_proxy=http://proxy:8080 \
	https_proxy=http://user:secret@proxy:8080 no_proxy=a@b \
	nightly_install --cron
# A file that kfarm did not write is not changed.
echo mine >xdg/systemd/user/kfarm-nightly-board.service
nightly_install --user board
nightly_install --user --remove board
run cat xdg/systemd/user/kfarm-nightly-board.service
# Without systemd, nothing is installed.
rm -f xdg/systemd/user/kfarm-nightly-board.*
touch fails-show
nightly_install --user --now --at 04:00
nightly_install --user board
mv bin/systemctl systemctl.moved
(PATH=$HOME/bin && run kfarm nightly install --user)
mv systemctl.moved bin/systemctl
rm fails-show
# An error later restores the old files and the old state of the timers.
touch fails-enable
nightly_install --user --now --at 04:00
touch fails-is-active
nightly_install --user --now --at 04:00
touch fails-is-enabled
nightly_install --user --now --at 04:00
nightly_install --user --now --at 04:00 board board
run ls xdg/systemd/user
run grep OnCalendar xdg/systemd/user/kfarm-nightly.timer
rm fails-enable fails-is-*
touch fails-disable fails-daemon-reload
nightly_install --user --remove
run ls xdg/systemd/user
nightly_install --user --remove
# PATH has the standard directories, and those with compilers.
mkdir -p tools empty
printf '#!/bin/sh\n' >tools/arm-none-gcc
chmod +x tools/arm-none-gcc
PATH=relative:$TMP/empty:$TMP/tools:/usr/bin:$TMP/tools:$PATH \
	kfarm nightly install --cron 2>/dev/null |
	sed 's|.* \(PATH=[^ ]*\).*|\1|'
: >config
nightly_install --user

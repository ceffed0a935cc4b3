#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# A real cron, in its own mount and PID namespaces, runs the line that `kfarm
# nightly install --cron` prints, with every minute as its time.  The test
# checks cron's mail and kfarm's mail.  It waits for the next minute to begin,
# and for the ends of the jobs.  systemd units are written to a private directory.
. "$(dirname "$0")/lib.sh"
own_mounts "$@"
farm_begin

cron=$(PATH=$PATH:/usr/sbin:$bin/debian/cron/usr/sbin command -v cron) || {
	left_out cron "no cron: scripts/packages install test"
	farm_end
}
if [ "$(id -u)" -ne 0 ] || ! grep -q '4294967295$' /proc/self/uid_map; then
	left_out cron "cron needs a root that is one"
	farm_end
fi

# Prepare the files that cron and sendmail read and write.  They hide those of
# the machine, and no file system is mounted in $work, which is removed.
cron_place()
{
	mkdir -p "$work"/{sbin,mails,crontabs}
	cp -a /usr/sbin/. "$work/sbin/" || return
	cat >"$work/sbin/sendmail.new" <<-END
		#!/bin/sh
		exec >/dev/null 2>&1
		# Two may come at once: each has a name of its own.
		n=\$(mktemp $work/mails/.XXXXXX)
		echo "\$@" >\$n
		cat >>\$n && mv \$n $work/mails/\${n##*/.}
	END
	chmod +x "$work/sbin/sendmail.new"
	mv -f "$work/sbin/sendmail.new" "$work/sbin/sendmail"
	mount --bind "$work/sbin" /usr/sbin || return
	mount -t tmpfs none /run && mount -t tmpfs none /var/spool || return
	mkdir -p /var/spool/cron/crontabs && mkdir -p -m 1777 /run/lock || return
	[ ! -d /etc/cron.d ] || mount -t tmpfs none /etc/cron.d || return
	[ ! -e /etc/crontab ] || mount --bind /dev/null /etc/crontab
}

mini_tree()
{
	"$root/tests/farm/mini/generate" "$work/src" 4 2
	find "$work/src" -type d -empty -exec touch {}/.keep \;
	(cd "$work/src" && git init -q -b main && git add -A &&
		git -c user.name=n -c user.email=n@e commit -qm first &&
		git -c user.name=n -c user.email=n@e tag -am one v1) || return
	cat >"$KFARM_CONFIG" <<-END
		[nightly "plain"]
			tree = mini
			arch = arm64
			kconfig = tinyconfig
			target = Image
			keep-free = 1M
		[nightly "mailed"]
			tree = mini
			arch = arm64
			kconfig = tinyconfig
			target = Image
			keep-free = 1M
			mail = kernel@example.org
	END
	"$bin/kfarm" tree add mini "$work/src" >"$work/tree.log" 2>&1
}

# mails PATTERN: print the number of mails that match.
mails()
{
	grep -laE "$1" "$work"/mails/* 2>/dev/null | wc -l
}

# Wait for the mails of both jobs.  The time of the jobs depends on the load of
# the machine, so only the end of cron ends the wait.
both_mailed()
{
	until [ "$(mails '(PASS|WARN|FAIL|ERROR) (plain|mailed) ')" -ge 2 ]; do
		kill -0 "$unshared" || return
		sleep 0.2
	done
}

header()
{
	python3 - "$@" <<-'END'
		import email, email.policy, sys
		mail = email.message_from_binary_file(open(sys.argv[1], "rb"),
		                                      policy=email.policy.default)
		print(mail[sys.argv[2]])
	END
}

export XDG_DATA_HOME=$work/data XDG_STATE_HOME=$work/state
check "a place for cron" cron_place
check "a tree" mini_tree
# Replace only the time of the printed line by every minute.
"$bin/kfarm" nightly install --cron plain mailed 2>"$work/hint" |
	sed 's/^0 2 \* \* \* /* * * * * /' >/var/spool/cron/crontabs/root
chmod 600 /var/spool/cron/crontabs/root
# cron sets HOME, but the test must not write to root's home directory.
is "lines of the crontab" 2 "$(grep -c " XDG_DATA_HOME=$work/data .*\
 XDG_CACHE_HOME=$work/cache " /var/spool/cron/crontabs/root)"
[ "$failed" -eq 0 ] || farm_end
# Meanwhile, check the units for systemd.
system_units()
{
	mkdir -p /etc/systemd/system "$work/tools" &&
		mount -t tmpfs none /etc/systemd/system &&
		ln -sf /bin/true "$work/tools/systemctl" &&
		PATH=$work/tools:$PATH "$bin/kfarm" nightly install --as daemon --at 3:04 mailed \
			>"$work/units" 2>>"$work/hint" &&
		systemd-analyze --man=no verify kfarm-nightly-mailed.timer \
			kfarm-nightly-mailed.service 2>&1
}

# No variable of this shell must reach the jobs.
env -i PATH=/usr/bin:/bin unshare -pf --kill-child=KILL "$cron" -f -L 0 \
	>"$work/cron.log" 2>&1 </dev/null &
children+=($!)
unshared=$!

is "units of the system: systemd has nothing to say of them" "" \
	"$(system_units)"
check "units of the system: they run as another" grep -qx User=daemon \
	/etc/systemd/system/kfarm-nightly-mailed.service
check "and have nothing of this user" [ "$(grep -c ^Environment= \
	/etc/systemd/system/kfarm-nightly-mailed.service)" -eq 2 ]
check "cron runs until both jobs have mailed a result" both_mailed
is "both results" 2 "$(mails "PASS (plain|mailed) v1 arm64-tinyconfig")"
plain=$(grep -la '^Subject: Cron' "$work"/mails/* | head -n 1)
mailed=$(grep -la '^X-Kfarm-Result: ' "$work"/mails/* | head -n 1)
check "cron mails what plain prints" grep -q \
	'^\[kfarm\] PASS plain v1 arm64-tinyconfig: first build' "$plain"
check "with the command that cron ran" grep -qF 'kfarm nightly run -q plain' \
	"$plain"
is "kfarm mails itself, and cron has nothing" 0 \
	"$(grep -la '^Subject: Cron.*run mailed' "$work"/mails/* | wc -l)"
is "how sendmail is called" "-t -oi" "$(head -n 1 "$mailed")"
sed -i 1d "$mailed"
is "to" kernel@example.org "$(header "$mailed" To)"
check "from" grep -q '^From: kfarm <root@' "$mailed"
is "result" PASS "$(header "$mailed" X-Kfarm-Result)"
kill -KILL "$unshared"
wait "$unshared" 2>/dev/null
[ ! -s "$work/cron.log" ] || sed 's/^/      /' "$work/cron.log"
farm_end

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2016
# Unusable nodes are listed with their reasons, and the exit status is 1.
only chmod
cat >"$config" <<'END'
[node "refused"]
	address = "exec:echo one >&2; echo 'ssh: connect: refused' >&2; exit 255"
[node "silent"]
	address = exec:exit 3
[node "chatty"]
	address = exec:echo Welcome to this node, have a nice day
[node "sock"]
	address = unix:/nowhere/sock
[node "host"]
	address = ssh:nowhere
[node "hung"]
	address = exec:exec sleep 60
	slots = 2
END
run kfarm nodes list
run kfarm nodes probe hung silent
run kfarm nodes limits | unwrapped | figures
run kfarm nodes list --json | sed -n 1,18p
# When ssh refuses a connection, kfarm prints the command to type.
cat >bin/ssh <<'END'
#!/bin/sh
case $* in
*me@new*) printf 'Host key verification failed.\r\n' ;;
*) printf 'me@shut: Permission denied (publickey,password).\r\n' ;;
esac >&2
exit 255
END
chmod 755 bin/ssh
printf '[node "%s"]\n\taddress = ssh:me@%s\n' new new shut shut >"$config"
run kfarm nodes probe
# After an interruption, the exit status is 130.
printf '#!/bin/sh\nkill $PPID\nexec sleep 100\n' >bin/ssh
run kfarm nodes update new
run kfarm nodes remove new

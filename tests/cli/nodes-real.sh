# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2016
# Real nodes on this machine: one with a sandbox, one without.
only
cat >"$config" <<'END'
[node "good"]
	address = exec:kfarmd --stdio
[node "limited"]
	address = exec:kfarmd --stdio --slots 1
[node "bare"]
	address = "exec:exec /usr/bin/unshare -Ur /bin/sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec kfarmd --stdio'"
END
fields()
{
	sed -E -e '/^NODE /s/ +/ /g' \
		-e 's/ +[0-9+]+ +[0-9.]+ [GM]iB +[^ ]+ +([0-9/]+) +[0-9.]+ +([0-9]+ C|-) +/  ... /' \
		-e 's/^(bare +unfit) .*/\1 .../'
}
# Mask optional security layers of the kernel, reasons for missing ones, and
# limits on cores.
optional()
{
	sed -E -e "s/ (proc|job-user|landlock-[0-9]+)//g" -e 's/no sandbox: .*/no sandbox: .../' \
		-e '/^  (.*, )?Linux .*runs /,/^  (no temperature sensor|[0-9]+ C)/d' \
		-e '/^  (waiting for|swap:|network:|currently [0-9]+:)/d' \
		-e 's/, [0-9]+ of them for .* remote cores?$//' \
		-e 's/[0-9N]+ of (N cores)/\1/'
}
run kfarm nodes list | fields | optional
run kfarm nodes probe | figures | optional
run kfarm nodes limits | unwrapped | figures | optional | sed -E -e 's/^(good )[0-9]+/\1N/' \
	-e 's/[0-9]+ \+ 1 of the nodes \+ [0-9]+/N + 1 of the nodes + N/'
run kfarm nodes probe limited | figures | optional
# The local slots do not depend on drained nodes.
run kfarm nodes drain good limited
run kfarm nodes limits | unwrapped | figures | sed -n /^local/p

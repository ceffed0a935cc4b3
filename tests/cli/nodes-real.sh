# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2016
# Real nodes on this machine: with our compiler, with another, with none.
mkdir -p other none
# Whatever it is, it is not aarch64-linux-gnu-gcc.
ln -s "$(command -v gcc)" other/aarch64-linux-gnu-gcc
only aarch64-linux-gnu-gcc
cat >"$config" <<'END'
[node "same"]
	address = exec:kfarmd --stdio
[node "limited"]
	address = exec:kfarmd --stdio --slots 1
[node "other"]
	address = exec:PATH=$HOME/other $HOME/bin/kfarmd --stdio
[node "none"]
	address = exec:PATH=$HOME/none $HOME/bin/kfarmd --stdio
END
fields()
{
	sed -E -e '/^NODE /s/ +/ /g' -e 's/ +[0-9]+ +[0-9.]+ [GM]iB +[^ ]+ +([0-9]+) +[0-9.]+ +/  ... /'
}
run kfarm nodes list | fields
run kfarm nodes probe | figures
run kfarm nodes limits | figures | sed -E -e 's/^(same +)[0-9]+/\1N/' \
	-e 's/[0-9]+ \+ 1 of the nodes \+ [0-9]+/N + 1 of the nodes + N/'
run kfarm nodes probe limited | figures

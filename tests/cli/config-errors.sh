# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2016
# Each error in the configuration is reported with a file and a line.
mkdir -p .config/kfarm && mkfifo .config/kfarm/fifo
only
try()
{
	printf '%s\n' "$@" >"$config"
	printf -- '--- %s\n' "$@"
	run kfarm nodes list
}
try '[farm]' 'requir-remote = 90'
try '[node]' '' 'address = ssh:x'
try '[farm]' '# percent' 'require-remote = 101'
try '[node "a"] codec = gzip'
try '[node "a"]' 'address = "ssh:two words"'
try '[node "a"]' 'slots = 2'
try '[node "a"]' 'addres = ssh:x'
try '[pool "p"]' 'start = x'
try '[pool "p"]' 'max = 3'
try '[node "p"]' 'address = ssh:x' '[pool "p"]' 'start = x' 'max = 3'
try '[node "a b"]' 'address = ssh:x'
try '[node "a"' 'address = ssh:x'
try '[farm]' 'verify = "1'
try '[includeIf "gitdir:/"]' 'path = more'
try '[include]' 'path = more'
printf '[farm]\n\nverify = all\n' >.config/kfarm/more
try '[include]' 'path = more'
try '[tree "stable"]' 'url = https://...' '[nightly "n"]' 'target = Image'
# The options of a nightly job are those of `kfarm build`.
for options in --foo --retry-failed -j0 '--ui foo' foo "-e 'a" \
	"-F -e 'A=a b' W=1 CCX=y -C /none" '-a arm64' '-k x' '-K x' '-t gcc' \
	'-F ARCH=arm64' 'LLVM=-14' 'CROSS_COMPILE?=x-' '-e CC=clang'; do
	printf '%s\n' '[tree "t"]' 'url = https://example.org' \
		'[nightly "a"]' 'tree = t' 'arch = arm64' "options = $options" \
		>"$config"
	echo "--- options = $options"
	run kfarm nightly list
done
rm "$config" && mkdir "$config"
run kfarm nodes list
# kfarm does not block on a FIFO without a writer, neither as the configuration
# file nor as an included file.  tests/run would end a blocked test after a
# limit.
rm -r "$config"
try '[farm]' '[include]' 'path = fifo'
export KFARM_CONFIG=.config/kfarm/fifo
run kfarm nodes list
run kfarm nodes remove a

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# Errors and warnings about the configuration, with their file and line.
n=0
# try LINE...: record kfarm's messages about a configuration with these lines.
try()
{
	n=$((n + 1))
	printf '%s\n' "$@" >"$config"
	record "config-error-$(printf %02d $n)" \
		sh -c 'cat .config/kfarm/config; kfarm nodes list'
}

try '[farm]' 'requir-remote = 90'
try '[farm]' '# percent' 'require-remote = 101'
try '[farm]' 'shell = fish'
try '[farm]' 'steps = perhaps'
try '[farm]' 'verify = "1'
try '[node]' '' 'address = ssh:x'
try '[node "a"] codec = gzip'
try '[node "a"]' 'address = "ssh:two words"'
try '[node "a"]' 'address = nosuch:x'
try '[node "a"]' 'slots = 2'
try '[node "a"]' 'address = unix:/x' 'slots = -1'
try '[node "a"]' 'address = unix:/x' 'drain = maybe'
try '[node "a"]' 'address = tls:x'
try '[node "a b"]' 'address = ssh:x'
try '[node "a"' 'address = ssh:x'
try '[nod "a"]' 'address = ssh:x'
try '[toolchain]' 'mirror = nowhere'
try '[toolchain]' 'strict = 7'
try '[arch "vax"]' 'toolchain = gcc-13'
try '[tree "stable"]' 'url = https://...' '[nightly "n"]' 'target = Image'
try '[nightly "n"]' 'tree = t' 'keep-days = few'
try '[include]' 'path = more'
printf '[farm]\n\nverify = all\n' >"$XDG_CONFIG_HOME/kfarm/more"
try '[include]' 'path = more'
rm "$config" && mkdir "$config"
record config-directory kfarm nodes list
rm -r "$config"
record config-absent env KFARM_CONFIG=nowhere kfarm nodes list

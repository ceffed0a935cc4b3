# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# Names of adopted compilers.  The output masks the release of the compiler.
names=.local/share/kfarm/bin

# compiler DIR: make a directory that consists of links to a compiler's tools.
compiler()
{
	local tool

	mkdir -p "$1"
	for tool in gcc as ld objcopy nm; do
		ln -s "/usr/bin/aarch64-linux-gnu-$tool" "$1/x-linux-$tool"
	done
}

# Print the published names and the files to which they lead.
list_names()
{
	local name

	for name in "$names"/*; do
		[ ! -L "$name" ] || echo "${name##*/} $(readlink "$name")"
	done
}

without_release()
{
	sed -E -e 's/gcc-[0-9.]+/gcc-N/g' -e 's/gcc[0-9]+/gccN/g' \
		-e 's/ on [0-9T:-]+Z;/ on DATE;/'
}

# The directory of the tools need not be called bin.
compiler sdk/tools/x-linux
run kfarm toolchain adopt sdk/tools/x-linux | without_release
list_names | without_release

# A compiler in another directory replaces the adopted one with --force: each
# name then leads to the new compiler, and `remove` removes all names.
rm -r sdk
compiler v1
compiler v2
rm v2/x-linux-objcopy
id=$(kfarm toolchain adopt v1 --force | head -n 1)
list_names | without_release
run kfarm toolchain adopt v2 | without_release
run kfarm toolchain adopt v2 --force | without_release
list_names | without_release
run kfarm toolchain tune "$id" typo | without_release
run kfarm toolchain remove "$id" | without_release
list_names

# A driver whose name ends in a version stands next to another release.
compiler several
mv several/x-linux-gcc several/x-linux-gcc-9
ln -s /usr/bin/true several/x-linux-gcc
id=$(kfarm toolchain adopt several/x-linux-gcc-9 | head -n 1)
list_names | without_release

# A recorded name that leads to another release is corrected, or removed if its
# tool has no version.  A name that is not recorded is not changed.
ln -s /usr/bin/true several/x-linux-ld-9
driver=$(echo "$names"/x-*-gcc)
ln -sf "$PWD/several/x-linux-gcc" "$driver"
ln -s /usr/bin/true several/x-linux-objcopy-10
ln -s "$PWD/several/x-linux-nm" "${driver%-gcc}-size"
run kfarm toolchain adopt several/x-linux-gcc-9 | without_release
list_names | without_release
# A removed name is no longer recorded.
jq -r '.links[]' ".local/share/kfarm/toolchains/$id/toolchain.json" |
	without_release
rm "${driver%-gcc}-size" several/x-linux-ld-9 several/x-linux-objcopy-10
run kfarm toolchain remove "$id" | without_release

# A compiler is not adopted if its names cannot be created: none of its tools
# has the prefix of its target, or the directory of --links is a file.
mkdir alone
ln -s /usr/bin/gcc alone/gcc
run kfarm toolchain adopt alone/gcc 2>&1 |
	sed -E 's/no .* tools found/no TRIPLET-* tools found/'
run kfarm toolchain adopt several/x-linux-gcc-9 --links /dev/null
list_names
run kfarm toolchain list

# `verify ID` succeeds although another toolchain is broken.
id=$(kfarm toolchain adopt several/x-linux-gcc-9 | head -n 1)
broken=.local/share/kfarm/toolchains/gcc-1.2.3-vax-linux
mkdir $broken
echo '{' >$broken/toolchain.json
run kfarm toolchain verify "$id" | without_release
run kfarm toolchain verify | without_release
kfarm toolchain verify "$id" --json 2>/dev/null | jq -c .broken
rm -r $broken
kfarm toolchain remove "$id" >/dev/null 2>&1

# A compiler that replaces another one remains, with the names that exist.
run kfarm toolchain adopt several/x-linux-gcc-9 | without_release
run kfarm toolchain adopt v1 --force --links /dev/null
list_names | without_release
run kfarm toolchain remove "$id" | without_release
list_names

# A signal ends the query of a node, also the second query of `verify`.  The
# node "mute" sends the signal instead of an answer to the dial with this number.
cat >"$config" <<'END'
[node "mute"]
	address = "exec:echo >>dials; [ $(wc -l <dials) = $(cat mute-dial) ] || exec kfarmd --stdio; kill -TERM $PPID; exec sleep 1000"
END
# mute N COMMAND...: run the command; its dial number N has no answer.  Delete
# the progress, which a slow machine prints.
mute()
{
	rm -f dials
	echo "$1" >mute-dial
	run "${@:2}" | without_release | sed '/: [a-z]*ing$/d'
}
mute 1 kfarm toolchain list --json
mute 1 kfarm toolchain verify
mute 2 kfarm toolchain verify

# After a signal, `remove` removes no further toolchain.
ids=$(kfarm toolchain adopt v1 aarch64-linux-gnu- | sed -n '/^adopted/p')
for dial in 1 2 3; do
	# shellcheck disable=SC2086 # two words
	mute $dial kfarm toolchain remove --nodes all $ids
	kfarm toolchain list --nodes none --json | jq -r '.toolchains[].id' |
		without_release
done

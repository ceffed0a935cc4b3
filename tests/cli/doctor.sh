# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2016
# kfarm doctor in a prepared environment: PATH, binutils and toolchains are
# known; disks and kernel are those of the machine.
export XDG_RUNTIME_DIR=$TMP/run TMPDIR=$TMP/tmp
mkdir -p run tmp usr/bin usr/lib/bfd-plugins
chmod 700 run
nm=$(realpath /usr/bin/nm)
only grep chmod ln cp
ln -s "$bin/kfarm-cc" bin/
echo plugin >usr/lib/bfd-plugins/LLVMgold.so
echo plugin >usr/lib/bfd-plugins/liblto_plugin.so
cp "$nm" usr/bin/some-linux-nm

# Mask rows that depend on the machine, and times.
known()
{
	grep -v -E '^[a-z]+ +(space|sandbox|packages|limits|clock): ' | sed -E -e "s|$bin|\$bin|g" \
		-e 's/[0-9]+\.[0-9] ms of CPU per run instead of [0-9.]+/N ms of CPU per run instead of M/' \
		-e 's/^[0-9]+ findings?: .*/N findings: .../'
}
status_of()
{
	printf '$ %s\n' "$*"
	"$@" >out 2>&1
	echo "[$?]"
	known <out
}

status_of kfarm doctor
for tool in make bc flex bison; do
	printf '#!/bin/sh\n' >bin/$tool
	chmod 755 bin/$tool
done
ln -s /usr/bin/gcc bin/some-gcc
printf '#!/bin/sh\n' >bin/script-gcc
chmod 755 bin/script-gcc
cp bin/script-gcc bin/c99-gcc
cat >"$config" <<'END'
[node "one"]
	address = ssh:one
END
status_of kfarm doctor -v
PATH=$PATH:$TMP/usr/bin

# A kfarm that was copied without the recipe shell.
mkdir alone
cp "$bin/kfarm" alone/
alone/kfarm doctor | grep ' shell: '

# A compiler cache at the front of PATH, and a toolchain with three defects.
mkdir -p ccache .local/share/kfarm/toolchains/gcc-13.3.0-x-linux .local/share/kfarm/bin
cp bin/script-gcc ccache/ccache
ln -s ccache ccache/gcc
ln -s /usr/bin/gcc bin/gcc
PATH=$TMP/ccache:$PATH
ln -s "$TMP/nosuch/x-linux-gcc" .local/share/kfarm/bin/x-gcc1330-linux-gcc
status_of kfarm doctor

# A defect of several files is printed once; -v prints each file.
for tool in ar ld nm; do
	ln -s "$TMP/nosuch/x-linux-$tool" \
		.local/share/kfarm/bin/x-gcc1330-linux-$tool
done
cp "$nm" usr/bin/other-linux-nm
printf '#' >>usr/bin/other-linux-nm
status_of kfarm doctor
status_of kfarm doctor -v | grep -E 'names|plugins'
rm .local/share/kfarm/bin/x-gcc1330-linux-??
rm usr/bin/other-linux-nm
status_of kfarm doctor --json | grep -A3 '"check": "plugins"'
printf '[node "x"]\n\taddress = nosuch:x\n' >"$config"
status_of kfarm doctor | grep -E '^[a-z]+ +(nodes|configuration): '
printf '[node "x"\n\taddress = exec:true\n' >"$config"
status_of kfarm doctor | grep -E '^[a-z]+ +(nodes|configuration): '
printf '[node "x"]\n\taddress = exec:true\n\tadress = x\n' >"$config"
status_of kfarm doctor | grep -E '^[a-z]+ +(nodes|configuration): '

# The key of the build host, the limit of open files, and the clock.
printf '[node "x"]\n\taddress = tls:x\n\tkey = SHA256:%s\n' \
	AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA >"$config"
status_of kfarm doctor | grep ' keys: '
mkdir -p .config/kfarm
printf 'no key\n' >.config/kfarm/key.pem
chmod 644 .config/kfarm/key.pem
status_of kfarm doctor | grep ' keys: '
(
	ulimit -n 129
	kfarm doctor | grep ' limits: '
)
# The runtime directory of another user after su(1), in which no file can be
# created.
XDG_RUNTIME_DIR=/dev/null kfarm doctor | grep ' XDG_RUNTIME_DIR'
faketime=$(echo /usr/lib/*/faketime/libfaketime.so.1)
if [ -e "$faketime" ]; then
	LD_PRELOAD=$faketime FAKETIME=-10y FAKETIME_DONT_FAKE_MONOTONIC=1 \
		kfarm doctor | grep '^wrong  clock: ' | sed 's/20.*UTC/.../'
else
	echo "wrong  clock: ... is before kfarm was installed: make treats new files as old, and downloads fail; enable NTP with \`timedatectl set-ntp true\`, or install a package such as chrony"
fi
# The last line counts the lines before it; the check of plugins has several.
for all in '' -v; do
	# shellcheck disable=SC2086 # no word without -v
	kfarm doctor $all | PATH=/usr/bin:/bin awk -v all="$all" '
		!/^[0-9]+ finding/ { n[$1]++; next }
		{ gsub(/[^0-9 ]/, "")
		  same = $2 == n["wrong"] + 0 && $3 == n["slow"] + 0 &&
			$4 == n["note"] + 0 && $1 == $2 + $3 + $4 + $5 &&
			(all == "" || $5 == n["ok"] + 0)
		  print "counts of doctor " all ": " (same ? "equal" : $0) }'
done
# The findings are printed even if the temporary directory cannot be removed.
cat >alone/kfarmd <<END
#!/bin/sh
PATH=/usr/bin:/bin
mv "$TMP/tmp" "$TMP/moved"
: >"$TMP/tmp"
END
chmod 755 alone/kfarmd
alone/kfarm doctor 2>&1 | sed -E -e 's/kfarm-doctor\.\w+/kfarm-doctor.XXXXXX/' \
	-e 's/^[0-9]+ findings?: .*/N findings: .../' |
	grep -E '^kfarm|^N findings'
rm tmp
mkdir tmp
run kfarm doctor all
run kfarm doctor --nosuch
ls tmp

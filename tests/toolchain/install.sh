#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# lane: yes
#
# toolchain/install.sh - kfarm toolchain install
#
# A real compiler comes from a real server.  Then all faults of a server, a
# disk, a kill or a second kfarm are tested with compilers of 16 KiB (fake.c),
# one version per case.  A rejected installation leaves no file; a killed one
# leaves all files or none.
#
# KILLS=N kills N installations (100).
. "$(dirname "$0")/lib.sh"
. "$root/tests/toolchain/archives.sh"

triplet=aarch64-linux
real=$archives_version
attacks=0 accepted=0
kills=${KILLS:-100}

# In memory if possible, because kfarm flushes the files to disk.
begin()
{
	if cp "$(command -v true)" /dev/shm/kfarm-true.$$ 2>/dev/null &&
		/dev/shm/kfarm-true.$$ 2>/dev/null &&
		[ "$(df -Pk /dev/shm | awk 'NR == 2 { print $4 }')" -gt \
			1000000 ]; then
		export TMPDIR=/dev/shm
	fi
	rm -f /dev/shm/kfarm-true.$$
	toolchain_begin
	trap 'archives_end; farm_cleanup' EXIT
	archives_make && archives_begin "$work" || exit 1
	store=$XDG_DATA_HOME/kfarm/toolchains
	cache=$XDG_CACHE_HOME
	files=$work/files
	mkdir -p "$files" "$work/made"
	archives_server "$files" || exit 1
}

finish()
{
	archives_end
	farm_end
}

# ---- compilers of 16 KiB ----

# made VERSION SAYS: make its tree, once per reported version.
made()
{
	local tree=$work/made/$1 top

	top=$tree/gcc-$1-nolibc/$triplet
	mkdir -p "$top"/{bin,libexec,lib/include}
	cc -O1 -DVERSION="\"$2\"" -DTRIPLET="\"$triplet\"" \
		-o "$top/bin/$triplet-gcc" "$root/tests/toolchain/fake.c" &&
		cp "$top/bin/$triplet-gcc" "$top/libexec/cc1" &&
		ln "$top/bin/$triplet-gcc" "$top/bin/$triplet-gcc-$1" &&
		ln -s "$triplet-gcc" "$top/bin/$triplet-cc" &&
		head -c 3000 /dev/urandom >"$top/lib/include/x$1.h" &&
		cp "$root/HACKING.md" "$top/lib/specs" &&
		touch -d 2022-08-19T09:00Z "$top/lib/specs"
	echo "$tree"
}

# on_server VERSION: print the path of its archive.
on_server()
{
	local archives_version=$1

	echo "$files/$(archives_path "$archives_host" $triplet)"
}

# Create the names of all versions, so that kfarm fetches listings only once.
promise()
{
	local version at name

	for version in 1.0.0 1.1.{1..14} 1.2.{1..5} 1.3.{1..3} 2.1.{1..6} \
		2.2.{1..8} 2.3.1 2.4.1 3.1.{1..8} 4.1.{1..4} 5.1.1 6.1.1; do
		at=$(on_server $version)
		mkdir -p "${at%/*}" && touch "$at" || exit 1
	done
	for name in hppa-linux hppa64-linux; do
		at=$(triplet=$name on_server 7.1.1)
		mkdir -p "${at%/*}" && touch "$at" || exit 1
	done
	kfarm search --refresh >"$work/log" 2>&1 || {
		cat "$work/log"
		exit 1
	}
}

# fake VERSION [SAYS]: pack, sign and list it.
fake()
{
	local at

	archives_version=$1
	at=$(on_server "$1")
	rm "$at"
	archives_pack "$(made "$1" "${2:-$1}")" $triplet "${at%.tar.xz}" &&
		archives_sums "$files" "$archives_host"
}

# attack VERSION COMMAND [ARGUMENT]...: sign an archive that COMMAND makes (as $1)
# in the directory of a good tree.
attack()
{
	local at tree

	archives_version=$1
	at=$(on_server "$1")
	tree=$(made "$1" "$1")
	(cd "$tree" && "$2" "${at%.xz}" "${@:3}") &&
		archives_gpg -u tar@kfarm.test --detach-sign \
			-o "${at%.xz}.sign" "${at%.xz}" && xz -0f "${at%.xz}" &&
		archives_sums "$files" "$archives_host"
}

attack_up()
{
	echo evil >evil && tar -cPf "$1" --transform 's,^evil$,a/../../evil,' \
		evil gcc-*
}

attack_absolute()
{
	echo evil >evil && tar -cPf "$1" \
		--transform "s,^evil\$,$work/evil," evil gcc-*
}

attack_link()
{
	ln -s "$work" out && tar -cf "$1" out gcc-* && rm out && mkdir out &&
		echo evil >out/evil && tar -rf "$1" out/evil
}

attack_hard_link()
{
	echo good >a && ln a b && tar -cPf "$1" \
		--transform "s,^a\$,$work/victim,h" a b gcc-*
}

attack_device()
{
	mkfifo fifo && tar -cf "$1" fifo gcc-*
}

attack_setuid()
{
	chmod u+s gcc-*/*/bin/$triplet-gcc && tar -cf "$1" gcc-*
}

attack_bomb()
{
	truncate -s 80M zeros && tar -cf "$1" gcc-* zeros && rm zeros
}

# Write only headers, equal except for the number in the name.
attack_entries()
{
	perl -e '
	for my $i (0 .. 999999) {
		my $h = pack("a100a8a8a8a12a12A8a1a100a6a2x247",
			sprintf("e/%07d", $i), "0000644", "0000000", "0000000",
			"00000000000", "14277450220", " " x 8, "0", "",
			"ustar", "00");
		substr($h, 148, 8) = sprintf("%06o\0 ",
			unpack("%32C*", $h));
		print $h;
		last if $i == 66999;
	}
	print "\0" x 1024' >"$1"
}

# ---- kfarm ----

configure()
{
	cat >"$work/config" <<-END
	[toolchain]
	mirror = ${1:-$server_url/pub/tools}
	ca-file = $server_ca
	key-file = $archives_keys
	key-file = $(archives_key expired)
	key-file = $(archives_key late)
	key-file = $(archives_key revoked)
	sums-key = ${2:-$archives_sums_key}
	tar-key = $archives_tar_key
	END
	export KFARM_CONFIG=$work/config
}

kfarm()
{
	"$bin/kfarm" toolchain "$@"
}

# install VERSION [OPTION...]
install()
{
	kfarm install "gcc-$1" --triplet $triplet "${@:2}" \
		>"$work/log" 2>&1 </dev/null
}

id()
{
	echo "gcc-$1-$triplet"
}

# Check for installed files only, without temporary ones.
is_clean()
{
	[ -z "$(ls -A "$store/.live" 2>&1)" ] &&
		! compgen -G "$store/.lock.*" >/dev/null
}

takes()
{
	local name=$1 version=$2

	install "${@:2}"
	is "$name: installed" 0 $?
	check "$name: verified" kfarm verify "$(id "$version")"
	check "$name: nothing is left over" is_clean
}

# refuses NAME VERSION PATTERN [OPTION...]: check the error and that no file is
# left.
refuses()
{
	local status

	install "$2" "${@:4}"
	status=$?
	((attacks++))
	[ $status -eq 1 ] && [ ! -e "$store/$(id "$2")" ] && is_clean &&
		grep -q -E "$3" "$work/log"
	if [ $? -eq 0 ]; then
		good "$1: refused"
		return
	fi
	[ ! -e "$store/$(id "$2")" ] || ((accepted++))
	bad "$1: status $status, wanted \"$3\""
	tail -n 5 "$work/log"
}

json()
{
	jq -r "$2" "$store/$(id "$1")/toolchain.json"
}

# ---- a real compiler ----

test_real()
{
	local peak at
	peak=$(tool peak) || exit 1
	at=$(on_server "$real")

	# A vendor's choice: xz with the largest dictionary.
	xz -dc "$at" | xz -T1 --lzma2=preset=0,dict=64MiB >"$work/large" &&
		mv "$work/large" "$at" && archives_sums "$files" \
			"$archives_host" || exit 1
	"$peak" "$work/peak" "$bin/kfarm" toolchain install "gcc-$real" \
		--triplet $triplet >"$work/log" 2>&1
	is "a real compiler: installed" 0 $?
	at_most "a real compiler: memory in KiB" 131072 "$(cat "$work/peak")"
	is "its checksums' key" "$archives_sums_key" \
		"$(json "$real" .verified.sums_key)"
	is "its signature's key" "$archives_tar_key" \
		"$(json "$real" .verified.tar_key)"
	is "its digest" "$(sha256sum <"$at" | cut -d ' ' -f 1)" \
		"$(json "$real" .archive_sha256)"
	is "nobody was insecure" false "$(json "$real" .insecure)"
	is "the archive came once" 1 \
		"$(grep -c "GET .*/${at##*/} 20" "$server_log")"
	check "it is what was packed" is_as_packed "$at"
	is "the same again" 0 "$(install "$real"; echo $?)"
	check "a changed byte is found" finds_change
}

is_as_packed()
{
	mkdir "$work/unpacked" && tar -C "$work/unpacked" -xf "$1" &&
		diff -r --no-dereference -x toolchain.json "$work/unpacked" \
			"$store/$(id "$real")"
}

finds_change()
{
	local file

	file=$(find "$store/$(id "$real")" -name cc1 -type f)
	printf x | dd of="$file" bs=1 seek=1000 conv=notrunc status=none
	! kfarm verify "$(id "$real")"
}

# ---- signatures ----

test_signatures()
{
	local host=$archives_host case n=0

	fake 1.0.0
	takes "good" 1.0.0
	for case in edited unsigned wrong_key signature_expired \
		two_signatures; do
		fake 1.1.$((++n)) && "archives_bad_$case" "$files" "$host"
		refuses "$case" 1.1.$n 'sha256sums.asc'
	done
	for case in before after header; do
		fake 1.1.$((++n)) &&
			archives_bad_lines "$files" "$host" $triplet $case
		refuses "unsigned lines: $case" 1.1.$n \
			'SHA-256 is|sha256sums.asc|damaged'
	done
	for case in flip other garbage; do
		fake 1.1.$((++n)) &&
			archives_bad_sign "$files" "$host" $triplet $case
		refuses "tar's signature: $case" 1.1.$n 'tar.sign'
	done
	fake 1.1.$((++n)) && archives_bad_two_sums "$files" "$host" $triplet
	refuses "two sums" 1.1.$n 'listed 2 times'
	test_lesser
	test_old_keys
}

# One signature suffices; two are needed if configured.
test_lesser()
{
	local host=$archives_host

	fake 1.2.1 && archives_bad_unlisted "$files" "$host" $triplet
	takes "signed by its maker alone" 1.2.1
	is "so the sums' key is not named" null "$(json 1.2.1 .verified.sums_key)"
	fake 1.2.2 && archives_bad_sign "$files" "$host" $triplet missing
	takes "listed alone" 1.2.2
	is "so the maker's key is not named" null \
		"$(json 1.2.2 .verified.tar_key)"
	fake 1.2.3 && archives_bad_sign "$files" "$host" $triplet missing
	refuses "listed alone, but strict" 1.2.3 'strict' --strict
	fake 1.2.4 && archives_bad_sign "$files" "$host" $triplet missing &&
		archives_bad_unlisted "$files" "$host" $triplet
	refuses "nothing vouches" 1.2.4 'no checksum or signature'
	takes "nothing vouches, insecure" 1.2.4 --insecure
	check "which is printed" grep -q \
		'^  verified  no: installed with --insecure$' "$work/log"
	is "which is kept" true "$(json 1.2.4 .insecure)"
	kfarm list >"$work/log" 2>&1
	check "and shown" grep -q 'nobody\|insecure\|unverified' "$work/log"
	test_demands 1.2.4
	fake 1.2.5 && archives_bad_flip "$files" "$host" $triplet
	refuses "insecure does not mean contradicted" 1.2.5 \
		'SHA-256 is|damaged' --insecure
}

# demands STATUS NAME OPTION...: install an installed toolchain again with these
# options, and check the exit status.
demands()
{
	kfarm install "${@:3}" >"$work/log" 2>&1 </dev/null
	is "installed again, $2" "$1" $?
}

# test_demands VERSION: the toolchain was installed without a verification; check
# --strict and --sha256 in a second installation.
test_demands()
{
	local at=("gcc-$1" --triplet $triplet) file sum

	file=$(on_server "$1")
	sum=$(sha256sum <"$file" | cut -d ' ' -f 1)
	demands 0 "nothing required" "${at[@]}"
	demands 1 "strict" "${at[@]}" --strict
	check "the missing signature is named" grep -q 'signature' "$work/log"
	demands 1 "strict, from a file" --file "$file" --strict
	demands 0 "its SHA-256" --file "$file" --sha256 "$sum"
	demands 1 "another SHA-256" --file "$file" --sha256 "${sum//[1-9]/0}"
	check "the error contains the SHA-256 of the installed archive" grep -q "$sum" \
		"$work/log"
}

test_old_keys()
{
	local host=$archives_host

	fake 1.3.1 && archives_expired "$files" "$host"
	configure "" "$(archives_fingerprint expired)"
	takes "signed before its key expired" 1.3.1
	check "which is said" grep -q 'expired' "$work/log"
	fake 1.3.2 && archives_bad_late "$files" "$host"
	configure "" "$(archives_fingerprint late)"
	refuses "signed after its key expired" 1.3.2 'expired'
	fake 1.3.3 && archives_bad_revoked "$files" "$host"
	configure "" "$(archives_fingerprint revoked)"
	refuses "signed by a revoked key" 1.3.3 'revoked'
	configure
}

# ---- archives ----

test_bytes()
{
	local size at n=0 offset

	for offset in 0 7 200 1000 2000 4000; do
		fake 2.1.$((++n)) && archives_bad_flip "$files" \
			"$archives_host" $triplet $offset
		refuses "a bit of byte $offset flipped" 2.1.$n \
			'SHA-256 is|damaged'
	done
	n=0
	for offset in 0 1 11 12 100 1000 3000 -1; do
		fake 2.2.$((++n))
		at=$(on_server 2.2.$n)
		size=$(stat -c %s "$at")
		truncate -s $(((size + offset) % size)) "$at"
		refuses "cut off at byte $offset" 2.2.$n \
			'SHA-256 is|damaged|empty'
	done
	fake 2.3.1
	rm "$(on_server 2.3.1)"
	refuses "404" 2.3.1 'no such file|404'
	# Use an empty cache of listings.
	export XDG_CACHE_HOME=$work/other
	configure "$server_url/to-http/pub/tools"
	refuses "redirected to http" 1.1.1 'unencrypted http is not allowed'
	configure "$server_http/pub/tools"
	refuses "plain http" 1.1.1 'unencrypted http is not allowed'
	export XDG_CACHE_HOME=$cache
	configure
	fake 2.4.1 2.4.0
	refuses "a driver of another version" 2.4.1 'expected 2\.4\.1'
}

test_attacks()
{
	local case n=0

	echo mine >"$work/victim"
	for case in up absolute link hard_link device setuid bomb; do
		attack 3.1.$((++n)) attack_$case || exit 1
		refuses "tar with $case" 3.1.$n \
			'path|outside|not a file|setuid|times'
	done
	attack 3.1.$((++n)) attack_entries || exit 1
	refuses "tar with 67000 entries" 3.1.$n 'entries'
	is "the victim has one name" 1 "$(stat -c %h "$work/victim")"
	check "nothing was written beside" test ! -e "$work/evil"
}

# refuses_file NAME FILE: check that kfarm rejects a file that is not regular.
refuses_file()
{
	timeout -s KILL 60 "$bin/kfarm" toolchain install --file "$2" \
		--insecure >"$work/log" 2>&1 </dev/null
	is "$1: status" 1 $?
	check "$1: is not a file" grep -q "$2: not a regular file" "$work/log"
	check "$1: nothing is left over" is_clean
}

test_files()
{
	local at=$work/x86_64-gcc-8.1

	mkfifo "$at.1-nolibc-$triplet.tar.xz"
	refuses_file "a pipe" "$at.1-nolibc-$triplet.tar.xz"
	mkdir "$at.2-nolibc-$triplet.tar.xz"
	refuses_file "a directory" "$at.2-nolibc-$triplet.tar.xz"
}

# ---- disks, kills, concurrent installations ----

test_disk()
{
	mkdir -p "$work/small"
	if ! mount -t tmpfs -o size=2m tmpfs "$work/small" 2>/dev/null; then
		left_out "disk full: mounts are not allowed here"
		return
	fi
	mounts+=("$work/small")
	(
		export XDG_DATA_HOME=$work/small
		attack 4.1.2 attack_padded 0 5000000 && install 4.1.2
	)
	is "disk full while it is unpacked" 1 $?
	check "which is said" grep -q 'No space left' "$work/log"
	(
		# Two archives of this size fit, but not the size to which
		# one can expand.
		export XDG_DATA_HOME=$work/small
		attack 4.1.1 attack_padded 500000 0 && install 4.1.1
	)
	is "disk too full to begin" 1 $?
	check "which is said, with how much" grep -q 'MiB needed' \
		"$work/log"
	is "nothing is left on either" "" "$(find "$work/small" \
		-name 'gcc-*' -o -path '*/.live/*')"
	# The archive is unpacked as it arrives, which takes more than half of
	# the disk.
	mount -o remount,size=20m "$work/small"
	(
		export XDG_DATA_HOME=$work/small
		attack 4.1.3 attack_padded 2000000 9000000 && install 4.1.3
	)
	is "the disk suffices" 0 $?
	rm -rf "$work/small"/*
	mount -o remount,size=2m "$work/small"
	(
		export XDG_DATA_HOME=$work/small
		attack 4.1.4 attack_padded 280000 0 &&
			kfarm install --file "$(on_server 4.1.4)" --insecure \
				>"$work/log" 2>&1
	)
	is "the disk suffices, because the archive is on another one" 0 $?
	umount "$work/small" && unset 'mounts[-1]'
}

# attack_padded TAR RANDOM ZEROS: add zeros and bytes that xz cannot compress.
attack_padded()
{
	head -c "$3" /dev/zero >noise && head -c "$2" /dev/urandom >>noise &&
		tar -cf "$1" gcc-* noise
}

test_two()
{
	local first second at

	fake 5.1.1
	at=$(on_server 5.1.1)
	kfarm install gcc-5.1.1 --triplet $triplet >"$work/log.1" 2>&1 &
	first=$!
	kfarm install gcc-5.1.1 --triplet $triplet >"$work/log.2" 2>&1 &
	second=$!
	wait $first
	is "two at once: the one" 0 $?
	wait $second
	is "two at once: the other" 0 $?
	is "the archive came once" 1 \
		"$(grep -c "GET .*/${at##*/} 200" "$server_log")"
	check "nothing is left over" is_clean
}

test_use()
{
	local dir

	dir=$store/$(id 1.0.0)
	exec 8<"$dir"
	flock -s 8
	kfarm remove "$(id 1.0.0)" >"$work/log" 2>&1
	is "removed while in use: refused" 1 $?
	check "who uses it is said" grep -q 'in use by' "$work/log"
	check "it is still whole" kfarm verify "$(id 1.0.0)"
	exec 8<&-
	kfarm remove "$(id 1.0.0)" >"$work/log" 2>&1
	is "removed afterwards" 0 $?
	check "it is gone" test ! -e "$dir"
	check "and its names" test -z "$(find "$XDG_DATA_HOME/kfarm/bin" \
		-lname "$dir/*")"
	check "nothing is left over" is_clean
}

# Equal files of two toolchains are hard links to one file.
test_sharing()
{
	local one two

	one=$store/$(id 1.2.1)/gcc-1.2.1-nolibc/$triplet/lib/specs
	two=$store/$(id 1.2.2)/gcc-1.2.2-nolibc/$triplet/lib/specs
	is "two toolchains share what is equal" "$(stat -c %i "$one")" \
		"$(stat -c %i "$two")"
}

# The usual compiler of an architecture is installed even if the compiler of the
# other word size is already there.
test_arches()
{
	local triplet

	for triplet in hppa-linux hppa64-linux; do
		fake 7.1.1
	done
	kfarm install gcc-7.1.1 -a parisc64 >"$work/log" 2>&1 </dev/null
	is "the compiler of parisc64: installed" 0 $?
	check "nothing else is installed" test ! -e \
		"$store/gcc-7.1.1-hppa-linux"
	kfarm install gcc-7.1.1 -a parisc >"$work/log" 2>&1 </dev/null
	is "the compiler of parisc: installed" 0 $?
	check "both compilers are installed" test -e "$store/gcc-7.1.1-hppa-linux" -a \
		-e "$store/gcc-7.1.1-hppa64-linux"
}

# A killed installation is complete or absent.
test_kills()
{
	local dir i pid took old=0 new=0 torn=0

	fake 6.1.1
	dir=$store/$(id 6.1.1)
	install 6.1.1 && kfarm remove "$(id 6.1.1)" >/dev/null
	took=${EPOCHREALTIME/[.,]/}
	install 6.1.1
	took=$((${EPOCHREALTIME/[.,]/} - took))
	for ((i = 0; i < kills; i++)); do
		[ ! -e "$dir" ] || kfarm remove "$(id 6.1.1)" >/dev/null
		kfarm install gcc-6.1.1 --triplet $triplet >"$work/log" 2>&1 &
		pid=$!
		# Choose a random time slightly longer than an installation
		# takes.
		sleep "$(awk -v n=$((RANDOM * 32768 + RANDOM)) -v us=$took \
			'BEGIN { print n / 1073741824 * us * 1.2 / 1000000 }')"
		kill -KILL $pid 2>/dev/null
		wait $pid 2>/dev/null
		if [ ! -e "$dir" ]; then
			((old++))
		elif kfarm verify "$(id 6.1.1)" >"$work/log" 2>&1; then
			((new++))
		else
			((torn++))
			cat "$work/log"
		fi
	done
	echo "      $kills kills: $old before, $new after, $torn torn"
	is "torn by $kills kills" 0 $torn
	takes "after all of them" 6.1.1
}

begin
SERVER_CONFIG= server_start "$files"
configure
promise
test_real
test_signatures
test_bytes
test_attacks
test_files
test_sharing
test_disk
test_two
test_arches
test_use
test_kills
echo "      $attacks attacks, $accepted accepted"
is "attacks that were accepted" 0 $accepted
finish

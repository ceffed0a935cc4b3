# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# Lists of nodes, toolchains and trees, as text and as JSON; the doctor.

# ---- nodes ----
record listings-nodes-none kfarm nodes list
record listings-nodes-none-json kfarm nodes list --json
record listings-limits-none kfarm nodes limits
record listings-limits-none-json kfarm nodes limits --json
masked rtt kernel -- listings-nodes-add kfarm nodes add good \
	'exec:kfarmd --stdio --store store' --slots 3
record listings-nodes-add-again kfarm nodes add good ssh:other
cat >>"$config" <<'EOF'
[node "silent"]
	address = exec:exit 3
[node "refused"]
	address = "exec:echo 'ssh: connect: refused' >&2; exit 255"
	codec = zstd
[node "chatty"]
	address = exec:echo Welcome to this node
[node "sock"]
	address = unix:/nowhere/sock
	slots = 2
EOF
record listings-nodes-drain kfarm nodes drain sock
record listings-nodes-drain-again kfarm nodes drain sock
record listings-nodes-config cat .config/kfarm/config
# The build host itself, with the memory and load of lib.sh.
for verb in list probe limits; do
	masked rtt kernel -- "listings-nodes-$verb" kfarm nodes $verb
	# The identity of the machine is a digest.
	masked rtt protocol kernel digest -- "listings-nodes-$verb-json" kfarm nodes $verb --json
done
masked rtt kernel -- listings-nodes-probe-one kfarm nodes probe sock
record listings-nodes-resume kfarm nodes resume sock
record listings-nodes-remove kfarm nodes remove silent chatty
masked rtt kernel -- listings-top-nodes kfarm top --once
masked rtt kernel pid -- listings-top-nodes-json kfarm top --once --json
record listings-nodes-power kfarm nodes power good off
record listings-nodes-tune kfarm nodes tune --dry-run good
record listings-nodes-tune-json kfarm nodes tune --dry-run --json good
printf '[node "good"]\n\taddress = ssh:x\n\tpower = echo\n' >"$config"
record listings-nodes-power-on kfarm nodes power good on
rm "$config"

# ---- toolchains ----
printf '[toolchain]\n\tmirror = https://127.0.0.1:1/pub/tools\n' >"$config"
toolchains=.local/share/kfarm/toolchains
cross=crosstool/files/bin
mkdir -p .cache/kfarm
{
	printf '{"format":1,"fetched":%d,' $((now - 10900))
	printf '"mirrors":["https://127.0.0.1:1/pub/tools"],"archives":['
	for name in $cross/x86_64/13.3.0/x86_64-gcc-13.3.0-nolibc-aarch64-linux \
		$cross/x86_64/13.3.0/x86_64-gcc-13.3.0-nolibc-arm-linux-gnueabi \
		$cross/arm64/13.3.0/arm64-gcc-13.3.0-nolibc-aarch64-linux \
		$cross/x86_64/12.4.0/x86_64-gcc-12.4.0-nolibc-aarch64-linux \
		$cross/x86_64/4.6.3/x86_64-gcc-4.6.3-nolibc-bfin-uclinux \
		llvm/files/llvm-18.1.8-aarch64; do
		printf '"%s.tar.xz",' "$name"
	done
	printf '"llvm/files/llvm-18.1.8-x86_64.tar.xz"]}\n'
} >.cache/kfarm/catalog
record listings-search kfarm toolchain search
record listings-search-json kfarm toolchain search --json
record listings-search-arch kfarm toolchain search arm64
record listings-search-two kfarm toolchain search gcc-13 arm
record listings-search-host kfarm toolchain search clang --host arm64
record listings-search-near kfarm toolchain search gcc-99
masked curl -- listings-search-refresh kfarm toolchain search --refresh
record listings-install-near kfarm toolchain install gcc-13.4 --arch arm64 \
	--host x86_64
record listings-install-no-triplet kfarm toolchain install gcc-12 --arch arm \
	--host x86_64
mkdir -p $toolchains/gcc-{1.2.3-vax-linux,13.3.0-aarch64-linux}
echo '{' >$toolchains/gcc-1.2.3-vax-linux/toolchain.json
cat >$toolchains/gcc-13.3.0-aarch64-linux/toolchain.json <<'EOF'
{
  "id": "gcc-13.3.0-aarch64-linux",
  "release": "gcc-13.3.0",
  "version": "13.3.0",
  "kind": "gcc",
  "triplet": "aarch64-linux",
  "host": "x86_64",
  "prefix": "gcc-13.3.0-nolibc/aarch64-linux",
  "driver": "aarch64-linux-gcc",
  "url": "https://example.org/x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.xz",
  "archive_sha256": null,
  "tree": null,
  "content": null,
  "verified": {
    "sums_key": null,
    "tar_key": null,
    "sha256_given": true
  },
  "insecure": false,
  "date": "2026-11-01T02:03:04Z",
  "links": [
    "aarch64-gcc1330-linux-gcc"
  ],
  "hostlibs": []
}
EOF
record listings-toolchains kfarm toolchain list
record listings-toolchains-json kfarm toolchain list --json
record listings-toolchains-verify kfarm toolchain verify
record listings-toolchains-verify-json kfarm toolchain verify --json
record listings-toolchains-tune kfarm toolchain tune
record listings-toolchains-default-set kfarm toolchain default arm64 gcc-13.3.0
record listings-toolchains-default kfarm toolchain default
record listings-toolchains-default-json kfarm toolchain default --json
record listings-toolchains-default-none kfarm toolchain default arm64 none
record listings-toolchains-remove kfarm toolchain remove gcc-1.2.3-vax-linux
record listings-toolchains-remove-near kfarm toolchain remove gcc-13.3.1
rm -r "$config" $toolchains

# ---- trees ----
export GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=n@example.org
export GIT_COMMITTER_NAME=n GIT_COMMITTER_EMAIL=n@example.org
export GIT_AUTHOR_DATE='2026-01-02T03:04:05Z'
export GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE
git init -q -b main clone
echo 1 >clone/Makefile
git -C clone add .
git -C clone commit -q -m one
git -C clone tag v1
git -C clone branch linux-6.1.y
record listings-trees-none kfarm tree list
record listings-trees-none-json kfarm tree list --json
record listings-trees-add kfarm tree add x clone
record listings-trees-add-again kfarm tree add x clone
record listings-trees-add-in-place kfarm tree add y clone --in-place
record listings-trees-config cat .config/kfarm/config
record listings-trees kfarm tree list
masked bytes -- listings-trees-json kfarm tree list --json
git -C clone branch -m linux-6.1.y linux-6.2.y
record listings-trees-update kfarm tree update x
record listings-trees-update-unknown kfarm tree update nosuch y
record listings-trees-build-rev kfarm build --tree x --rev v2
record listings-trees-complete-rev kfarm complete fish build --tree x --rev ''
record listings-trees-remove kfarm tree remove y x

# ---- the doctor ----
mkdir -p .local/share/kfarm/bin
ln -s "$work/nosuch/x-linux-gcc" .local/share/kfarm/bin/x-gcc1330-linux-gcc
masked doctor -- listings-doctor kfarm doctor
masked doctor -- listings-doctor-verbose kfarm doctor -v
# shellcheck disable=SC2016 # jq's
record listings-doctor-json sh -c 'kfarm doctor --json | jq "map(select(
	.check | test(\"^(space|sandbox|packages|limits|clock)\$\") | not))"'

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2016
# scripts/packages with a fake apt-get, the last lines of make install, make
# help without any package, the libraries and the age of a kfarmd of another
# architecture, and scripts/quickstart.
mkdir scripts
ln -s "$(realpath "$1/../../scripts")"/{packages,installed} scripts/
cat >bin/dpkg-query <<'END'
#!/bin/sh
[ ! -e "$TMP/all-installed" ] || exec echo installed
echo not-installed
END
printf '#!/bin/sh\necho amd64\n' >bin/dpkg
# apt has lists after an update, and does not know the names in $TMP/unknown.
cat >bin/apt-cache <<'END'
#!/bin/sh
[ -e "$TMP/lists" ] || exit 0
shift $(($# > 0))
[ "$*" != linux-source- ] || exec printf '%s\n' linux-source-6.1 \
	linux-source-6.9 linux-source-6.12
for package; do
	printf '%s:\n  Installed: (none)\n' "$package"
	if grep -qxF "$package" "$TMP/unknown"; then
		echo '  Candidate: (none)'
	else
		echo '  Candidate: 1-1'
	fi
done
END
# Each call of apt-get fails because of the next lock listed in $TMP/locks.
cat >bin/apt-get <<'END'
#!/bin/sh
lock=$(head -n 1 "$TMP/locks")
if [ "$lock" ]; then
	sed -i 1d "$TMP/locks"
	echo "E: Could not get lock $lock. It is held by process 7 (apt)"
	echo "E: Unable to lock directory ${lock%/*}/"
	exit 100
fi
[ "$1" != indextargets ] || { [ ! -e "$TMP/lists" ] || echo main; exit; }
echo "Reading package lists..."
[ ! -e "$TMP/broken" ] || { echo "E: Unable to fetch some archives"; exit 100; }
[ "$2" != update ] || touch "$TMP/lists"
echo "apt-get $*" >>"$TMP/apt-get"
END
cat >bin/sleep <<'END'
#!/bin/sh
exit 0
END
printf '#!/bin/sh\nexec "$@"\n' >bin/sudo
find bin -type f -exec chmod +x {} +

# The list of packages changes often: print only its first word.
packages()
{
	run scripts/packages "$@" | sed -E \
		-e 's/^(installing packages: [^ ]*) .*/\1 .../' \
		-e 's/(could not install [^ ]*) .*/\1 .../' \
		-e 's/(corresponds to [^ ]*) .*/\1 .../'
	[ ! -e "$TMP/apt-get" ] || sed -E -e 's/(recommends [^ ]*) .*/\1 .../' \
		"$TMP/apt-get"
	rm -f "$TMP/apt-get"
}

run scripts/packages --help
run scripts/packages install --help | head -n 2
run scripts/packages no-such-set
echo "repeated: $(scripts/packages build nodes test arm64 | sort | uniq -d)"
: >locks
printf '%s\n' qemu-user-static gcc-arm-linux-gnueabihf >unknown
packages install build audit
# Of alternatives, the first one that the release has, and the newest kernel.
scripts/packages build arm64 | grep -e ^linux-source -e ^qemu-user
printf '%s\n' /var/lib/apt/lists/lock /var/lib/apt/lists/lock \
	/var/cache/apt/archives/lock >locks
packages install build audit
printf '%s\n' /var/lib/dpkg/lock-frontend{,,} >locks
LOCK_WAIT=2 packages install build
: >locks
touch broken
packages install build
rm broken
# A package that the release lacks is no reason to update the lists.
touch all-installed
packages install build
packages install build audit
touch broken
rm bin/apt-get bin/apt-cache all-installed
(
	only dirname awk tr uname
	packages install build
	packages install build nodes
)

# make deb before the packages that it needs are installed.
ln -s "$(realpath "$1/../../scripts")"/deb scripts/
(only dirname && run scripts/deb)

mkdir -p usr/lib/kfarm/nodes
touch usr/lib/kfarm/nodes/kfarmd-{x86_64,arm}
run scripts/installed "" "$TMP/usr"
PATH=$TMP/usr/bin:$PATH run scripts/installed "" "$TMP/usr" | sed -n 5p
touch usr/lib/kfarm/nodes/kfarmd-{arm64,riscv64}
run scripts/installed "$TMP" /usr
run scripts/installed

ln -s "$(realpath "$1/../../Makefile")" .
PKG_CONFIG=false run make help | sed -n '2p;$p'

# archive NAME [TEXT]: a static library of armhf with this source.
libraries=build/debian/root/armhf/usr/lib/arm-linux-gnueabihf
archive()
{
	echo "${2-}" | gcc -c -x c -o "$1.o" - && rm -f $libraries/"lib$1.a" &&
		ar rcs $libraries/"lib$1.a" "$1.o"
}

# The compiler for arm is that of this machine.
cat >bin/arm-linux-gnueabihf-gcc <<END
#!/bin/sh
libraries=
for word; do
	shift
	case \$word in
	--sysroot=*) continue ;;
	-l*) libraries="\$libraries \$word" ;;
	esac
	set -- "\$@" "\$word"
done
[ ! "\$libraries" ] || echo "linked with\$libraries"
exec gcc "\$@" -L$libraries
END
chmod +x bin/arm-linux-gnueabihf-gcc
mkdir -p $libraries kbuild-farm/relay
cat >kbuild-farm/relay/main.c <<'END'
int SSL_CTX_new(void);

int main(void)
{
	return SSL_CTX_new();
}
END
PKG_CONFIG=true run make NODE_HOSTS=arm nodes | sed 's/^Makefile:[0-9]*/Makefile:N/'
archive ssl 'int d2i_X509(void); int SSL_CTX_new(void) { return d2i_X509(); }'
archive crypto 'int d2i_X509(void) { return 0; }'
for name in event_core jansson lzo2 zstd; do
	archive $name
done
PKG_CONFIG=true run make NODE_HOSTS=arm build/nodes/kfarmd-arm
# Those of Debian 13.
archive z 'int deflate(void) { return 0; }'
archive zstd 'int ZSTD_flushStream(void) { return 0; }'
archive crypto 'int deflate(void); int ZSTD_flushStream(void);
	int d2i_X509(void) { return deflate() + ZSTD_flushStream(); }'
rm build/nodes/kfarmd-arm
PKG_CONFIG=true run make NODE_HOSTS=arm nodes

# The same program after an update of the sources.
installed()
{
	PKG_CONFIG=true run make -o all DESTDIR="$TMP/to" install 2>&1 |
		grep -v '^find: .*No such file'
}
ln -s "$(realpath "$1/../..")"/{man,templates} .
touch build/{kfarm,kfarmd,kfarm-cc,sh}
installed
# A program that a build executes is never incomplete.
cat >bin/install <<'END'
#!/bin/sh
for file; do :; done
case " $* " in
*" -m 755 "*) [ ! -e "$file" ] || echo "overwritten: $file" ;;
esac
exec /usr/bin/install "$@"
END
chmod +x bin/install
touch -d '1 day ago' build/nodes/kfarmd-arm
installed
PKG_CONFIG=true run make NODE_HOSTS=arm nodes >/dev/null
installed
rm -r build kbuild-farm man templates

# scripts/quickstart shows the progress of its slow steps.
ln -s "$(realpath "$1/../../scripts")"/quickstart scripts/
rm scripts/packages Makefile
printf '#!/bin/sh\n' >scripts/packages
cat >Makefile <<'END'
all: $(shell seq -f build/%g.o 45)
	@test ! -e broken
build/%.o:
	@printf '  %-8s%s\n' 'CC' '$@'
END
# Of the sources of the kernel, the newest one.
cat >bin/find <<'END'
#!/bin/sh
printf '%s/linux-source-%s.tar.xz\n' "$1" 6.1 "$1" 6.12 "$1" 6.9
END
cat >bin/tar <<'END'
#!/bin/sh
printf ...
echo "tar $*" >&2
mkdir -p "$5/linux-source-6.12"
touch "$5/linux-source-6.12/Makefile"
END
mkdir build
printf '#!/bin/sh\nexit 3\n' >build/kfarm
chmod +x scripts/packages bin/{tar,find} build/kfarm
touch broken
run scripts/quickstart | sed '/CC .*[1-9].o$/d;s/-j [0-9]*/-j N/'
rm broken
run scripts/quickstart | sed 's/slots = .*/slots = N/'
wc -l <.cache/kfarm/quickstart/make.log

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# check: yes
# timeout: 600
#
# farm/wrapper.sh - kfarm-cc alone, with scripted compilers and without a
# coordinator.  $KFARM_CC is the program (build/kfarm-cc).  The last line is "N
# passed, N failed".

root=$(cd "$(dirname "$0")/../.." && pwd)
cc=${KFARM_CC:-${KFARM_BUILD:-$root/build}/kfarm-cc}
cc=$(realpath "$cc")
[ -x "$cc" ] || {
	echo "no $cc: run make first" >&2
	exit 1
}
work=$(mktemp -d "${TMPDIR:-/tmp}/kfarm-wrapper.XXXXXX") || exit 1
listener=
passed=0 failed=0

cleanup()
{
	[ -z "$listener" ] || kill "$listener" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

cd "$work" || exit 1
mkdir -p links/bin links/real real first caches slots cwd
links=$work/links/bin
real=$work/real
system=$PATH

# ok NAME WANTED GOT
ok()
{
	if [ "$2" = "$3" ]; then
		passed=$((passed + 1))
		echo "ok: $1"
	else
		failed=$((failed + 1))
		printf 'not ok: %s\nwanted: %s\ngot: %s\n' "$1" "$2" "$3"
	fi
}

# compiler NAME: create a script of that name in real/ from stdin.
compiler()
{
	{
		echo '#!/bin/sh'
		cat
	} >"$real/$1"
	chmod +x "$real/$1"
	ln -sf "$cc" "$links/$1"
	ln -sf "$real/$1" "$links/../real/$1"
}

# Run the arguments as make does under kfarm build.
farm()
{
	env KFARM_LINKS="$links" KFARM_SLOTS="$work/slots" \
		KFARM_SOCKET="${socket:-$work/nobody}" \
		PATH="$links:$work/first:$real:$system" "$@"
}

seconds()
{
	date +%s
}

# listen MODE: listen on ./socket; "silent" accepts jobs and sends nothing,
# "deaf" does not accept connections.
listen()
{
	rm -f socket
	perl -e 'use Socket;
		socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die;
		bind($s, sockaddr_un("socket")) or die;
		listen($s, $ARGV[0] eq "deaf" ? 0 : 64) or die;
		open(my $ready, ">", "ready"); close $ready;
		my @kept;
		if ($ARGV[0] eq "silent") {
			while (accept(my $c, $s)) {
				push @kept, $c;
				sysread($c, my $first, 1);
				open(my $f, ">>", "asked");
				print $f "x";
			}
		}
		sleep 6000' "$1" &
	listener=$!
	while [ ! -e ready ]; do sleep 0.05; done
	rm -f ready asked socket.silent
	socket=$work/socket
}

stop_listener()
{
	kill "$listener"
	wait "$listener" 2>/dev/null
	listener=
	socket=
}

: >slots/0
: >slots/1
echo 'int x;' >cwd/a.c

# ---------------------------------------------------------- pass-through
compiler t-gcc <<'END'
[ "$1" = --version ] && echo "t-gcc 12.2" && exit 0
printf '%s\n' "$0" "$@"
END
ok 'a probe prints what the compiler prints' 't-gcc 12.2' \
	"$(farm t-gcc --version 2>&1)"
ok 'argv[0] is the absolute path, the words are as given' \
	"$(printf '%s\n' "$real/t-gcc" -E 'a  b' '' '*' "'")" \
	"$(farm t-gcc -E 'a  b' '' '*' "'" 2>&1)"
ok 'so it is for a link that is called by its path' \
	"$(printf '%s\n' "$real/t-gcc" -E)" "$(farm "$links/t-gcc" -E 2>&1)"

compiler e-gcc <<'END'
env | grep -v '^_=' | grep -v '^SHLVL=' | LC_ALL=C sort
END
plain=$(PATH="$work/first:$real:$system" e-gcc -E)
ok 'the environment is what it is without kfarm' "$plain" "$(farm e-gcc -E)"
ok 'so it is for a job that is compiled here' \
	"$(cd cwd && PATH="$work/first:$real:$system" e-gcc -c a.c)" \
	"$(cd cwd && farm e-gcc -c a.c)"

compiler d-gcc <<'END'
for fd in /proc/$$/fd/*; do
	fd=${fd##*/}
	case $(readlink "/proc/$$/fd/$fd") in
	*/d-gcc | '') ;;
	*) printf '%s ' "$fd" ;;
	esac
done
read -r line <&7 && echo "7: $line"
END
echo jobserver >token
ok 'descriptors reach the compiler, and no others' \
	"$(PATH="$real:$system" d-gcc -E 7<token 8>/dev/null)" \
	"$(farm d-gcc -E 7<token 8>/dev/null)"
compiler i-gcc <<'END'
cat
echo err >&2
END
ok 'stdin, stdout and stderr are the compiler'\''s' 'in
err' "$(echo in | farm i-gcc -x c -E - 2>&1)"

compiler x-gcc <<'END'
exit "$2"
END
for status in 0 1 2 77 255; do
	farm x-gcc -E "$status"
	ok "exit status $status is passed on" "$status" "$?"
done
ok 'so it is for a job that is compiled here' 3 \
	"$(cd cwd && farm x-gcc -o 3 -c a.c; echo $?)"
compiler k-gcc <<'END'
kill -TERM $$
END
farm k-gcc -E 2>/dev/null
ok 'so is the signal that ended it' 143 "$?"

# -------------------------------------------------- finding the compiler
message=$(farm "$links/t-gcc" --version 2>&1)
ok 'the link is not taken for the compiler' 't-gcc 12.2' "$message"
ln -s "$cc" "$links/none-gcc"
message=$(farm none-gcc -E 2>&1)
ok 'a name that is nowhere ends with 127' 127 "$?"
ok 'and says so' 'kfarm-cc: none-gcc: no such compiler in PATH' "$message"
ln -s "$links/t-gcc" mygcc
ok 'a link to a link stands for the same compiler' 't-gcc 12.2' \
	"$(farm ./mygcc --version 2>&1)"
ok 'so it does when it is found in PATH' 't-gcc 12.2' \
	"$(PATH=$work:$system mygcc --version 2>&1)"
rm mygcc
# CMake uses the recorded path long after the run, with any PATH.
printf '#!/bin/sh\necho another\n' >first/t-gcc
chmod +x first/t-gcc
ok 'by its path a link is the compiler that it was made for' 't-gcc 12.2' \
	"$(farm "$links/t-gcc" --version 2>&1)"
ok 'by its name it is the first in PATH' another \
	"$(farm t-gcc --version 2>&1)"
ok 'without a run, too' 't-gcc 12.2' \
	"$(PATH=$work/first:$system "$links/t-gcc" --version 2>&1)"
rm first/t-gcc
ln -s "$cc" "$links/gone-gcc"
ln -s /nonexistent/gone-gcc "$links/../real/gone-gcc"
message=$("$links/gone-gcc" -E 2>&1)
ok 'one whose compiler is gone ends with 127' 127 "$?"
ok 'and says so' \
	'kfarm-cc: /nonexistent/gone-gcc: No such file or directory' "$message"
for name in ccache distcc icecc sccache; do
	printf '#!/bin/sh\necho %s\n' "$name" >"caches/$name"
	chmod +x "caches/$name"
	ln -sf "../caches/$name" first/t-gcc
	ok "a name that leads to $name is passed over" 't-gcc 12.2' \
		"$(farm t-gcc --version 2>&1)"
done
rm first/t-gcc
mkdir more
ln -s "$cc" more/t-gcc
ok 'so is a second directory of links' 't-gcc 12.2' \
	"$(farm env PATH="$links:$work/more:$real:$system" t-gcc --version)"
ok 'and one that KFARM_LINKS does not name' 't-gcc 12.2' \
	"$(PATH="$work/more:$real:$system" t-gcc --version)"
cp "$cc" first/t-gcc
message=$(timeout 60 env PATH="$work/first:$real:$system" t-gcc -E 2>&1)
ok 'a copy of the wrapper does not start itself for ever' 127 "$?"
ok 'and says so' "kfarm-cc: $work/first/t-gcc: resolves to kfarm-cc itself" \
	"$message"
rm first/t-gcc
printf 'no program\n' >first/t-gcc
ok 'a file that may not be executed is passed over' 't-gcc 12.2' \
	"$(farm t-gcc --version 2>&1)"
chmod +x first/t-gcc
farm t-gcc -E >/dev/null 2>&1
ok 'one that is no program ends with 126' 126 "$?"
rm first/t-gcc
message=$("$cc" 2>&1)
ok 'its own name alone is refused' 1 "$?"
ok 'and says what to do' \
	'kfarm-cc: missing compiler; usage: kfarm-cc COMPILER [ARG]..., see kfarm-cc(1)' \
	"$message"
ok 'an option is no compiler' \
	'kfarm-cc: -c: missing compiler; usage: kfarm-cc COMPILER [ARG]..., see kfarm-cc(1)' \
	"$("$cc" -c a.c 2>&1)"

# --------------------------------------------------------------- launcher
# launch WORD...: run `kfarm-cc WORD...` outside a farm.
launch()
{
	PATH="$links:$work/caches:$real:$system" "$cc" "$@"
}

compiler l-gcc <<'END'
printf '%s ' "$0" "$@"
END
ok 'it launches the compiler of PATH' "$real/l-gcc -c a.c " \
	"$(launch l-gcc -c a.c 2>&1)"
ok 'one with a directory is that one' "$work/more/l-gcc -c a.c " \
	"$(cp "$real/l-gcc" more/ && launch "$work/more/l-gcc" -c a.c 2>&1)"
ok 'also with a relative one' "$work/more/l-gcc -c a.c " \
	"$(launch more/l-gcc -c a.c 2>&1)"
ok 'a link of ours stands for its compiler' "$real/l-gcc -c a.c " \
	"$(launch "$links/l-gcc" -c a.c 2>&1)"
ok 'it launches itself once' "$real/l-gcc -c a.c " \
	"$(launch "$cc" kfarm-cc "$cc" l-gcc -c a.c 2>&1)"
ok 'what was compiled is no compiler' '-E kfarm-cc ' \
	"$(launch l-gcc -E kfarm-cc 2>&1 | sed 's/^[^ ]* //')"
ln -s ccache caches/l-gcc
ok 'a link to a cache stands for the compiler behind it' \
	"$real/l-gcc -c a.c " "$(launch "$work/caches/l-gcc" -c a.c 2>&1)"
ok 'a cache stands for the compiler that follows it' \
	"$real/l-gcc -c a.c " "$(launch ccache l-gcc -c a.c 2>&1)"
ok 'before another program, a cache is executed' ccache \
	"$(launch ccache nosuch-g++ -c a.c 2>&1)"
message=$(launch nosuch-gcc -c a.c 2>&1)
ok 'a compiler that is not there: 127' 127 "$?"
ok 'and that is said' 'kfarm-cc: nosuch-gcc: no such compiler in PATH' "$message"
message=$(launch /nonexistent/gcc -c a.c 2>&1)
ok 'nor in a directory: 127' 127 "$?"
ok 'and that is said' \
	'kfarm-cc: /nonexistent/gcc: No such file or directory' "$message"
launch "$work/cwd/a.c" -c a.c 2>/dev/null
ok 'what cannot be executed: 126' 126 "$?"
cp "$cc" more/copy-gcc
message=$(timeout 60 "$cc" "$work/more/copy-gcc" -c a.c 2>&1)
ok 'a copy of it under another name ends' 127 "$?"
ok 'and that is said' 'kfarm-cc: copy-gcc: no such compiler in PATH' \
	"$(echo "$message" | sed "s|$work/more/||")"
compiler m-gcc <<'END'
env | grep -v '^_=' | grep -v '^SHLVL=' | LC_ALL=C sort
END
ok 'in a run, too, it leaves nothing of itself in the environment' \
	"$(cd cwd && PATH="$work/first:$real:$system" m-gcc -c a.c)" \
	"$(cd cwd && farm "$cc" m-gcc -c a.c)"
ok 'and takes a slot' 124 \
	"$(cd cwd && farm flock ../slots/0 flock ../slots/1 timeout 1 \
		"$cc" m-gcc -c a.c >/dev/null; echo $?)"

# ------------------------------------------------------------------ slots
# The compiler counts itself by directories, which are atomic to create and
# remove.
compiler s-gcc <<END
mkdir "$work/running/\$\$"
ls "$work/running" | wc -l >>"$work/counts"
sleep 0.1
rmdir "$work/running/\$\$"
END
mkdir running
targets=
for n in $(seq 40); do
	targets="$targets t$n"
done
{
	printf 'all:%s\n' "$targets"
	printf 't%%:\n\t@s-gcc -c cwd/a.c -o $@.o\n'
} >Makefile
farm make -s -j50
ok '50 at once with 2 slots: make ends well' 0 "$?"
ok 'each compiler ran' 40 "$(wc -l <counts)"
ok 'never more than two' 2 "$(sort -n counts | tail -n 1 | tr -d ' ')"
twos=$(grep -cx ' *2' counts)
ok "and two at once, mostly: $twos" yes "$([ "$twos" -ge 10 ] && echo yes)"
ok 'a probe waits for no slot' 't-gcc 12.2' \
	"$(flock slots/0 flock slots/1 timeout 60 env KFARM_LINKS="$links" \
		KFARM_SLOTS="$work/slots" PATH="$links:$real:$system" \
		t-gcc --version)"
ok 'a compile does' 124 \
	"$(cd cwd && flock ../slots/0 flock ../slots/1 timeout 1 env \
		KFARM_LINKS="$links" KFARM_SLOTS="$work/slots" \
		PATH="$links:$real:$system" t-gcc -c a.c >/dev/null; echo $?)"
compiler h-gcc <<END
sleep 1000 >/dev/null 2>&1 &
echo \$! >"$work/child"
END
(cd cwd && farm h-gcc -c a.c)
taken=0
for slot in slots/0 slots/1; do
	flock -n "$slot" true || taken=$((taken + 1))
done
ok 'a slot is held as long as any child lives' 1 "$taken"
kill "$(cat child)"
ok 'and is free after' free \
	"$(flock -w 60 slots/0 flock -w 60 slots/1 echo free)"
ok 'no slots directory: no waiting' 't-gcc 12.2' \
	"$(cd cwd && farm env KFARM_SLOTS=/nonexistent t-gcc --version -c a.c)"

# ----------------------------------------------- dead and silent sockets
compiler c-gcc <<'END'
echo compiled
END
# at_once NAME: check for a local compile without five seconds of waiting.
at_once()
{
	start=$(seconds)
	ok "$1: compiled here" compiled "$(cd cwd && farm c-gcc -c a.c)"
	took=$(($(seconds) - start))
	ok "$1: at once" yes "$([ "$took" -lt 5 ] && echo yes || echo "$took")"
}

at_once 'no socket'
: >plain
socket=$work/plain
at_once 'a file in its place'
listen silent
stop_listener
socket=$work/socket
at_once 'a socket that nobody holds'
socket=$work/$(printf '%0200d' 0)
at_once 'a path too long for a socket'
socket=
for mode in silent deaf; do
	listen "$mode"
	start=$(seconds)
	# A deaf listener queues connections until its backlog is full.
	(cd cwd && for _ in 1 2 3 4; do
		farm c-gcc -c a.c >>"../$mode.out" &
	done; wait)
	took=$(($(seconds) - start))
	ok "a $mode one: compiled here" 4 "$(grep -c compiled "$mode.out")"
	ok "after five seconds" yes \
		"$([ "$took" -ge 4 ] && [ "$took" -le 50 ] && echo yes ||
			echo "$took")"
	ok 'a probe does not wait for it' compiled "$(farm c-gcc -E)"
	stop_listener
done

# ---------------------------------------------------------------- signals
listen silent
for signal in INT TERM HUP; do
	# A shell ignores SIGINT for its background commands; perl does not.
	# When the wrapper sends its request, its signal handlers are installed.
	rm -f asked
	# shellcheck disable=SC2016
	(cd cwd && farm perl -e '$SIG{INT} = "DEFAULT"; my $p = fork;
		exec qw(c-gcc -MD -c a.c -o out.o) unless $p;
		open(my $f, ">", ".out.$_.kfarm.$p") for qw(o d);
		select(undef, undef, undef, 0.05) until -s "../asked";
		kill $ARGV[0], $p; waitpid($p, 0); print $? & 127, " ";
		print join(" ", glob(".out.*"))' "$signal") >signalled
	case $signal in INT) n=2 ;; TERM) n=15 ;; HUP) n=1 ;; esac
	ok "SIG$signal ends it, and its temporaries are gone" "$n " \
		"$(cat signalled)"
done
stop_listener

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

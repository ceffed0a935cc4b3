/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit/sandbox-attack.c - A hostile job.
 *
 *	attack NAME [ARGUMENT]
 *
 * Linked statically and run in a sandbox.  Exits with 0 if the attack failed;
 * otherwise it prints its gains to stderr and exits with 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUT "/.kfarm/out"
#define TMP "/.kfarm/tmp"

static int got(const char *what)
{
	fprintf(stderr, "got: %s\n", what);
	return 1;
}

/* Make the call in a child.  Returns -1 if SIGSYS killed it, else its errno. */
static int try_call(long number, long a, long b, long c)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		long ret = syscall(number, a, b, c, 0, 0, 0);

		_exit(ret >= 0 ? 255 : errno);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 255;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? -1 : 255;
	return WEXITSTATUS(status);
}

#define CALL(name, want)                \
	{                               \
#name, SYS_##name, want \
	}

static int attack_calls(const char *unused)
{
	static const struct {
		const char *name;
		long number;
		int want;
	} calls[] = {
		CALL(ptrace, -1),
		CALL(process_vm_readv, -1),
		CALL(process_vm_writev, -1),
		CALL(kcmp, -1),
		CALL(mount, -1),
		CALL(umount2, -1),
		CALL(pivot_root, -1),
		CALL(chroot, -1),
		CALL(setns, -1),
		CALL(unshare, -1),
		CALL(open_by_handle_at, -1),
		CALL(name_to_handle_at, -1),
		CALL(quotactl, -1),
		CALL(init_module, -1),
		CALL(finit_module, -1),
		CALL(delete_module, -1),
		CALL(kexec_load, -1),
		CALL(reboot, -1),
		CALL(swapon, -1),
		CALL(acct, -1),
		CALL(bpf, -1),
		CALL(perf_event_open, -1),
		CALL(userfaultfd, -1),
		CALL(fanotify_init, -1),
		CALL(add_key, -1),
		CALL(request_key, -1),
		CALL(keyctl, -1),
		CALL(syslog, -1),
		CALL(settimeofday, -1),
		CALL(clock_settime, -1),
		CALL(sethostname, -1),
		{ "io_uring_setup", 425, -1 },
		{ "open_tree", 428, -1 },
		{ "move_mount", 429, -1 },
		{ "fsopen", 430, -1 },
		{ "fsmount", 432, -1 },
		{ "mount_setattr", 442, -1 },
		{ "pidfd_getfd", 438, -1 },
		{ "clone3", 435, ENOSYS },
		{ "pidfd_open", 434, EPERM },
		CALL(mknodat, EPERM),
		CALL(personality, EPERM),
		CALL(shmget, EPERM),
		CALL(msgget, EPERM),
		CALL(semget, EPERM),
		CALL(mq_open, EPERM),
		CALL(vmsplice, EPERM),
	};
	int bad = 0;

	(void)unused;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		int how = try_call(calls[i].number, 0, 0, 0);

		if (how != calls[i].want)
			bad = got(calls[i].name);
	}
	return bad;
}

static int attack_sockets(const char *unused)
{
	int pair[2];

	(void)unused;
	for (int family = 0; family < 45; family++) {
		for (int type = 1; type <= 5; type++) {
			if (socket(family, type, 0) >= 0)
				return got("a socket");
		}
	}
	if (!socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return got("a pair of sockets");
	return 0;
}

static int attack_namespaces(const char *unused)
{
	static const unsigned long flags[] = {
		CLONE_NEWNS,  CLONE_NEWUTS, CLONE_NEWIPC,    CLONE_NEWUSER,
		CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWCGROUP,
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		long pid = syscall(SYS_clone, flags[i] | SIGCHLD, 0, 0, 0, 0);

		if (!pid)
			_exit(0);
		if (pid > 0 || errno != EPERM)
			return got("a namespace");
	}
	return 0;
}

static int attack_read(const char *secret)
{
	static const char *const paths[] = {
		"/etc/passwd",
		"/etc/shadow",
		"/proc/1/root/etc",
		"/proc/2",
		"/proc/self/cwd/../../etc",
		"/proc/self/fd/3",
		"/proc/sys/kernel",
		"/sys/kernel",
		"/dev/mem",
		"/dev/kmsg",
		"/dev/tty",
		"/dev/fuse",
		"/dev/shm",
		"/run",
		"/var",
		"/home",
		"/root",
		"../../../etc",
		"/../../etc/passwd",
		"/tmp/../etc",
	};
	struct stat st;

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		if (!lstat(paths[i], &st) || open(paths[i], O_RDONLY) >= 0)
			return got(paths[i]);
	}
	if (secret && !lstat(secret, &st))
		return got(secret);
	return 0;
}

static int attack_write(const char *path)
{
	char beside[4096], inside[4096];

	snprintf(beside, sizeof(beside), "%s.new", path);
	snprintf(inside, sizeof(inside), "%s/new", path);
	if (open(path, O_WRONLY) >= 0 || open(path, O_RDWR) >= 0 ||
	    open(path, O_WRONLY | O_TRUNC) >= 0 ||
	    open(path, O_WRONLY | O_APPEND) >= 0)
		return got("a file of the view to write to");
	if (open(beside, O_WRONLY | O_CREAT, 0600) >= 0 ||
	    open(inside, O_WRONLY | O_CREAT, 0600) >= 0 ||
	    !mkdir(beside, 0700) || !symlink("x", beside) ||
	    !link(path, beside))
		return got("a new entry in the view");
	if (!rename(path, beside) || !unlink(path) || !rmdir(path) ||
	    !truncate(path, 0))
		return got("an entry changed");
	if (!chmod(path, 0777) || !chown(path, getuid(), getgid()) ||
	    !utimensat(AT_FDCWD, path, NULL, 0))
		return got("an inode changed");
	if (!link(path, OUT "/link") || !rename(path, OUT "/moved"))
		return got("an entry taken away");
	return 0;
}

/* The permitted writes, to validate the test above. */
static int attack_none(const char *unused)
{
	(void)unused;
	if (open(OUT "/a", O_WRONLY | O_CREAT, 0600) < 0 ||
	    open(TMP "/a", O_WRONLY | O_CREAT, 0600) < 0 ||
	    rename(OUT "/a", OUT "/b") || mkdir(TMP "/d", 0700) ||
	    open("/dev/null", O_WRONLY) < 0 || open("/dev/zero", O_RDWR) < 0 ||
	    open("/dev/urandom", O_RDONLY) < 0)
		return got("nothing to write to");
	return 0;
}

static int attack_processes(const char *unused)
{
	(void)unused;
	if (getpid() != 1 || getppid())
		return got("a parent");
	for (int pid = 2; pid < 70000; pid++) {
		if (!kill(pid, 0) || errno != ESRCH)
			return got("another process");
	}
	kill(-1, SIGKILL);
	kill(0, SIGKILL);
	if (!setpriority(PRIO_PROCESS, 2, 5))
		return got("a priority");
	return 0;
}

static int attack_privileges(const char *unused)
{
	struct rlimit r = { RLIM_INFINITY, RLIM_INFINITY };

	(void)unused;
	if (!setuid(0) || !setgid(0) || !setreuid(0, 0) || !getuid())
		return got("root");
	if (prctl(PR_CAPBSET_READ, 0, 0, 0, 0) ||
	    prctl(PR_CAPBSET_READ, 21, 0, 0, 0))
		return got("a capability");
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return got("new privileges");
	if (!setrlimit(RLIMIT_CORE, &r) || !setrlimit(RLIMIT_FSIZE, &r) ||
	    !setrlimit(RLIMIT_AS, &r))
		return got("a limit raised");
	if (!nice(-5))
		return got("a higher priority");
	return 0;
}

static int attack_descriptors(const char *unused)
{
	struct utsname u;
	struct stat st;

	(void)unused;
	for (int fd = 3; fd < 4096; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			return got("a descriptor");
	}
	if (fstat(0, &st) || !S_ISCHR(st.st_mode))
		return got("stdin");
	if (uname(&u) || strcmp(u.nodename, "kfarm"))
		return got("the name of the node");
	if (!ioctl(0, TIOCSTI, "x") || errno != EPERM)
		return got("typing ahead");
	return 0;
}

/* Create sleeping children until fork() fails. */
static int attack_forks(const char *limit)
{
	int n = 0;

	for (; n < 200; n++) {
		pid_t pid = fork();

		if (!pid) {
			pause();
			_exit(0);
		}
		if (pid < 0)
			break;
	}
	return n >= atoi(limit) ? got("more processes") : n < 3;
}

/* Protects the machine if the sandbox does not limit the processes. */
#define BOMB_MOST 200

static int attack_bomb(const char *unused)
{
	struct rlimit r;

	(void)unused;
	if (getrlimit(RLIMIT_NPROC, &r))
		return 1;
	if (r.rlim_max > BOMB_MOST)
		r.rlim_cur = r.rlim_max = BOMB_MOST;
	if (setrlimit(RLIMIT_NPROC, &r))
		return 1;
	setsid();
	signal(SIGTERM, SIG_IGN);
	for (;;)
		fork();
	return 1;
}

static int attack_memory(const char *mib)
{
	int n = 0;
	char *block;

	while ((block = malloc(1 << 20)) && n < 512) {
		memset(block, 1, 1 << 20);
		n++;
	}
	return n >= atoi(mib) ? got("more memory") : n < 2;
}

#define FILL_MOST (64 << 20)

static long long fill(const char *path)
{
	static char block[1 << 16];
	long long sum = 0;
	ssize_t n;
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	if (fd < 0)
		return 0;
	while (sum < FILL_MOST && (n = write(fd, block, sizeof(block))) > 0)
		sum += n;
	close(fd);
	return sum;
}

static int attack_file(const char *mib)
{
	long long sum = fill(OUT "/big");

	if (sum > atoll(mib) << 20)
		return got("a larger file");
	return sum < 1 << 20;
}

static int attack_flood(const char *mib)
{
	long long sum = 0;
	char path[64];

	for (int i = 0; i < 100000; i++) {
		long long n;

		snprintf(path, sizeof(path), "%s/%d", i & 1 ? OUT : TMP, i);
		n = fill(path);
		sum += n;
		if (!n || sum >= FILL_MOST)
			break;
	}
	if (sum > atoll(mib) << 20)
		return got("more space");
	return sum < 1 << 20;
}

static int attack_files(const char *limit)
{
	char path[64];
	int i;

	for (i = 0; i < 1000; i++) {
		int fd;

		snprintf(path, sizeof(path), TMP "/%d", i);
		fd = open(path, O_WRONLY | O_CREAT, 0600);
		if (fd < 0)
			break;
		close(fd);
	}
	return i >= atoi(limit) ? got("more files") : i < 3;
}

static int attack_outputs(const char *target)
{
	(void)!symlink(target, OUT "/link");
	(void)!symlink("plain", OUT "/inner");
	fill(OUT "/plain");
	(void)!link(OUT "/plain", OUT "/second");
	(void)!mkdir(OUT "/dir", 0700);
	if (!mkfifo(OUT "/fifo", 0600))
		return got("a FIFO");
	if (!mknod(OUT "/null", S_IFCHR | 0666, 0x103))
		return got("a device");
	return 0;
}

/* Leave a child in a new session, with the inherited pipes, and exit. */
static int attack_orphan(const char *unused)
{
	(void)unused;
	if (!fork()) {
		setsid();
		signal(SIGTERM, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		if (!fork()) {
			for (;;)
				pause();
		}
		for (;;)
			pause();
	}
	return 0;
}

static int attack_sleep(const char *unused)
{
	attack_orphan(unused);
	for (;;)
		pause();
	return 1;
}

static int attack_spin(const char *unused)
{
	attack_orphan(unused);
	if (!fork()) {
		for (;;)
			;
	}
	for (;;)
		pause();
	return 1;
}

/* Execute a written file. */
static int attack_exec(const char *self)
{
	static char block[1 << 16];
	int from = open(self, O_RDONLY);
	int to = open(OUT "/program", O_WRONLY | O_CREAT, 0755);
	ssize_t n;

	while ((n = read(from, block, sizeof(block))) > 0) {
		if (write(to, block, (size_t)n) != n)
			return got("no copy");
	}
	close(to);
	chmod(OUT "/program", 06755);
	execl(OUT "/program", "program", "exit", "1", NULL);
	return errno == EACCES ? 0 : got("an execution");
}

/* System calls of the other architecture that this kernel supports. */
static int attack_abi(const char *unused)
{
	(void)unused;
#ifdef __x86_64__
	long ret = 359; /* i386: socket */
	pid_t pid;
	int status;

	if (try_call(SYS_getpid | 0x40000000, 0, 0, 0) != -1)
		return got("x32");
	pid = fork();
	if (!pid) {
		__asm__ volatile("int $0x80"
				 : "+a"(ret)
				 : "b"(1), "c"(1), "d"(0)
				 : "memory", "r8", "r9", "r10", "r11");
		_exit(ret >= 0);
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status))
		return got("a socket of i386");
	pid = fork();
	if (!pid) {
		ret = 310; /* i386: unshare */
		__asm__ volatile("int $0x80"
				 : "+a"(ret)
				 : "b"(0)
				 : "memory", "r8", "r9", "r10", "r11");
		_exit(0);
	}
	waitpid(pid, &status, 0);
	/* SIGSEGV: the kernel lacks that architecture. */
	if (!WIFSIGNALED(status))
		return got("a namespace of i386");
#endif
	return 0;
}

static int attack_abort(const char *unused)
{
	(void)unused;
	abort();
}

/* Print its argument. */
static int attack_echo(const char *what)
{
	char line[256];
	ssize_t n = read(0, line, sizeof(line));

	fwrite(line, 1, n > 0 ? (size_t)n : 0, stdout);
	printf("%s %s\n", what, getenv("TMPDIR"));
	fprintf(stderr, "err\n");
	return 0;
}

static int attack_tmp(const char *want)
{
	int fd = open("/tmp/x", O_WRONLY | O_CREAT, 0600);

	return (fd >= 0) == !strcmp(want, "own") ? 0 : got("another /tmp");
}

/* Check that its files stay private while other jobs start and end. */
static int attack_late(const char *unused)
{
	char c;

	(void)unused;
	fill(OUT "/early");
	if (write(1, "x", 1) != 1 || read(0, &c, 1) != 1)
		return got("nothing to wait for");
	if (access(OUT "/early", F_OK))
		return got("another job's files");
	fill(OUT "/late");
	return 0;
}

static int attack_exit(const char *status)
{
	return atoi(status);
}

static const struct {
	const char *name;
	int (*run)(const char *argument);
} attacks[] = {
	{ "abi", attack_abi },
	{ "abort", attack_abort },
	{ "bomb", attack_bomb },
	{ "calls", attack_calls },
	{ "descriptors", attack_descriptors },
	{ "echo", attack_echo },
	{ "exec", attack_exec },
	{ "exit", attack_exit },
	{ "file", attack_file },
	{ "files", attack_files },
	{ "flood", attack_flood },
	{ "forks", attack_forks },
	{ "late", attack_late },
	{ "memory", attack_memory },
	{ "namespaces", attack_namespaces },
	{ "none", attack_none },
	{ "orphan", attack_orphan },
	{ "outputs", attack_outputs },
	{ "privileges", attack_privileges },
	{ "processes", attack_processes },
	{ "read", attack_read },
	{ "sleep", attack_sleep },
	{ "sockets", attack_sockets },
	{ "spin", attack_spin },
	{ "tmp", attack_tmp },
	{ "write", attack_write },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(attacks) / sizeof(*attacks);
	     i++) {
		if (!strcmp(argv[1], attacks[i].name))
			return attacks[i].run(argc > 2 ? argv[2] : NULL);
	}
	return 2;
}

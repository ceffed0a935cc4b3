/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attack/evil.c - A hostile compiler: a static program that a client uploads
 * and that tries to escape from the sandbox.  The name of the "source" selects
 * the attack.  It prints "GOT ..." to stderr for each success, and the harness
 * searches results for these words and for the secret.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *out; /* path of the object, from -o */

static void got(const char *what)
{
	fprintf(stderr, "GOT %s\n", what);
}

/* Try an attack in a child if it ends the process. */
static void by_child(void (*attempt)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		attempt();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void show(const char *path)
{
	static char space[1 << 16];
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return;
	n = read(fd, space, sizeof(space));
	if (n > 0)
		fwrite(space, 1, (size_t)n, stderr);
	close(fd);
}

/* ------------------------------------------------------------ reading */

static void read_files(char **argv)
{
	static const char *const files[] = {
		"/etc/shadow",
		"/etc/passwd",
		"/etc/hostname",
		"/etc/kfarm/key.pem",
		"/proc/1/environ",
		"/proc/1/cmdline",
		"/proc/1/root/etc/shadow",
		"/proc/self/environ",
		"/proc/self/mountinfo",
		"/proc/mounts",
		"/proc/cmdline",
		"/proc/version",
		"/proc/cpuinfo",
		"/proc/kcore",
		"/proc/net/tcp",
		"/proc/sys/kernel/random/boot_id",
		"/sys/class/net/lo/address",
		"/dev/mem",
		"/dev/kmsg",
		"/dev/sda",
		"/dev/vda",
		"/dev/tty",
		"/dev/fuse",
		"/dev/kvm",
		"/dev/shm",
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		int fd = open(files[i], O_RDONLY | O_NONBLOCK);

		if (fd < 0)
			continue;
		fprintf(stderr, "opened %s\n", files[i]);
		if (strncmp(files[i], "/proc/self/", 11) != 0 &&
		    strncmp(files[i], "/proc/1/", 8) != 0)
			got(files[i]);
		close(fd);
		show(files[i]);
	}
	/* The canary, named in the arguments, and by other paths. */
	for (; *argv; argv++)
		show(*argv);
}

/* Read every inherited descriptor. */
static void read_descriptors(void)
{
	for (int fd = 3; fd < 1024; fd++) {
		char space[4096];
		ssize_t n;

		if (fcntl(fd, F_GETFD) < 0)
			continue;
		fprintf(stderr, "descriptor %d\n", fd);
		got("a descriptor");
		fcntl(fd, F_SETFL, O_NONBLOCK);
		n = read(fd, space, sizeof(space));
		if (n > 0)
			fwrite(space, 1, (size_t)n, stderr);
	}
}

static void change_root(void)
{
	if (mkdir("/.kfarm/out/r", 0700) == 0 && chroot("/.kfarm/out/r") == 0)
		got("chroot");
}

static void climb(void)
{
	char path[64];

	for (int i = 0; i < 4; i++)
		if (chdir("..") == 0 && access("etc/shadow", F_OK) == 0)
			got("a directory above");
	for (int pid = 1; pid < 40; pid++) {
		snprintf(path, sizeof(path), "/proc/%d/root/etc/shadow", pid);
		if (access(path, F_OK) == 0)
			got(path);
		snprintf(path, sizeof(path), "/proc/%d/cwd", pid);
		if (pid != (int)getpid() && chdir(path) == 0 &&
		    access("/proc/self/cwd/etc", F_OK) == 0)
			got(path);
	}
	by_child(change_root);
}

/* ------------------------------------------------------------ writing */

static void try_write(const char *path)
{
	int fd = open(path, O_WRONLY | O_NONBLOCK);

	if (fd >= 0) {
		fprintf(stderr, "%s: ", path);
		got("a file to write");
		close(fd);
	}
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
	if (fd >= 0) {
		fprintf(stderr, "%s: ", path);
		got("a file made");
		close(fd);
	}
	if (chmod(path, 0777) == 0)
		got("chmod");
	if (rename(path, "/.kfarm/out/moved") == 0)
		got("rename");
	if (unlink(path) == 0)
		got("unlink");
	if (truncate(path, 0) == 0)
		got("truncate");
}

static void write_files(char **argv)
{
	try_write(argv[0]); /* a file of the toolchain */
	try_write("/proc/self/exe");
	try_write("/tree/other.c");
	try_write("/tree/new.c");
	try_write("/new");
	try_write("/.kfarm/new");
	try_write("/dev/new");
	try_write("/lib/new");
	if (mkdir("/tree/dir", 0777) == 0 || mkdir("/dir", 0777) == 0)
		got("a directory made");
	if (link("/tree/other.c", "/.kfarm/out/linked") == 0)
		got("a hard link to the view");
	if (symlink("x", "/tree/sym") == 0)
		got("a link in the view");
}

static void flood(const char *path, unsigned long long bytes)
{
	static char space[1 << 20];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	memset(space, 1, sizeof(space));
	signal(SIGXFSZ, SIG_IGN);
	for (unsigned long long n = 0; n < bytes; n += sizeof(space))
		if (write(fd, space, sizeof(space)) <= 0)
			return;
	got("all those bytes");
}

static void object(void)
{
	int fd = open(out, O_CREAT | O_WRONLY | O_TRUNC, 0666);

	if (fd < 0 || write(fd, "object", 6) != 6)
		perror(out);
	close(fd);
}

static void make_odd(const char *how)
{
	unlink(out);
	if (strcmp(how, "out-link") == 0 && symlink("/etc/passwd", out))
		perror(out);
	if (strcmp(how, "out-canary") == 0 && symlink("/tree/to-canary", out))
		perror(out);
	if (strcmp(how, "out-fifo") == 0 && mkfifo(out, 0666))
		perror(out);
	if (strcmp(how, "out-dir") == 0 && mkdir(out, 0777))
		perror(out);
	if (strcmp(how, "out-hard") == 0) {
		close(open("/.kfarm/out/x", O_CREAT | O_WRONLY, 0666));
		if (link("/.kfarm/out/x", out))
			perror(out);
	}
	if (strcmp(how, "out-socket") == 0) {
		struct sockaddr_un a = { .sun_family = AF_UNIX };
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		snprintf(a.sun_path, sizeof(a.sun_path), "%s", out);
		if (fd >= 0 && bind(fd, (void *)&a, sizeof(a)) == 0)
			got("a socket");
		unlink(out);
		object(); /* so that the diagnostics are returned */
	}
	if (strcmp(how, "out-sparse") == 0) {
		int fd = open(out, O_CREAT | O_WRONLY, 0666);

		signal(SIGXFSZ, SIG_IGN);
		if (ftruncate(fd, 1ll << 40) == 0)
			got("a file of 1 TiB");
		close(fd);
		object();
	}
	if (strcmp(how, "out-holes") == 0) {
		int fd = open(out, O_CREAT | O_WRONLY, 0666);
		char name[32];

		if (ftruncate(fd, 8 << 20))
			perror(out);
		close(fd);
		/* Fill the tmpfs, so that a hole cannot get a page. */
		for (int i = 0; i < 32; i++) {
			snprintf(name, sizeof(name), "/.kfarm/tmp/%d", i);
			flood(name, 10ull << 30);
		}
	}
}

/*
 * ------------------------------------------------------------- other processes
 */

static void sockets(void)
{
	static const int families[] = { AF_INET,   AF_INET6, AF_NETLINK,
					AF_PACKET, AF_VSOCK, AF_ALG };
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(22),
				 .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr_un u = { .sun_family = AF_UNIX };
	int fd;

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		fd = socket(families[i], SOCK_DGRAM, 0);
		if (fd < 0)
			fd = socket(families[i], SOCK_RAW, 0);
		if (fd >= 0 && families[i] != AF_INET) {
			fprintf(stderr, "family %d: ", families[i]);
			got("a socket");
		}
	}
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd >= 0 && connect(fd, (void *)&a, sizeof(a)) == 0)
		got("a connection");
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	memcpy(u.sun_path, "\0kfarm-attack", 13);
	if (fd >= 0 && connect(fd, (void *)&u, 2 + 13) == 0)
		got("an abstract socket");
}

static pid_t parent;

static void trace_parent(void)
{
	if (parent != 0 && ptrace(PTRACE_ATTACH, parent, 0, 0) == 0)
		got("ptrace");
}

static void trace_first(void)
{
	if (ptrace(PTRACE_ATTACH, 1, 0, 0) == 0)
		got("ptrace of 1");
}

static void trace_itself(void)
{
	if (ptrace(PTRACE_TRACEME, 0, 0, 0) == 0)
		got("ptrace of itself");
}

static void read_parent(void)
{
	if (syscall(SYS_process_vm_readv, parent, NULL, 0, NULL, 0, 0) == 0)
		got("process_vm_readv");
}

static void processes(void)
{
	static const int pids[] = { 1, 2, 3, -1 };

	parent = getppid();
	by_child(trace_parent);
	by_child(trace_first);
	by_child(trace_itself);
	by_child(read_parent);
	for (size_t i = 0; i < sizeof(pids) / sizeof(*pids); i++)
		if (pids[i] != getpid() && kill(pids[i], 0) == 0)
			got("somebody to signal");
	for (int pid = 2; pid < 70000; pid++)
		if (pid != getpid() && kill(pid, 0) == 0)
			got("another process");
	if (setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) - 1) == 0)
		got("priority");
}

static void calls(void)
{
	static const struct {
		const char *name;
		long number, a, b, c;
	} list[] = {
		{ "mount", SYS_mount, (long)"none", (long)"/.kfarm/out",
		  (long)"tmpfs" },
		{ "umount2", SYS_umount2, (long)"/.kfarm/out", 0, 0 },
		{ "pivot_root", SYS_pivot_root, (long)"/", (long)"/", 0 },
		{ "unshare user", SYS_unshare, CLONE_NEWUSER, 0, 0 },
		{ "unshare mount", SYS_unshare, CLONE_NEWNS, 0, 0 },
		{ "unshare pid", SYS_unshare, CLONE_NEWPID, 0, 0 },
		{ "setns", SYS_setns, 0, 0, 0 },
		{ "chroot", SYS_chroot, (long)"/.kfarm/out", 0, 0 },
		{ "setuid", SYS_setuid, 0, 0, 0 },
		{ "setgroups", SYS_setgroups, 0, 0, 0 },
		{ "sethostname", SYS_sethostname, (long)"x", 1, 0 },
		{ "bpf", SYS_bpf, 0, 0, 0 },
		{ "perf_event_open", SYS_perf_event_open, 0, 0, 0 },
		{ "io_uring_setup", SYS_io_uring_setup, 1, 0, 0 },
		{ "userfaultfd", SYS_userfaultfd, 0, 0, 0 },
		{ "keyctl", SYS_keyctl, KEYCTL_GET_KEYRING_ID,
		  KEY_SPEC_SESSION_KEYRING, 1 },
		{ "add_key", SYS_add_key, (long)"user", (long)"x", (long)"y" },
		{ "request_key", SYS_request_key, (long)"user", (long)"x", 0 },
		{ "kexec_load", SYS_kexec_load, 0, 0, 0 },
		{ "init_module", SYS_init_module, 0, 0, 0 },
		{ "reboot", SYS_reboot, 0xfee1dead, 672274793, 0 },
		{ "swapon", SYS_swapon, (long)"/x", 0, 0 },
		{ "acct", SYS_acct, 0, 0, 0 },
		{ "settimeofday", SYS_settimeofday, 0, 0, 0 },
		{ "open_by_handle_at", SYS_open_by_handle_at, 0, 0, 0 },
		{ "fsopen", SYS_fsopen, (long)"tmpfs", 0, 0 },
		{ "open_tree", SYS_open_tree, -100, (long)"/", 1 },
		{ "quotactl", SYS_quotactl, 0, 0, 0 },
		{ "syslog", SYS_syslog, 10, 0, 0 },
		{ "personality", SYS_personality, 0x0400000, 0, 0 },
		{ "mknod", SYS_mknodat, -100, (long)"/.kfarm/out/dev",
		  S_IFBLK | 0600 },
		{ "fanotify_init", SYS_fanotify_init, 0, 0, 0 },
		{ "memfd_secret", 447, 0, 0, 0 },
		{ "move_mount", SYS_move_mount, -1, (long)"", -1 },
		{ "clone3 user", SYS_clone3, 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			long r = syscall(list[i].number, list[i].a, list[i].b,
					 list[i].c, 0, 0);

			_exit(r >= 0 ? 77 : 0);
		}
		waitpid(pid, &status, 0);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
			got(list[i].name);
	}
}

static void fork_bomb(void)
{
	unsigned n = 0;

	for (;;) {
		pid_t pid = fork();

		if (pid == 0) {
			setsid();
			for (;;)
				pause();
		}
		if (pid < 0)
			break;
		if (++n > 5000) {
			got("5,000 processes");
			break;
		}
	}
	fprintf(stderr, "%u processes\n", n);
}

static void memory_hog(void)
{
	for (unsigned gib = 0; gib < 64; gib++) {
		char *p = mmap(NULL, 1ul << 30, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			return;
		/*
		 * Write only to the first, because the test's machine is small.
		 */
		if (gib == 0)
			memset(p, 1, 1ul << 28);
	}
	got("64 GiB");
}

/* Leave a child that holds the directory of the outputs open. */
static void daemonise(void)
{
	if (fork() == 0) {
		setsid();
		if (fork() == 0) {
			for (int i = 0; i < 1024; i++)
				close(i);
			sleep(1);
			kill(-1, SIGKILL);
			for (;;)
				pause();
		}
		_exit(0);
	}
	wait(NULL);
}

static void talk(void)
{
	static char space[1 << 16];

	memset(space, 'x', sizeof(space));
	for (int i = 0; i < 1 << 14; i++)
		if (write(2, space, sizeof(space)) <= 0)
			return;
	got("1 GiB on stderr");
}

/* Look for files of another job, present or future. */
static void neighbours(void)
{
	static const char *const dirs[] = { "/.kfarm",  "/.kfarm/out",
					    "/tmp",     "/.kfarm/tmp",
					    "/var/tmp", "/dev/shm" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		DIR *d = opendir(dirs[i]);
		struct dirent *e;

		while (d && (e = readdir(d)))
			if (strstr(e->d_name, "footprint"))
				got(e->d_name);
		if (d)
			closedir(d);
	}
	close(open("/.kfarm/out/footprint", O_CREAT | O_WRONLY, 0666));
	close(open("/.kfarm/tmp/footprint", O_CREAT | O_WRONLY, 0666));
	close(open("/tmp/footprint", O_CREAT | O_WRONLY, 0666));
	close(open("/dev/shm/footprint", O_CREAT | O_WRONLY, 0666));
	if (syscall(SYS_shmget, 4711, 4096, 0) >= 0)
		got("shared memory");
	syscall(SYS_shmget, 4711, 4096, 01666);
}

/* Write the required outputs, without which a job fails and returns nothing. */
static void dependencies(const char *source)
{
	static const char *const lists[] = { "/.kfarm/out/dep.d",
					     "/.kfarm/out/as.d" };

	for (int i = 0; i < 2; i++) {
		FILE *f = fopen(lists[i], "w");

		if (!f) {
			perror(lists[i]);
			continue;
		}
		fprintf(f, "%s: %s\n", out, source);
		fclose(f);
	}
}

/* For the controls: leak the secret in every output. */
static void leak(const char *how)
{
	int fd;

	if (strcmp(how, "leak-words.c") == 0)
		got("what the control planted");
	if (strcmp(how, "leak-stderr.c") == 0)
		show("/tree/planted");
	if (strcmp(how, "leak-object.c") == 0) {
		fd = open(out, O_WRONLY | O_TRUNC);
		dup2(fd, 2);
		show("/tree/planted");
		close(fd);
	}
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[argc - 1] : "";

	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], "-o") == 0)
			out = argv[i + 1];
	how = strrchr(how, '/') ? strrchr(how, '/') + 1 : how;
	fprintf(stderr, "evil: %s\n", how);
	if (!out)
		return 1;
	object();
	dependencies(argv[argc - 1]);
	if (strncmp(how, "leak-", 5) == 0)
		leak(how);
	if (strcmp(how, "read.c") == 0)
		read_files(argv + 1);
	if (strcmp(how, "descriptors.c") == 0)
		read_descriptors();
	if (strcmp(how, "climb.c") == 0)
		climb();
	if (strcmp(how, "write.c") == 0)
		write_files(argv);
	if (strcmp(how, "flood-out.c") == 0)
		flood(out, 10ull << 30);
	if (strcmp(how, "flood-tmp.c") == 0)
		flood("/.kfarm/tmp/x", 10ull << 30);
	if (strcmp(how, "flood-slashtmp.c") == 0)
		flood("/tmp/x", 10ull << 30);
	if (strncmp(how, "out-", 4) == 0) {
		char word[64];

		snprintf(word, sizeof(word), "%s", how);
		word[strcspn(word, ".")] = 0;
		make_odd(word);
	}
	if (strcmp(how, "sockets.c") == 0)
		sockets();
	if (strcmp(how, "processes.c") == 0)
		processes();
	if (strcmp(how, "calls.c") == 0)
		calls();
	if (strcmp(how, "forks.c") == 0)
		fork_bomb();
	if (strcmp(how, "memory.c") == 0)
		memory_hog();
	if (strcmp(how, "daemon.c") == 0)
		daemonise();
	if (strcmp(how, "talk.c") == 0)
		talk();
	if (strcmp(how, "neighbours.c") == 0)
		neighbours();
	if (strcmp(how, "sleep.c") == 0)
		for (;;)
			pause();
	if (strcmp(how, "spin.c") == 0)
		for (;;)
			;
	if (strcmp(how, "stop.c") == 0)
		kill(getpid(), SIGSTOP);
	fprintf(stderr, "evil: done\n");
	return 0;
}

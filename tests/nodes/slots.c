/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nodes/slots.c - A preloaded library for kfarmd: it reports $CORES cores in
 * the files that kfarmd reads, ignores requests to bind a process to cores, and
 * lets each job wait until the test writes to the file $GATE, which counts the
 * jobs
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static struct {
	atomic_int waiting, open;
} * gate; /* the file $GATE, shared with the jobs */

static void __attribute__((constructor)) map_gate(void)
{
	const char *path = getenv("GATE");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	gate = mmap(NULL, sizeof(*gate), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    0);
	if (gate == MAP_FAILED)
		abort();
	close(fd);
}

static int text_fd(const char *text)
{
	int fd = memfd_create("cores", MFD_CLOEXEC);

	if (fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text))
		lseek(fd, 0, SEEK_SET);
	return fd;
}

/* NOLINTNEXTLINE: the C library's header has names of its own */
int open64(const char *path, int flags, ...)
{
	static int (*real)(const char *, int, ...);
	const char *cores = getenv("CORES");
	char text[64];
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "open64");
	snprintf(text, sizeof(text), "0-%d\n", cores ? atoi(cores) - 1 : 0);
	if (!strcmp(path, "/sys/devices/system/cpu/online"))
		return text_fd(text);
	snprintf(text, sizeof(text), "Cpus_allowed_list:\t0-%d\n",
		 cores ? atoi(cores) - 1 : 0);
	if (!strcmp(path, "/proc/self/status"))
		return text_fd(text);
	return real(path, flags, mode);
}

/* NOLINTNEXTLINE: the C library's header has names of its own */
int open(const char *path, int flags, ...) __attribute__((alias("open64")));

int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set)
{
	(void)pid;
	(void)size;
	(void)set;
	return 0;
}

/* NOLINTNEXTLINE: the C library's header has names of its own */
int execve(const char *path, char *const argv[], char *const env[])
{
	static int (*real)(const char *, char *const[], char *const[]);
	const struct timespec pause = { .tv_nsec = 500000000 };

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "execve");
	if (strstr(path, "gcc")) {
		gate->waiting++;
		while (!gate->open)
			nanosleep(&pause, NULL);
		gate->waiting--;
	}
	return real(path, argv, env);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/lib/processors.c - Preloaded library that reports $PROCESSORS
 * processors, which need not exist, to a program.
 */
#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* The affinity mask that the program has set for itself. */
static cpu_set_t own;
static int has_own;

/*
 * Do not preload the library into the programs that kfarm's make or command
 * starts, because kfarm compiles units with LD_PRELOAD locally.
 */
__attribute__((constructor)) static void end_preloading(void)
{
	if (getenv("KFARM_SOCKET"))
		unsetenv("LD_PRELOAD");
}

static long claimed(void)
{
	const char *word = getenv("PROCESSORS");
	long n = word ? atol(word) : 0;

	return n > 0 ? n : 1;
}

int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
	long n = claimed();

	(void)pid;
	if (size * 8 < (size_t)n) {
		errno = EINVAL;
		return -1;
	}
	memset(set, 0, size);
	if (has_own) {
		memcpy(set, &own, size < sizeof(own) ? size : sizeof(own));
		return 0;
	}
	for (long i = 0; i < n; i++)
		CPU_SET_S(i, size, set);
	return 0;
}

int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set)
{
	(void)pid;
	memset(&own, 0, sizeof(own));
	memcpy(&own, set, size < sizeof(own) ? size : sizeof(own));
	has_own = 1;
	return 0;
}

long sysconf(int name)
{
	static long (*real)(int);

	if (name == _SC_NPROCESSORS_ONLN || name == _SC_NPROCESSORS_CONF)
		return claimed();
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "sysconf");
	return real(name);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/fake-time.c - Preloaded library whose time(2) returns the time in the
 * file $FAKE_TIME.  All other clocks are unchanged, so make sees the real times
 * of files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/*
 * Do not preload the library into the programs that kfarm's make or command
 * starts, because kfarm compiles units with LD_PRELOAD locally.
 */
__attribute__((constructor)) static void end_preloading(void)
{
	if (getenv("KFARM_SOCKET"))
		unsetenv("LD_PRELOAD");
}

time_t time(time_t *out) /* NOLINT: glibc also names the parameter so */
{
	const char *path = getenv("FAKE_TIME");
	FILE *f = path ? fopen(path, "re") : NULL;
	long long now = 0;
	struct timespec ts;

	if (!f || fscanf(f, "%lld", &now) != 1) {
		clock_gettime(CLOCK_REALTIME, &ts);
		now = ts.tv_sec;
	}
	if (f)
		fclose(f);
	if (out)
		*out = (time_t)now;
	return (time_t)now;
}

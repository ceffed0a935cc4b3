/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/fake-time.c - preloaded: time(2) is what the file $FAKE_TIME says.  All
 * other clocks are as they are, so that make sees the dates of files as ever.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

time_t time(time_t *out) /* NOLINT: the name is glibc's own there */
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

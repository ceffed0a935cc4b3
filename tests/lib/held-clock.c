/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/held-clock.c - Preloaded library whose monotonic clock shows the
 * milliseconds in the file $HELD_CLOCK, so that timers expire only when the
 * test replaces this file.  TCP_USER_TIMEOUT has no effect, because the kernel
 * has its own clock.  CLOCK_REALTIME is unchanged.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *ts) /* NOLINT */
{
	const char *path = getenv("HELD_CLOCK");
	FILE *f = NULL;
	long ms;

	if (path &&
	    (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE))
		f = fopen(path, "re");
	if (!f)
		return (int)syscall(SYS_clock_gettime, clock, ts);
	if (fscanf(f, "%ld", &ms) != 1)
		abort();
	fclose(f);
	ts->tv_sec = ms / 1000;
	ts->tv_nsec = ms % 1000 * 1000000;
	return 0;
}

int setsockopt(int fd, int level, int name, const void *value, /* NOLINT */
	       socklen_t len)
{
	if (level == IPPROTO_TCP && name == TCP_USER_TIMEOUT)
		return 0;
	return (int)syscall(SYS_setsockopt, fd, level, name, value, len);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/health.h"

#include "base/fs.h"
#include "base/str.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define AGAIN_MS 900
#define COLD_MC  (-100000) /* sensors that are not there say such */
#define HOT_MC   200000
#define MILLI    1000

/* The number in a file: 0, or -1 where there is none. */
static int read_sensor(const char *path, long *out)
{
	struct buf in = { 0 };
	struct err ignored;
	int ret = fs_read(path, 4096, &in, &ignored);
	char *end;

	if (!ret) {
		*out = strtol(buf_str(&in), &end, 10);
		ret = end == buf_str(&in) ? -1 : 0;
	}
	buf_release(&in);
	return ret ? -1 : 0;
}

static uint32_t hottest(const char *root)
{
	char *pattern = xasprintf("%s/sys/class/thermal/thermal_zone*/temp",
				  root);
	uint32_t most = WIRE_HEALTH_UNKNOWN;
	glob_t found;

	if (!glob(pattern, 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			long mc;

			if (read_sensor(found.gl_pathv[i], &mc) ||
			    mc <= COLD_MC || mc >= HOT_MC)
				continue;
			if (most == WIRE_HEALTH_UNKNOWN ||
			    (uint32_t)(mc + WIRE_HEALTH_ZERO) > most)
				most = (uint32_t)(mc + WIRE_HEALTH_ZERO);
		}
		globfree(&found);
	}
	free(pattern);
	return most;
}

/* Of one policy: what it may run at, of what it could; in thousandths. */
static uint32_t share_of(const char *policy)
{
	char *now = xasprintf("%s/scaling_max_freq", policy);
	char *full = xasprintf("%s/cpuinfo_max_freq", policy);
	uint32_t share = WIRE_HEALTH_UNKNOWN;
	long may, could;

	if (!read_sensor(now, &may) && !read_sensor(full, &could) && may > 0 &&
	    could > 0)
		share = may >= could ?
				MILLI :
				(uint32_t)((double)may / (double)could * MILLI);
	free(now);
	free(full);
	return share;
}

/* Of the cores that are slowed down most. */
static uint32_t slowest(const char *root)
{
	char *pattern = xasprintf("%s/sys/devices/system/cpu/cpufreq/policy*",
				  root);
	uint32_t least = WIRE_HEALTH_UNKNOWN;
	glob_t found;

	if (!glob(pattern, 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			uint32_t share = share_of(found.gl_pathv[i]);

			/* Unknown is more than any. */
			if (share < least)
				least = share;
		}
		globfree(&found);
	}
	free(pattern);
	return least;
}

/* user, nice, system, irq, softirq, steal; not idle and iowait. */
static int read_busy(const char *root, uint64_t *ms)
{
	char *path = xasprintf("%s/proc/stat", root);
	unsigned long long user, nice, system, irq, softirq, steal;
	long hz = sysconf(_SC_CLK_TCK);
	struct buf in = { 0 };
	struct err ignored;
	int ret = fs_read(path, 1u << 20, &in, &ignored);

	if (!ret &&
	    sscanf(buf_str(&in), "cpu %llu %llu %llu %*u %*u %llu %llu %llu",
		   &user, &nice, &system, &irq, &softirq, &steal) != 6)
		ret = -1;
	if (!ret)
		*ms = (user + nice + system + irq + softirq + steal) * MILLI /
		      (uint64_t)(hz > 0 ? hz : 100);
	buf_release(&in);
	free(path);
	return ret ? -1 : 0;
}

/* Cores that others kept busy since it was read before. */
static uint32_t foreign(const struct node_health *h, uint64_t now_ms,
			uint64_t busy_ms, uint64_t ours_ms)
{
	uint64_t busy, ours, all;

	if (!h->read_ms || busy_ms < h->busy_ms || ours_ms < h->ours_ms)
		return WIRE_HEALTH_UNKNOWN;
	busy = busy_ms - h->busy_ms;
	ours = ours_ms - h->ours_ms;
	all = busy > ours ? (busy - ours) * MILLI / (now_ms - h->read_ms) : 0;
	return all > WIRE_HEALTH_FOREIGN ? WIRE_HEALTH_FOREIGN : (uint32_t)all;
}

void node_health_read(struct node_health *h, uint64_t now_ms, uint64_t ours_ms,
		      const char *root)
{
	uint64_t busy_ms;

	if (h->read_ms && now_ms < h->read_ms + AGAIN_MS)
		return;
	h->now.temperature_mk = hottest(root);
	h->now.speed_milli = slowest(root);
	h->now.foreign_milli = WIRE_HEALTH_UNKNOWN;
	if (read_busy(root, &busy_ms))
		return;
	h->now.foreign_milli = foreign(h, now_ms, busy_ms, ours_ms);
	h->read_ms = now_ms;
	h->busy_ms = busy_ms;
	h->ours_ms = ours_ms;
}

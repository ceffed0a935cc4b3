/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/ui-farm.h - A build on an imaginary farm, for tests of views.
 */
#ifndef UI_FARM_H
#define UI_FARM_H

#include "ui-fixture.h"

#include <stdio.h>
#include <string.h>

static bool farm_is_known; /* the build has a baseline */

static const char *const farm_files[] = {
	"kernel/fork.c",
	"drivers/mmc/host/sdhci-of-arasan.c",
	"fs/ext4/inode.c",
	"net/ipv4/tcp_input.c",
	"drivers/gpu/drm/amd/amdgpu/../display/dc/dml/dcn31/"
	"display_mode_vba_31.c",
	"lib/zstd/compress/zstd_opt.c",
};

static inline void farm_job(int64_t number, enum events_job_state state,
			    const char *node, const char *reason)
{
	struct events_event ev = events_event_make(EVENTS_KIND_JOB);
	char file[200];

	snprintf(file, sizeof(file), "/src/linux/%s", farm_files[number % 6]);
	ev.job = number;
	ev.state = state;
	ev.file = file;
	ev.node = node;
	ev.reason = reason;
	ev.remote = node && strcmp(node, EVENTS_LOCAL) != 0;
	if (state == EVENTS_JOB_QUEUED)
		ev.cost_ms = job_cost;
	play(&ev);
}

/* Send the events of a job that ends at once. */
static inline void farm_done(int64_t number, const char *node,
			     const char *reason)
{
	farm_job(number, EVENTS_JOB_QUEUED, NULL, NULL);
	farm_job(number, EVENTS_JOB_SEND, node, reason);
	now_ms += 700;
	farm_job(number, EVENTS_JOB_DONE, node, reason);
	now_ms -= 700;
}

static inline void cell(const char *on, const char *state)
{
	struct events_event ev = events_event_make(EVENTS_KIND_CELL);

	ev.node = on;
	ev.text = state;
	play(&ev);
}

/* Send the events of a node, which is up if `state` is NULL. */
static inline void farm_member(const char *name, const char *pool,
			       const char *site, const char *state,
			       int64_t slots)
{
	struct events_event ev = events_event_make(EVENTS_KIND_NODE);

	ev.node = name;
	ev.pool = pool;
	ev.site = site;
	ev.text = state ? state : "up";
	ev.machine = "aarch64";
	ev.n_slots = slots;
	ev.n_cores = slots;
	ev.memory_bytes = 4000000000;
	play(&ev);
	cell(name, "ready");
}

/* Send the events of a node that is up, with its slots. */
static inline void farm_node(const char *name, int64_t slots)
{
	farm_member(name, NULL, NULL, NULL, slots);
}

struct farm_beat {
	const char *node;
	int64_t done, failed, retries, sent, received, load, celsius, speed,
		foreign;
};

static inline void farm_beat(const struct farm_beat *b)
{
	struct events_event ev = events_event_make(EVENTS_KIND_LOAD);

	ev.node = b->node;
	ev.n_done = b->done;
	ev.n_failed = b->failed;
	ev.n_retries = b->retries;
	ev.cpu_ms = b->done * 2000;
	ev.sent_bytes = b->sent;
	ev.received_bytes = b->received;
	ev.load_milli = b->load;
	ev.celsius_milli = b->celsius ? b->celsius : EVENTS_UNKNOWN;
	ev.speed_milli = b->speed ? b->speed : EVENTS_UNKNOWN;
	ev.foreign_milli = b->foreign ? b->foreign : EVENTS_UNKNOWN;
	ev.memory_bytes = 1500000000;
	play(&ev);
}

static inline void farm_begin(void)
{
	struct events_event ev = events_event_make(EVENTS_KIND_BUILD);

	ev.command = "Image modules dtbs";
	ev.arch = "arm64";
	ev.toolchain = "gcc-13.3.0-aarch64";
	ev.tree = "/src/linux";
	ev.make_jobs = 24;
	ev.n_local_slots = 2;
	play(&ev);
	if (farm_is_known)
		last_build(2874, 12, 30);
	say(EVENTS_KIND_PHASE, "compile");
}

/* A minute of work, until 75 s. */
static inline void farm_minute(void)
{
	static const char *const on[] = { "box", "neo4a", "neo4b" };
	int64_t sent = 0;

	for (int64_t s = 0; s < 60; s++) {
		now_ms = 15000 + (uint64_t)s * 1000;
		for (int64_t i = 0; i < 4 + s % 13; i++)
			farm_done(1000 + s * 20 + i, on[i % 3], NULL);
		if (s % 9 == 0)
			farm_done(900 + s, "local",
				  s % 2 ? ".incbin" : "a compiler plugin");
		sent += 300000 + s % 7 * 100000;
		farm_beat(&(struct farm_beat){ "neo4a", 4 * s, 0, 1, sent,
					       sent / 4, 5900, 61000, 1000,
					       0 });
	}
}

/*
 * Six nodes at 75 s: at work, hot, idle, failing, down.  Jobs 1 to 20 are in
 * flight.
 */
static inline void farm_play(void)
{
	static const enum events_job_state states[] = { EVENTS_JOB_SEND,
							EVENTS_JOB_RUN,
							EVENTS_JOB_RUN,
							EVENTS_JOB_RECEIVE };

	farm_begin();
	farm_node("neo4a", 6);
	farm_node("neo4b", 6);
	farm_node("box", 16);
	farm_node("lazy", 4);
	farm_node("spoiled", 4);
	cell("lazy", "shipping");
	node("spoiled", "resting", "its object is not what ours is");
	node("attic", "down", "no route to host");
	farm_minute();
	for (int64_t i = 1; i <= 16; i++) {
		const char *on = i < 5 ? "neo4a" : i < 8 ? "neo4b" : "box";

		/* The first job takes much longer than the others. */
		now_ms = i == 1 ? 60000 : 70000 + (uint64_t)i * 300;
		farm_job(i, EVENTS_JOB_QUEUED, NULL, NULL);
		farm_job(i, EVENTS_JOB_SCAN, NULL, NULL);
		farm_job(i, EVENTS_JOB_SEND, on, NULL);
		farm_job(i, states[i % 4], on, NULL);
	}
	farm_job(17, EVENTS_JOB_QUEUED, NULL, NULL);
	farm_job(17, EVENTS_JOB_RUN, "local", ".incbin");
	farm_job(18, EVENTS_JOB_QUEUED, NULL, NULL);
	farm_job(18, EVENTS_JOB_SCAN, NULL, NULL);
	farm_job(19, EVENTS_JOB_QUEUED, NULL, NULL);
	farm_job(20, EVENTS_JOB_QUEUED, NULL, NULL);
	farm_beat(&(struct farm_beat){ "neo4b", 80, 0, 0, 9000000, 1200000,
				       6100, 91000, 600, 0 });
	farm_beat(&(struct farm_beat){ "box", 190, 0, 0, 31000000, 9100000,
				       11300, 48000, 1000, 2500 });
	farm_beat(&(struct farm_beat){ "lazy", 0, 0, 0, 4000000, 0, 100, 39000,
				       1000, 0 });
	farm_beat(&(struct farm_beat){ "spoiled", 7, 3, 3, 4100000, 90000, 200,
				       44000, 1000, 0 });
	now_ms = 75000;
	diag("kernel/fork.c: In function 'dup_task':\n"
	     "kernel/fork.c:12:5: warning: unused variable 'x' "
	     "[-Wunused-variable]\n   12 | int x;\n      |     ^\n",
	     EVENTS_SEV_WARNING);
	diag("fs/ext4/inode.c:99:1: error: expected ';' before '}'\n",
	     EVENTS_SEV_ERROR);
}

#endif

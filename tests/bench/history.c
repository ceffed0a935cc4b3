/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench/history.c - Cost of the history in the environment's directory.
 *
 *	history build UNITS ROUNDS	record builds of UNITS units; print the
 *					CPU ms of history/ for each
 *	history small UNITS ROUNDS	the same, recompiling two of these units
 *	history fill BUILDS		record BUILDS builds of five units, of
 *					20 series
 *	history costs ROUNDS		print the ms to read and look up all
 *					costs of the first "build"
 */
#include "base/str.h"
#include "history/recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NODES 10
#define DIAGS 40

static double ms_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void give_up(const char *what)
{
	fprintf(stderr, "history: %s\n", what);
	exit(1);
}

/* Write a key of 64 equal letters, "a...", "b...". */
static void key_of(unsigned n, char key[static 65])
{
	memset(key, "0123456789abcdefghij"[n % 20], 64);
	key[64] = '\0';
}

static void tell_build(struct events_hub *hub, const char *key, bool fresh)
{
	struct events_event ev = events_event_make(EVENTS_KIND_BUILD);

	ev.command = "Image modules dtbs";
	ev.arch = "arm64";
	ev.config = "defconfig";
	ev.toolchain = "gcc-12.2.0";
	ev.toolchain_id = "gcc-12.2.0-0123456789ab";
	ev.tree = "/home/build/linux";
	ev.dir = "/home/build/.cache/kfarm/build/linux-arm64-defconfig";
	ev.output = "/home/build/.cache/kfarm/builds/7";
	ev.commit = "0123456789012345678901234567890123456789";
	ev.release = "6.1.192";
	ev.series_key = key;
	ev.from_scratch = fresh;
	ev.make_jobs = 48;
	ev.n_local_slots = 4;
	events_hub_publish(hub, &ev);
}

/* Send the events of a remote compile. */
static void tell_unit(struct events_hub *hub, unsigned n)
{
	static const enum events_job_state states[] = {
		EVENTS_JOB_QUEUED, EVENTS_JOB_SCAN,    EVENTS_JOB_SEND,
		EVENTS_JOB_RUN,    EVENTS_JOB_RECEIVE, EVENTS_JOB_DONE
	};
	char object[128], file[128], node[32];

	snprintf(object, sizeof(object),
		 "drivers/net/wireless/vendor%u/part%u/unit%u.o", n / 100,
		 n / 10 % 10, n);
	snprintf(file, sizeof(file), "%.*sc", (int)strlen(object) - 1, object);
	snprintf(node, sizeof(node), "node%u", n % NODES);
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		struct events_event ev = events_event_make(EVENTS_KIND_JOB);

		ev.job = n + 1;
		ev.state = states[i];
		ev.file = file;
		ev.object = i ? NULL : object;
		ev.node = i > 1 ? node : NULL;
		ev.remote = true;
		ev.cpu_ms = 500 + n % 977;
		events_hub_publish(hub, &ev);
	}
}

static void tell_diags(struct events_hub *hub)
{
	for (unsigned i = 0; i < DIAGS; i++) {
		struct events_event ev = events_event_make(EVENTS_KIND_FOUND);
		char file[64], text[128];

		snprintf(file, sizeof(file), "drivers/x%u/y.c", i);
		snprintf(text, sizeof(text), "unused variable 'ret%u'", i);
		ev.tool = "compiler";
		ev.diag_status = "same";
		ev.file = file;
		ev.text = text;
		ev.flag = "-Wunused-variable";
		ev.line = i + 1;
		events_hub_publish(hub, &ev);
	}
}

/* Record a build from its first event to its last.  Returns CPU ms. */
static double record(const char *key, unsigned first, unsigned units)
{
	struct events_hub *hub = events_hub_new();
	struct events_event done = events_event_make(EVENTS_KIND_DONE);
	double began = ms_of(CLOCK_PROCESS_CPUTIME_ID), took;
	struct strv notes = { 0 };
	struct history_recorder *r = history_recorder_new(hub, &notes);

	tell_build(hub, key, units > 100);
	for (unsigned i = 0; i < units; i++)
		tell_unit(hub, first + i);
	tell_diags(hub);
	history_recorder_finish(r, &done, &notes);
	history_recorder_free(r);
	took = ms_of(CLOCK_PROCESS_CPUTIME_ID) - began;
	if (notes.n)
		give_up(notes.v[0]);
	events_hub_free(hub);
	return took;
}

static void record_some(unsigned units, unsigned least, unsigned rounds)
{
	char key[65];

	key_of(0, key);
	for (unsigned i = 0; i < rounds; i++)
		printf("%u units%s: %.2f ms\n", least,
		       least < units ? " of a large build" : "",
		       record(key, 0, least));
}

static void fill(unsigned builds)
{
	char key[65];

	for (unsigned i = 0; i < builds; i++) {
		key_of(1 + i % 19, key);
		record(key, i % 50, 5);
	}
}

static void look_up(unsigned rounds)
{
	struct history_costs costs;
	struct history *h;
	struct err err;
	char key[65];

	key_of(0, key);
	for (unsigned i = 0; i < rounds; i++) {
		double began = ms_of(CLOCK_MONOTONIC);
		double cpu = ms_of(CLOCK_PROCESS_CPUTIME_ID);
		size_t found = 0;

		if (history_db_open(&h, &err) ||
		    history_costs_load(h, key, "arm64", &costs, &err))
			give_up(err.text);
		for (size_t j = 0; j < costs.n_costs; j++)
			found += history_cost_find(
					 &costs, costs.costs[j].object) != NULL;
		printf("%zu costs read, %zu looked up: %.1f ms, CPU %.1f ms\n",
		       costs.n_costs, found, ms_of(CLOCK_MONOTONIC) - began,
		       ms_of(CLOCK_PROCESS_CPUTIME_ID) - cpu);
		history_costs_release(&costs);
		history_db_close(h);
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	unsigned n = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
	unsigned rounds = argc > 3 ? (unsigned)atoi(argv[3]) : 1;

	if (!strcmp(what, "build"))
		record_some(n, n, rounds);
	else if (!strcmp(what, "small"))
		record_some(n, 2, rounds);
	else if (!strcmp(what, "fill"))
		fill(n);
	else if (!strcmp(what, "costs"))
		look_up(n);
	else
		give_up("build, small, fill or costs");
	return 0;
}

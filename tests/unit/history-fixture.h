/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit/history-fixture.h - Builds that send the events of real ones, and a
 * history in the test's directory.
 */
#ifndef UNIT_HISTORY_PLAY_H
#define UNIT_HISTORY_PLAY_H

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "base/clock.h"
#include "history/recorder.h"

#define KEY_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KEY_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static char dir[TEMPDIR_SIZE];
static char *path;
static struct err err;

static inline void play_set_up(void)
{
	tempdir_make(dir);
	setenv("XDG_STATE_HOME", dir, 1);
	path = history_db_path();
	err = (struct err){ 0 };
}

/*
 * Wait for the end of all other threads: a checkpoint, which runs on a detached
 * thread, creates files in the directory.
 */
static inline void await_checkpoint(void)
{
	uint64_t deadline = clock_ms() + 60000;
	struct strv threads = { 0 };

	do {
		strv_release(&threads);
		usleep(1000);
		ck_assert_int_eq(fs_list("/proc/self/task", &threads), 0);
	} while (threads.n > 1 && clock_ms() < deadline);
	ck_assert_uint_eq(threads.n, 1);
	strv_release(&threads);
}

static inline void play_tear_down(void)
{
	await_checkpoint();
	free(path);
	tempdir_remove(dir);
}

struct play {
	struct events_hub *hub;
	struct history_recorder *record;
	struct strv notes;
	int64_t jobs;
	int64_t cost_ms; /* of the next units; 0: unknown */
	bool cached; /* of the next units */
};

/* Start a build; the history chooses its number if `number` is 0. */
static inline void play_start(struct play *p, const char *key, bool fresh,
			      int64_t number)
{
	struct events_event ev = events_event_make(EVENTS_KIND_BUILD);

	*p = (struct play){ .hub = events_hub_new() };
	p->record = history_recorder_new(p->hub, &p->notes);
	ev.command = "all";
	ev.arch = "arm64";
	ev.config = "defconfig";
	ev.toolchain = "gcc-12.2.0";
	ev.toolchain_id = "gcc-12.2.0-0123456789ab";
	ev.tree = "/home/a/linux";
	ev.dir = "/home/a/build";
	ev.output = "/home/a/out";
	ev.commit = "0123456789012345678901234567890123456789";
	ev.release = "6.1.192";
	ev.series_key = key;
	ev.from_scratch = fresh;
	ev.make_jobs = 8;
	ev.n_local_slots = 2;
	if (number)
		ev.history_id = number;
	events_hub_publish(p->hub, &ev);
}

static inline void play_build(struct play *p, const char *key, bool fresh)
{
	play_start(p, key, fresh, 0);
}

static inline void play_state(struct play *p, int64_t job,
			      enum events_job_state state, const char *object,
			      const char *node)
{
	struct events_event ev = events_event_make(EVENTS_KIND_JOB);
	char *file = xasprintf("%.*sc", (int)strlen(object) - 1, object);

	ev.job = job;
	ev.state = state;
	ev.file = file;
	ev.object = state == EVENTS_JOB_QUEUED ? object : NULL;
	ev.node = state == EVENTS_JOB_QUEUED ? NULL : node;
	if (state == EVENTS_JOB_DONE && p->cached) {
		ev.cached = true;
	} else if (state == EVENTS_JOB_DONE) {
		ev.remote = strcmp(node, EVENTS_LOCAL) != 0;
		ev.reason = ev.remote ? NULL : ".incbin";
		ev.cpu_ms = ev.remote ? 100 + job : EVENTS_UNKNOWN;
		if (p->cost_ms)
			ev.cost_ms = p->cost_ms;
	}
	events_hub_publish(p->hub, &ev);
	free(file);
}

/* Send the events of a whole compile. */
static inline void play_unit(struct play *p, const char *object,
			     const char *node)
{
	int64_t job = ++p->jobs;

	play_state(p, job, EVENTS_JOB_QUEUED, object, node);
	if (strcmp(node, EVENTS_LOCAL)) {
		play_state(p, job, EVENTS_JOB_SEND, object, node);
		play_state(p, job, EVENTS_JOB_RUN, object, node);
		play_state(p, job, EVENTS_JOB_RECEIVE, object, node);
	} else {
		play_state(p, job, EVENTS_JOB_RUN, object, node);
	}
	play_state(p, job, EVENTS_JOB_DONE, object, node);
}

static inline void play_phase(struct play *p, const char *name)
{
	struct events_event ev = events_event_make(EVENTS_KIND_PHASE);

	ev.text = name;
	events_hub_publish(p->hub, &ev);
}

static inline void play_diag(struct play *p, const struct history_diag *d)
{
	struct events_event ev = events_event_make(EVENTS_KIND_FOUND);

	ev.tool = d->tool;
	ev.severity = str_equal(d->severity, "error") ? EVENTS_SEV_ERROR :
							EVENTS_SEV_WARNING;
	ev.file = d->file;
	ev.flag = d->flag;
	ev.text = d->text;
	ev.object = d->object;
	ev.line = d->line ? d->line : EVENTS_UNKNOWN;
	ev.column = d->column ? d->column : EVENTS_UNKNOWN;
	ev.diag_status = d->status == HISTORY_DIAG_NO_BASELINE ?
				 NULL :
				 history_diag_status_word(d->status);
	events_hub_publish(p->hub, &ev);
}

static inline void play_size(struct play *p, const struct history_size *s)
{
	struct events_event ev = events_event_make(EVENTS_KIND_SIZE);

	ev.name = s->name;
	ev.text_bytes = s->text_bytes;
	ev.data_bytes = s->data_bytes;
	ev.bss_bytes = s->bss_bytes ? s->bss_bytes : EVENTS_UNKNOWN;
	ev.file_bytes = s->file_bytes;
	events_hub_publish(p->hub, &ev);
}

/* End a build and return its number. */
static inline int64_t play_end(struct play *p, int64_t status)
{
	struct events_event ev = events_event_make(EVENTS_KIND_DONE);
	int64_t number;

	ev.status = status;
	history_recorder_finish(p->record, &ev, &p->notes);
	number = history_recorder_build_number(p->record);
	history_recorder_free(p->record);
	events_hub_free(p->hub);
	return number;
}

/* The same, and check that there were no notes. */
static inline int64_t play_end_well(struct play *p, int64_t status)
{
	int64_t number = play_end(p, status);

	ck_assert_msg(!p->notes.n, "%s", p->notes.v ? p->notes.v[0] : "");
	ck_assert_int_gt(number, 0);
	return number;
}

/* Record a build of two units. */
static inline int64_t play_whole(const char *key)
{
	struct play p;

	play_build(&p, key, true);
	play_unit(&p, "kernel/fork.o", "neo4a");
	play_unit(&p, "init/main.o", EVENTS_LOCAL);
	return play_end_well(&p, 0);
}

static inline struct history *play_open(void)
{
	struct history *h;

	must(history_db_open(&h, &err));
	return h;
}

static inline void play_find(int64_t number, struct history_build *b)
{
	struct history *h = play_open();

	must(history_build_find(h, number, b, &err));
	history_db_close(h);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All decisions are made in step(), which runs from an event of its own.  The
 * thread at work alone touches the view that it works on, and what is
 * written; entries of the record may be added meanwhile, since what a view
 * borrows of them are strings.
 */
#include "agent/keep.h"

#include "agent/agent.h"
#include "agent/inode.h"
#include "agent/view.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/task.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE 60000 /* ms, for the next message or piece */

struct agent_keep {
	struct agent *agent;
	uint32_t number;
	struct agent_blobs *blobs; /* NULL once the client left */
	const struct agent_keep_ops *ops;
	void *ops_ctx;
	struct event *step;

	struct agent_record record;
	struct agent_view_queue views; /* one for each message, in order */
	uint32_t last; /* how many came */
	bool complete; /* the last one did */
	bool judged, there; /* all is in order; and even held already */
	bool answered;
	char *json;
	uint64_t at; /* clock_ms() when something of it was done last */

	struct agent_kept_index *index; /* what other toolchains have */
	struct agent_tool_stage *new; /* being written */

	/* What the thread does, or did. */
	struct task *task;
	struct event *task_event;
	void (*work)(struct agent_keep *k);
	void (*after)(struct agent_keep *k);
	struct agent_view *view;
	int ret;
	struct err err;
	atomic_bool stop;
};

/* ---------------------------------------------------------------- ends */

/* By a timer, so that what else is ready has its turn before each step. */
static void activate(struct agent_keep *k)
{
	static const struct timeval now;

	event_add(k->step, &now);
}

/* The state is 0 where `why` is NULL. */
static void answer(struct agent_keep *k, const char *why)
{
	struct wire_kept m = { .keep = k->number,
			       .state = why != NULL,
			       .detail = (char *)(why ? why : "") };

	if (k->answered)
		return;
	k->answered = true;
	log_info("toolchain %s: %s", k->record.id ? k->record.id : "",
		 why ? why : "kept");
	if (why)
		agent_kept_tree(k->agent->kept, k->record.id, &m.tree);
	else
		m.tree = k->record.tree;
	if (k->blobs)
		k->ops->kept(k->ops_ctx, &m);
	activate(k);
}

static void fail(struct agent_keep *k, const char *why)
{
	atomic_store(&k->stop, true);
	answer(k, why);
}

static void drop_views(struct agent_keep *k)
{
	struct agent_view *v;

	while ((v = TAILQ_FIRST(&k->views))) {
		TAILQ_REMOVE(&k->views, v, link);
		agent_view_free(v);
	}
}

static void destroy(struct agent_keep *k)
{
	drop_views(k);
	event_free(k->step);
	agent_kept_index_free(k->index);
	agent_kept_end(k->new);
	agent_record_release(&k->record);
	free(k->json);
	k->agent->n_cells--;
	k->ops->gone(k->ops_ctx, k);
	free(k);
}

/* ---------------------------------------------------------------- work */

static void on_task(evutil_socket_t fd, short what, void *arg)
{
	struct agent_keep *k = arg;

	(void)fd;
	(void)what;
	event_free(k->task_event);
	task_join(k->task);
	k->task = NULL;
	k->at = clock_ms();
	k->after(k);
	activate(k);
}

static void on_thread(void *arg)
{
	struct agent_keep *k = arg;

	k->work(k);
}

/* work(k) on a thread, then after(k). */
static void start_work(struct agent_keep *k, void (*work)(struct agent_keep *k),
		       void (*after)(struct agent_keep *k))
{
	k->work = work;
	k->after = after;
	k->ret = 0;
	k->err.text[0] = '\0';
	k->task = task_start(on_thread, k);
	if (!k->task) {
		fail(k, "no thread to be had");
		return;
	}
	k->task_event = event_new(k->agent->base, task_fd(k->task), EV_READ,
				  on_task, k);
	if (!k->task_event || event_add(k->task_event, NULL))
		str_out_of_memory();
}

static void failed_if(struct agent_keep *k)
{
	if (k->ret)
		fail(k, k->err.text);
}

/* Before anything of it is looked at: perhaps we have all of it. */
static void prepare(struct agent_keep *k)
{
	if (k->index)
		return;
	k->there = agent_kept_has(k->agent->kept, k->record.id,
				  &k->record.tree);
	k->index = agent_kept_index(k->agent->kept);
}

/* What neither the store nor another toolchain has remains lacking. */
static void look(struct agent_keep *k)
{
	struct agent_view *v = k->view;

	prepare(k);
	if (k->there) {
		v->looked = true;
		return;
	}
	k->ret = agent_view_look(v, &k->err);
	for (uint32_t i = 0; i < v->m.n && !k->ret; i++) {
		struct agent_view_entry *e = &v->entries[i];
		int ret;

		if (!e->lacks)
			continue;
		if (atomic_load(&k->stop))
			break;
		ret = agent_kept_supply(k->index, k->agent->store,
					&v->m.entries[i].inode.digest,
					v->m.entries[i].inode.size);
		e->pinned = !ret;
		e->lacks = ret != 0;
	}
}

/* NEED says what has to come for it. */
static void ask(struct agent_keep *k)
{
	struct wire_need need;
	int ret;

	if (!k->blobs || k->answered)
		return;
	ret = agent_view_ask(k->view, k->blobs, &need, &k->err);
	if (ret == -EPROTO)
		k->ops->refuse(k->ops_ctx, k->err.text);
	else if (ret)
		fail(k, k->err.text);
	else
		k->ops->need(k->ops_ctx, &need);
	wire_need_release(&need);
}

static void looked(struct agent_keep *k)
{
	failed_if(k);
	ask(k);
}

/* All messages have come: is it a toolchain, and is there room for it? */
static void judge(struct agent_keep *k)
{
	prepare(k);
	k->ret = agent_record_judge(&k->record, &k->err);
	if (!k->ret && !k->there)
		k->ret = agent_kept_begin(k->agent->kept, &k->new,
					  k->record.bytes, k->record.entries.n,
					  &k->err);
}

static void judged(struct agent_keep *k)
{
	k->judged = true;
	failed_if(k);
}

/* -EBADMSG: a blob was damaged, and `view` says whose. */
static void write_all(struct agent_keep *k)
{
	struct agent_view_target t = agent_kept_target(k->new);

	list_for_each(k->view, &k->views, link) {
		k->ret = agent_view_apply_to(k->view, &t, &k->err);
		if (k->ret)
			break;
	}
	if (k->ret == -EBADMSG)
		return;
	if (!k->ret)
		k->ret = agent_kept_publish(k->new, &k->record, k->json,
					    &k->stop, &k->err);
	/* That is no blob of the store's, which could be asked for again. */
	if (k->ret == -EBADMSG)
		k->ret = -EIO;
	agent_kept_end(k->new);
	k->new = NULL;
}

static void written(struct agent_keep *k)
{
	if (k->ret == -EBADMSG)
		ask(k);
	else if (k->ret)
		fail(k, k->err.text);
	else
		answer(k, NULL);
}

static struct agent_view *next_to_look(struct agent_keep *k)
{
	struct agent_view *v;

	list_for_each(v, &k->views, link) {
		if (!v->looked)
			return v;
	}
	return NULL;
}

/* A view whose blobs are not all here; or could not be had. */
static struct agent_view *unready(struct agent_keep *k)
{
	struct agent_view *v;

	list_for_each(v, &k->views, link) {
		if (v->failed || v->missing)
			return v;
	}
	return NULL;
}

static void work_on(struct agent_keep *k)
{
	struct agent_view *v = unready(k);

	if (v && v->failed) {
		err_set(&k->err, -v->failed,
			"the node's store: %s (see kfarmd's --store-size)",
			strerror(-v->failed));
		fail(k, k->err.text);
	} else if (k->complete && !k->judged) {
		start_work(k, judge, judged);
	} else if ((k->view = next_to_look(k))) {
		start_work(k, look, looked);
	} else if (k->judged && !v && k->there) {
		answer(k, NULL);
	} else if (k->judged && !v) {
		start_work(k, write_all, written);
	}
}

static void on_step(evutil_socket_t fd, short what, void *arg)
{
	struct agent_keep *k = arg;

	(void)fd;
	(void)what;
	if (k->task)
		return;
	if (!k->answered)
		work_on(k);
	if (k->task || !k->answered)
		return;
	drop_views(k);
	if (k->complete || !k->blobs)
		destroy(k);
}

static void on_changed(void *ctx)
{
	activate(ctx);
}

/* -------------------------------------------------------------- public */

struct agent_keep *agent_keep_new(struct agent *a, const struct wire_keep *m,
				  struct agent_blobs *blobs,
				  const struct agent_keep_ops *ops, void *ctx)
{
	struct agent_keep *k = xcalloc(1, sizeof(*k));

	k->agent = a;
	k->number = m->keep;
	k->blobs = blobs;
	k->ops = ops;
	k->ops_ctx = ctx;
	k->at = clock_ms();
	TAILQ_INIT(&k->views);
	k->step = event_new(a->base, -1, 0, on_step, k);
	if (!k->step)
		str_out_of_memory();
	/* As a cell it is waited for when kfarmd ends. */
	a->n_cells++;
	return k;
}

void agent_keep_close(struct agent_keep *k)
{
	struct agent_view *v;

	list_for_each(v, &k->views, link)
		agent_view_forget(v);
	k->blobs = NULL;
	k->answered = true;
	atomic_store(&k->stop, true);
	activate(k);
}

void agent_keep_check(struct agent_keep *k)
{
	const struct agent_view *v = unready(k);

	if (k->answered || k->task || !k->blobs)
		return;
	if (v && agent_blobs_silence(k->blobs) > PATIENCE)
		fail(k, "its files stopped coming");
	if (!v && !k->complete && clock_ms() - k->at > PATIENCE)
		fail(k, "its list stopped coming");
}

uint32_t agent_keep_number(const struct agent_keep *k)
{
	return k->number;
}

bool agent_keep_answered(const struct agent_keep *k)
{
	return k->answered;
}

/*
 * What of a KEEP has to be copied into a cell's manner of speaking.  The names
 * are borrowed from the record, whose last entries are those of the message.
 */
static void add_view(struct agent_keep *k, uint32_t n)
{
	const struct compiler_entry *from = k->record.entries.v +
					    k->record.entries.n - n;
	const char **names = xcalloc(n + 1, sizeof(*names));
	struct wire_view m = { .cell = k->number | WIRE_NEED_KEEP,
			       .view = k->last,
			       .part = WIRE_PART_TREE,
			       .n = n };
	struct agent_view *v;

	m.entries = xcalloc(n + 1, sizeof(*m.entries));
	for (uint32_t i = 0; i < n; i++) {
		names[i] = from[i].path;
		m.entries[i].inode = agent_inode_of(&from[i]);
		if (from[i].target)
			m.entries[i].inode.target = xstrdup(from[i].target);
	}
	v = agent_view_new_named(&m, names, k->agent->store);
	v->changed = on_changed;
	v->ctx = k;
	v->stop = &k->stop;
	TAILQ_INSERT_TAIL(&k->views, v, link);
	free(names);
}

/* What cannot be kept is refused before anything of it is asked for. */
static bool is_for_us(struct agent_keep *k, const struct wire_keep *m)
{
	char *why;

	if (strv_has(&k->agent->hosts, m->host))
		return true;
	why = xasprintf("%s is for %s, which this node does not run"
			" (see kfarmd's --host)",
			m->id, m->host);
	fail(k, why);
	free(why);
	return false;
}

int agent_keep_take(struct agent_keep *k, struct wire_keep *m, struct err *err)
{
	uint32_t n = m->n;

	if (!m->n && !m->last)
		return err_set(err, EPROTO, "a KEEP without any file");
	if (k->complete)
		return err_set(err, EPROTO,
			       "more of toolchain %u, which is"
			       " complete",
			       k->number);
	k->complete = m->last;
	k->at = clock_ms();
	activate(k);
	if (k->answered)
		return 0;
	k->last++;
	if (agent_record_take(&k->record, m, err)) {
		fail(k, err->text);
	} else if (is_for_us(k, m)) {
		add_view(k, n);
		if (m->last) {
			k->json = m->json;
			m->json = NULL;
		}
	}
	return 0;
}

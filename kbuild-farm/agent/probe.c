/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One thread at a time identifies one compiler.  A question is looked at
 * when it comes and each time that thread ends: compilers of its very name
 * first, then those of the same stem.  It is answered by the first that has
 * the identity, or when all are known.
 */
#include "agent/probe.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/list.h"
#include "base/task.h"
#include "toolchain/find.h"
#include "toolchain/ident.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_AGAIN_MS 1000
#define TRY_AGAIN_MS  10000 /* a compiler that could not be identified */
#define SCAN_AGAIN_MS 1000

struct compiler {
	char *name;
	char *path;
	enum {
		UNKNOWN,
		KNOWN,
		BROKEN
	} state;
	struct toolchain_ident ident; /* of a KNOWN one */
	struct digest stamp; /* of its files */
	char *trouble; /* of a BROKEN one */
	uint64_t looked; /* clock_ms() of the last look at the files */
};

struct question {
	TAILQ_ENTRY(question) link;
	uint32_t seq;
	char *name;
	struct digest id;
	agent_probe_fn *fn;
	void *ctx;
};

/* What the thread works on, and alone touches meanwhile. */
struct work {
	char *path;
	struct toolchain_ident ident;
	struct digest stamp;
	struct err err;
	int ret;
};

struct agent_probe {
	struct event_base *base;
	const char *path;
	const struct strv *given;
	struct compiler **v;
	size_t n;
	uint64_t scanned;
	TAILQ_HEAD(, question) questions;
	struct task *task; /* NULL when no thread works */
	struct event *task_event;
	struct work work;
};

static void settle_all(struct agent_probe *p);

static void forget(struct compiler *c)
{
	toolchain_ident_release(&c->ident);
	free(c->trouble);
	c->trouble = NULL;
	c->state = UNKNOWN;
}

static void add(struct agent_probe *p, const struct toolchain_found *f)
{
	struct compiler *c;

	for (size_t i = 0; i < p->n; i++) {
		if (str_equal(p->v[i]->path, f->path))
			return;
	}
	c = xcalloc(1, sizeof(*c));
	c->name = xstrdup(f->name);
	c->path = xstrdup(f->path);
	p->v = xrealloc(p->v, (p->n + 1) * sizeof(*p->v));
	p->v[p->n++] = c;
}

static void add_path(struct agent_probe *p, const char *path)
{
	struct toolchain_list list;

	toolchain_find(&list, path);
	for (size_t i = 0; i < list.n; i++) {
		if (list.v[i].is_elf)
			add(p, &list.v[i]);
	}
	toolchain_list_release(&list);
}

static int add_given(struct agent_probe *p, const char *given, struct err *err)
{
	char *whole = fs_absolute(given), *dir = str_dir(whole);
	const struct toolchain_found *f;
	struct toolchain_list list;
	int ret = 0;

	if (fs_is_dir(whole)) {
		size_t before = p->n;

		add_path(p, whole);
		if (p->n == before)
			ret = err_set(err, ENOENT, "%s: no compilers in it",
				      given);
	} else {
		toolchain_find(&list, dir);
		f = toolchain_list_get(&list, str_base(whole));
		if (f && f->is_elf)
			add(p, f);
		else
			ret = err_set(err, ENOENT, "%s: not a compiler", given);
		toolchain_list_release(&list);
	}
	free(dir);
	free(whole);
	return ret;
}

static int scan(struct agent_probe *p, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < p->given->n && !ret; i++)
		ret = add_given(p, p->given->v[i], err);
	if (!ret)
		add_path(p, p->path);
	p->scanned = clock_ms();
	return ret;
}

int agent_probe_new(struct agent_probe **out, struct event_base *base,
		    const char *path, const struct strv *given, struct err *err)
{
	struct agent_probe *p = xcalloc(1, sizeof(*p));
	int ret;

	p->base = base;
	p->path = path;
	p->given = given;
	TAILQ_INIT(&p->questions);
	ret = scan(p, err);
	if (ret)
		agent_probe_free(p);
	else
		*out = p;
	return ret;
}

bool agent_probe_free(struct agent_probe *p)
{
	if (p->task)
		return false;
	while (!TAILQ_EMPTY(&p->questions))
		agent_probe_cancel(p, TAILQ_FIRST(&p->questions)->ctx);
	for (size_t i = 0; i < p->n; i++) {
		forget(p->v[i]);
		free(p->v[i]->name);
		free(p->v[i]->path);
		free(p->v[i]);
	}
	free(p->v);
	free(p);
	return true;
}

void agent_probe_names(const struct agent_probe *p, struct strv *out)
{
	for (size_t i = 0; i < p->n; i++) {
		if (!strv_has(out, p->v[i]->name))
			strv_add(out, p->v[i]->name);
	}
	strv_sort(out);
}

/*
 * The stamp is right only if nothing changed since the digests were made:
 * what the second identification finds in the memo was there all the time.
 */
static void work_main(void *arg)
{
	struct work *w = arg;
	struct toolchain_ident again;

	w->ret = toolchain_identify(&w->ident, w->path, &w->err);
	if (w->ret)
		return;
	toolchain_ident_stamp(&w->ident.files, &w->stamp);
	w->ret = toolchain_identify(&again, w->path, &w->err);
	if (!w->ret && !digest_equal(&again.id, &w->ident.id))
		w->ret = err_set(&w->err, EAGAIN, "%s: is being changed",
				 w->path);
	toolchain_ident_release(&again);
	if (w->ret)
		toolchain_ident_release(&w->ident);
}

static void take_work(struct compiler *c, struct work *w)
{
	forget(c);
	c->looked = clock_ms();
	if (w->ret) {
		c->state = BROKEN;
		c->trouble = xstrdup(w->err.text);
	} else {
		c->state = KNOWN;
		c->ident = w->ident;
		c->stamp = w->stamp;
	}
}

static void on_work_done(evutil_socket_t fd, short what, void *arg)
{
	struct agent_probe *p = arg;

	(void)fd;
	(void)what;
	event_free(p->task_event);
	task_join(p->task);
	p->task = NULL;
	for (size_t i = 0; i < p->n; i++) {
		if (str_equal(p->v[i]->path, p->work.path))
			take_work(p->v[i], &p->work);
	}
	free(p->work.path);
	settle_all(p);
}

static void start_work(struct agent_probe *p, struct compiler *c)
{
	if (p->task)
		return;
	p->work = (struct work){ .path = xstrdup(c->path) };
	p->task = task_start(work_main, &p->work);
	if (!p->task) {
		p->work.ret = err_set(&p->work.err, EAGAIN,
				      "no thread could be started");
		take_work(c, &p->work);
		free(p->work.path);
		return;
	}
	p->task_event = event_new(p->base, task_fd(p->task), EV_READ,
				  on_work_done, p);
	if (!p->task_event || event_add(p->task_event, NULL))
		str_out_of_memory();
}

/* Is what we know of it still so?  Looks when the last look is `ms` ago. */
static void look(struct compiler *c, uint64_t ms)
{
	uint64_t now = clock_ms();
	struct digest stamp;

	if (c->state == BROKEN && now - c->looked >= TRY_AGAIN_MS)
		forget(c);
	if (c->state != KNOWN || now - c->looked < ms)
		return;
	c->looked = now;
	toolchain_ident_stamp(&c->ident.files, &stamp);
	if (!digest_equal(&stamp, &c->stamp))
		forget(c);
}

static bool same_stem(const char *a, const char *b)
{
	size_t n = toolchain_name_stem(a);

	return n == toolchain_name_stem(b) && !memcmp(a, b, n);
}

/* Does compiler `c` come up in round 0 (its very name) or 1 (its stem)? */
static bool in_round(const struct compiler *c, const char *name, int round)
{
	bool exact = str_equal(c->name, name);

	return round ? !exact && same_stem(c->name, name) : exact;
}

static void describe(struct buf *out, const struct compiler *c)
{
	char hex[DIGEST_HEX];

	if (out->len)
		buf_add_str(out, "; ");
	if (c->state == BROKEN) {
		buf_printf(out, "%s: %s", c->name, c->trouble);
		return;
	}
	digest_hex(&c->ident.id, hex);
	buf_printf(out, "%s %s for %s, identity %.12s", c->name,
		   c->ident.version, c->ident.machine, hex);
}

static void answer(struct agent_probe *p, struct question *q,
		   enum wire_have_state state, const char *detail)
{
	TAILQ_REMOVE(&p->questions, q, link);
	q->fn(q->ctx, q->seq, state, detail);
	free(q->name);
	free(q);
}

/* True when `q` was answered, or waits for the thread. */
static bool settle_round(struct agent_probe *p, struct question *q, int round,
			 struct buf *others)
{
	for (size_t i = 0; i < p->n; i++) {
		struct compiler *c = p->v[i];

		if (!in_round(c, q->name, round))
			continue;
		if (c->state == UNKNOWN)
			start_work(p, c);
		if (c->state == UNKNOWN)
			return true;
		if (c->state == KNOWN && digest_equal(&c->ident.id, &q->id)) {
			buf_reset(others);
			describe(others, c);
			answer(p, q, WIRE_HAVE_SAME, buf_str(others));
			return true;
		}
		describe(others, c);
	}
	return false;
}

static void settle(struct agent_probe *p, struct question *q)
{
	struct buf others = { 0 };

	if (settle_round(p, q, 0, &others) || settle_round(p, q, 1, &others))
		;
	else if (others.len)
		answer(p, q, WIRE_HAVE_OTHER, buf_str(&others));
	else
		answer(p, q, WIRE_HAVE_MISSING, "no compiler of that name");
	buf_release(&others);
}

static void settle_all(struct agent_probe *p)
{
	struct question *q, *next;

	list_for_each_safe(q, &p->questions, link, next)
		settle(p, q);
}

/* Looks again at all that the question is about: how many are there? */
static size_t look_at_all(struct agent_probe *p, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (!same_stem(p->v[i]->name, name))
			continue;
		look(p->v[i], 0);
		n++;
	}
	return n;
}

void agent_probe_ask(struct agent_probe *p, const struct wire_ask *m,
		     agent_probe_fn *fn, void *ctx)
{
	struct question *q = xcalloc(1, sizeof(*q));
	struct err ignored;

	*q = (struct question){
		.seq = m->seq,
		.name = xstrdup(m->name),
		.id = m->id,
		.fn = fn,
		.ctx = ctx,
	};
	TAILQ_INSERT_TAIL(&p->questions, q, link);
	/* It may have been installed since. */
	if (!look_at_all(p, m->name) && clock_ms() - p->scanned > SCAN_AGAIN_MS)
		scan(p, &ignored);
	settle(p, q);
}

size_t agent_probe_waiting(const struct agent_probe *p, const void *ctx)
{
	const struct question *q;
	size_t n = 0;

	list_for_each(q, &p->questions, link)
		n += q->ctx == ctx;
	return n;
}

void agent_probe_cancel(struct agent_probe *p, const void *ctx)
{
	struct question *q, *next;

	list_for_each_safe(q, &p->questions, link, next) {
		if (q->ctx != ctx)
			continue;
		TAILQ_REMOVE(&p->questions, q, link);
		free(q->name);
		free(q);
	}
}

char *agent_probe_driver(struct agent_probe *p, const struct digest *id,
			 bool *is_clang)
{
	for (size_t i = 0; i < p->n; i++) {
		struct compiler *c = p->v[i];

		if (c->state != KNOWN || !digest_equal(&c->ident.id, id))
			continue;
		look(c, LOOK_AGAIN_MS);
		if (c->state != KNOWN)
			continue;
		*is_clang = c->ident.is_clang;
		return xstrdup(c->path);
	}
	return NULL;
}

bool agent_probe_still(struct agent_probe *p, const struct digest *id,
		       const char *driver)
{
	for (size_t i = 0; i < p->n; i++) {
		struct compiler *c = p->v[i];

		if (!str_equal(c->path, driver))
			continue;
		look(c, 0);
		return c->state == KNOWN && digest_equal(&c->ident.id, id);
	}
	return false;
}

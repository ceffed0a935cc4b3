/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kfarmd/input-sink.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/task.h"
#include "base/vec.h"
#include "compiler/manifest.h"
#include "kfarmd/input-update.h"
#include "kfarmd/kfarmd.h"
#include "kfarmd/native-toolchain.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

/*
 * on_work_due() starts the next operation of a sink.  If the sink has ended or
 * is shut, and neither a job nor a thread uses it, on_work_due() frees the
 * sink.  Only the sink's timer event calls on_work_due(): other functions of
 * the sink must not free it, because their callers can still use it.  While
 * `task` is set, only the thread of `task` accesses `update` and the sink's
 * files.
 */

static void send_have_state(struct kfarmd_input_sink *p,
			    enum wire_have_state state, const char *detail)
{
	struct wire_have m = { .cell = p->number,
			       .state = (uint8_t)state,
			       .detail = (char *)detail };
	struct buf body = { 0 };

	if (!p->blobs)
		return;
	wire_have_encode_at(&body, &m, p->version);
	p->ops->send(p->ops_ctx, WIRE_HAVE, &body);
}

/*
 * Let the event loop call on_work_due().  `work_event` is a timer event, so the
 * loop handles other events between two operations.
 */
static void schedule_work(struct kfarmd_input_sink *p)
{
	static const struct timeval now;

	event_add(p->work_event, &now);
}

/* Free all updates; no thread may be running an operation of the sink. */
static void free_all_updates(struct kfarmd_input_sink *p)
{
	struct kfarmd_input_update_queue *const queues[] = { &p->pending,
							     &p->toolchain };
	struct kfarmd_input_update *v;

	for (size_t i = 0; i < ARRAY_SIZE(queues); i++) {
		while ((v = TAILQ_FIRST(queues[i]))) {
			TAILQ_REMOVE(queues[i], v, entry);
			kfarmd_input_update_free(v);
		}
	}
	p->n_pending = 0;
	p->n_pending_entries = 0;
}

static void notify_changed(struct kfarmd_input_sink *p)
{
	if (p->type->on_changed)
		p->type->on_changed(p);
}

/* End the sink and notify the client. */
static void fail_sink(struct kfarmd_input_sink *p, const char *why)
{
	bool was_ready = p->state == KFARMD_INPUT_SINK_READY;

	if (p->state == KFARMD_INPUT_SINK_ENDED)
		return;
	log_info("%s %u %s: %s", p->type->name, p->number,
		 was_ready ? "lost" : "refused", why);
	p->state = KFARMD_INPUT_SINK_ENDED;
	send_have_state(p, was_ready ? WIRE_HAVE_LOST : WIRE_HAVE_REFUSED, why);
	notify_changed(p);
	schedule_work(p);
}

static int pin_update_blobs(struct kfarmd_input_sink *p, struct err *err)
{
	return p->type->pin_blobs ?
		       p->type->pin_blobs(p, p->update, err) :
		       kfarmd_input_update_pin_blobs(p->update, err);
}

/*
 * Apply the update p->update.  Returns -EBADMSG if a blob is damaged and can be
 * requested again.
 */
static int apply_update(struct kfarmd_input_sink *p, struct err *err)
{
	return p->type->apply(p, p->update, err);
}

static void on_work_finished(void *arg)
{
	struct kfarmd_input_sink *p = arg;

	p->task = NULL;
	p->activity_ms = clock_ms();
	if (p->ret && !(p->ret == -EBADMSG && p->work == apply_update))
		fail_sink(p, p->err.text);
	else if (p->state != KFARMD_INPUT_SINK_ENDED && p->on_work_done)
		p->on_work_done(p);
	schedule_work(p);
}

static void run_sink_work(void *arg)
{
	struct kfarmd_input_sink *p = arg;

	p->ret = p->work(p, &p->err);
}

/*
 * Run work(p) on a separate thread, or in the event loop if `little` is set or
 * no thread can be created.  If work(p) fails, end the sink.  Otherwise call
 * after(p) in the event loop, unless `after` is NULL or the sink has ended.
 * -EBADMSG of apply_update() does not count as a failure.
 */
static void start_work(struct kfarmd_input_sink *p, bool little,
		       int (*work)(struct kfarmd_input_sink *p,
				   struct err *err),
		       void (*after)(struct kfarmd_input_sink *p))
{
	p->work = work;
	p->on_work_done = after;
	p->err.text[0] = '\0';
	if (!little)
		p->task = task_start_notify(p->daemon->base, run_sink_work,
					    on_work_finished, p);
	if (!p->task) {
		run_sink_work(p);
		on_work_finished(p);
	}
}

static void on_validated(struct kfarmd_input_sink *p)
{
	p->validated = true;
}

/* Send NEED for the missing blobs of the update. */
static void request_update_blobs(struct kfarmd_input_sink *p)
{
	struct wire_need need;
	struct buf body = { 0 };
	int ret;

	if (!p->blobs)
		return;
	ret = kfarmd_input_update_request_blobs(p->update, p->blobs, &need,
						&p->err);
	if (ret == -EPROTO) {
		p->ops->on_protocol_error(p->ops_ctx, p->err.text);
	} else if (ret) {
		fail_sink(p, p->err.text);
	} else {
		wire_need_encode_at(&body, &need, p->version);
		p->ops->send(p->ops_ctx, WIRE_NEED, &body);
	}
	wire_need_release(&need);
}

static void on_finished(struct kfarmd_input_sink *p)
{
	p->state = p->type->all_or_nothing ? KFARMD_INPUT_SINK_ENDED :
					     KFARMD_INPUT_SINK_READY;
	send_have_state(p, WIRE_HAVE_READY, p->detail);
	notify_changed(p);
}

static void on_applied(struct kfarmd_input_sink *p)
{
	struct kfarmd_input_update *v = p->update;
	enum wire_part part = (enum wire_part)v->m.part;

	if (p->ret == -EBADMSG) {
		request_update_blobs(p);
		return;
	}
	TAILQ_REMOVE(&p->pending, v, entry);
	p->n_pending--;
	p->n_pending_entries -= v->m.n_entries;
	p->last_applied = v->m.view;
	if (part == WIRE_PART_SOURCES)
		kfarmd_input_update_free(v);
	else
		TAILQ_INSERT_TAIL(&p->toolchain, v, entry);
	if (part == WIRE_PART_TOOLCHAIN_END)
		start_work(p, false, p->type->finish, on_finished);
	else
		notify_changed(p);
}

static void continue_updates(struct kfarmd_input_sink *p)
{
	struct kfarmd_input_update *v = TAILQ_FIRST(&p->pending);
	char *why;

	if (p->type->all_or_nothing && !p->complete)
		return;
	if (v && v->error) {
		why = kfarmd_input_update_explain(v, "node store");
		fail_sink(p, why);
		free(why);
	} else if (p->type->validate && p->complete && !p->validated) {
		start_work(p, false, p->type->validate, on_validated);
	} else if (v && v->blobs_pinned && !v->n_missing) {
		p->update = v;
		start_work(p, kfarmd_input_update_is_small(v), apply_update,
			   on_applied);
	} else {
		while (v && v->blobs_pinned)
			v = TAILQ_NEXT(v, entry);
		if (!v)
			return;
		p->update = v;
		start_work(p, kfarmd_input_update_is_small(v), pin_update_blobs,
			   request_update_blobs);
	}
}

static void on_work_due(evutil_socket_t fd, short what, void *arg)
{
	struct kfarmd_input_sink *p = arg;
	bool ended = p->state == KFARMD_INPUT_SINK_ENDED;

	(void)fd;
	(void)what;
	if (p->task)
		return;
	if (ended)
		free_all_updates(p);
	if ((p->type->is_used && p->type->is_used(p)) || (!ended && !p->shut)) {
		if (!ended)
			continue_updates(p);
		return;
	}
	free_all_updates(p);
	event_free(p->work_event);
	p->daemon->n_active--;
	p->ops->on_freed(p->ops_ctx, p);
	p->type->free(p);
}

static void on_update_changed(void *ctx)
{
	schedule_work(ctx);
}

void kfarmd_input_sink_init(struct kfarmd_input_sink *p,
			    const struct kfarmd_input_sink_type *kind,
			    struct kfarmd *a, uint32_t number,
			    struct kfarmd_blobs *blobs,
			    const struct kfarmd_input_sink_ops *ops, void *ctx)
{
	p->type = kind;
	p->daemon = a;
	p->number = number;
	p->blobs = blobs;
	p->ops = ops;
	p->ops_ctx = ctx;
	TAILQ_INIT(&p->pending);
	TAILQ_INIT(&p->toolchain);
	p->work_event = event_new(a->base, -1, 0, on_work_due, p);
	if (!p->work_event)
		str_out_of_memory();
	a->n_active++;
	start_work(p, false, kind->open, kind->on_opened);
}

void kfarmd_input_sink_close(struct kfarmd_input_sink *p)
{
	struct kfarmd_input_update *v;

	list_for_each(v, &p->pending, entry)
		kfarmd_input_update_cancel_waits(v);
	p->blobs = NULL;
	p->shut = true;
	atomic_store(&p->stop_requested, true);
	p->state = KFARMD_INPUT_SINK_ENDED;
	notify_changed(p);
	schedule_work(p);
}

void kfarmd_input_sink_shut(struct kfarmd_input_sink *p)
{
	p->shut = true;
	if (p->type->all_or_nothing)
		atomic_store(&p->stop_requested, true);
	schedule_work(p);
}

void kfarmd_input_sink_check_timeout(struct kfarmd_input_sink *p)
{
	const struct kfarmd_input_update *v = TAILQ_FIRST(&p->pending);

	if (!p->blobs || p->task)
		return;
	if (v && v->n_missing &&
	    kfarmd_blobs_idle_ms(p->blobs) > KFARMD_BLOBS_IDLE_MAX_MS)
		fail_sink(p, "timed out waiting for input files");
	if ((!v || p->type->all_or_nothing) && !p->complete &&
	    clock_ms() - p->activity_ms > KFARMD_BLOBS_IDLE_MAX_MS)
		fail_sink(p, "timed out waiting for the toolchain");
}

bool kfarmd_input_sink_is_open(const struct kfarmd_input_sink *p)
{
	return p->state != KFARMD_INPUT_SINK_ENDED && !p->shut;
}

int kfarmd_input_sink_add_update(struct kfarmd_input_sink *p,
				 struct wire_view *m,
				 const struct wire_intern *paths,
				 struct err *err)
{
	struct kfarmd_input_update *v;

	if (!kfarmd_input_sink_is_open(p))
		return 0;
	if (m->view != p->last_received + 1)
		return err_set(err, EPROTO,
			       "VIEW %u of %s %u: out of order after VIEW %u",
			       m->view, p->type->name, p->number,
			       p->last_received);
	if (m->part != WIRE_PART_SOURCES && p->complete)
		return err_set(err, EPROTO,
			       "VIEW: toolchain is already complete");
	/*
	 * Reject an empty VIEW.  The sink retains the updates of its toolchain
	 * in memory, and the limits on a toolchain do not count empty updates.
	 */
	if (!m->n_entries && m->part != WIRE_PART_TOOLCHAIN_END)
		return err_set(err, EPROTO, "VIEW: no entries");
	if (p->n_pending >= KFARMD_INPUT_SINK_UPDATES_MAX ||
	    p->n_pending_entries + m->n_entries > KFARMD_INPUT_SINK_ENTRIES_MAX)
		return err_set(err, EPROTO,
			       "%s %u: too many pending input updates",
			       p->type->name, p->number);
	v = kfarmd_input_update_new(m, paths, p->daemon->store, err);
	if (!v)
		return -EPROTO;
	v->on_changed = on_update_changed;
	v->ctx = p;
	v->stop_requested = &p->stop_requested;
	p->last_received = v->m.view;
	p->complete |= v->m.part == WIRE_PART_TOOLCHAIN_END;
	p->activity_ms = clock_ms();
	TAILQ_INSERT_TAIL(&p->pending, v, entry);
	p->n_pending++;
	p->n_pending_entries += v->m.n_entries;
	if (p->type->accept(p, v, err))
		fail_sink(p, err->text);
	schedule_work(p);
	return 0;
}

static struct kfarmd_sandbox *to_sandbox(struct kfarmd_input_sink *p)
{
	/* `sink` is the first member. */
	return (struct kfarmd_sandbox *)(void *)p;
}

static void notify_if_decided(struct kfarmd_sandbox_user *u)
{
	const struct kfarmd_input_sink *p = &u->sandbox->sink;
	bool ended = p->state == KFARMD_INPUT_SINK_ENDED;

	if (!ended && (p->state != KFARMD_INPUT_SINK_READY ||
		       u->update_number > p->last_applied))
		return;
	u->waiting = false;
	u->on_ready(u->ctx, ended ? "sandbox lost" : NULL);
}

static void notify_sandbox_users(struct kfarmd_input_sink *p)
{
	struct kfarmd_sandbox_user *u, *next;

	list_for_each_safe(u, &to_sandbox(p)->users, entry, next) {
		if (u->waiting)
			notify_if_decided(u);
	}
}

static bool has_sandbox_users(const struct kfarmd_input_sink *p)
{
	return !TAILQ_EMPTY(
		&((const struct kfarmd_sandbox *)(const void *)p)->users);
}

static void free_sandbox(struct kfarmd_input_sink *p)
{
	struct kfarmd_sandbox *c = to_sandbox(p);

	if (c->read_event)
		event_free(c->read_event);
	sandbox_free(c->sandbox);
	kfarmd_toolchains_release_lease(&c->lease);
	wire_cell_release(&c->request);
	free(c);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct kfarmd_sandbox *c = arg;

	(void)fd;
	(void)what;
	sandbox_handle_messages(c->sandbox);
}

/*
 * Called when the sandbox init (the sandbox's PID 1) has died, after on_done()
 * of each run in the sandbox.
 */
static void on_lost(void *ctx, const char *why)
{
	struct kfarmd_sandbox *c = ctx;

	event_del(c->read_event);
	fail_sink(&c->sink, why);
}

static int create_sandbox(struct kfarmd_input_sink *p, struct err *err)
{
	struct kfarmd_sandbox *c = to_sandbox(p);
	struct sandbox_setup setup = {
		.client_roots = (const char *const *)c->request.client_roots.v,
		.limits = p->daemon->sandbox_limits,
		.on_lost = on_lost,
		.ctx = c,
	};

	return sandbox_new(&c->sandbox, &setup, err);
}

static void watch_sandbox(struct kfarmd_input_sink *p)
{
	struct kfarmd_sandbox *c = to_sandbox(p);

	c->read_event = event_new(p->daemon->base, sandbox_fd(c->sandbox),
				  EV_READ | EV_PERSIST, on_readable, c);
	if (!c->read_event || event_add(c->read_event, NULL))
		str_out_of_memory();
}

static int check_sandbox_limits(struct kfarmd_input_sink *p,
				const struct kfarmd_input_update *v,
				struct err *err)
{
	struct kfarmd_sandbox *c = to_sandbox(p);

	if (v->m.part != WIRE_PART_SOURCES)
		c->n_toolchain_entries += v->m.n_entries;
	if (kfarmd_input_update_remaining_bytes(v) >
	    p->daemon->sandbox_limits.input_root_bytes)
		return err_set(err, ENOMEM,
			       "inputs too large for the memory of the node");
	if (c->n_toolchain_entries > COMPILER_ENTRIES_MAX)
		return err_set(err, E2BIG, "too many files in the toolchain");
	return 0;
}

static int apply_to_sandbox(struct kfarmd_input_sink *p,
			    struct kfarmd_input_update *v, struct err *err)
{
	struct kfarmd_sandbox *c = to_sandbox(p);
	int ret = kfarmd_input_update_check_memory(
		kfarmd_input_update_remaining_bytes(v), &c->unchecked_bytes, "",
		err);

	return ret ? ret :
		     kfarmd_input_update_apply(v, kfarmd_entry_put, c->sandbox,
					       err);
}

static int freeze_sandbox(struct kfarmd_input_sink *p, struct err *err)
{
	struct kfarmd_sandbox *c = to_sandbox(p);
	struct digest id = { 0 };
	char *driver;
	int ret;

	if (*c->request.installed_id) {
		/*
		 * Take the compiler from the node's disk instead of from
		 * updates.
		 */
		driver = kfarmd_input_update_resolve_driver(&p->toolchain,
							    &c->request);
		ret = kfarmd_native_toolchain_put(c, driver, &id, err);
		digest_format(&id, p->detail);
		free(driver);
	} else {
		ret = kfarmd_input_update_check_identity(&p->toolchain,
							 &c->request, err);
	}
	return ret ? ret : sandbox_freeze(c->sandbox, c->request.driver, err);
}

static const struct kfarmd_input_sink_type sandbox_sink_type = {
	.name = "sandbox",
	.open = create_sandbox,
	.on_opened = watch_sandbox,
	.accept = check_sandbox_limits,
	.apply = apply_to_sandbox,
	.finish = freeze_sandbox,
	.on_changed = notify_sandbox_users,
	.is_used = has_sandbox_users,
	.free = free_sandbox,
};

struct kfarmd_input_sink *kfarmd_sandbox_new(
	struct kfarmd *a, struct wire_cell *m, struct kfarmd_blobs *blobs,
	const struct kfarmd_input_sink_ops *ops, void *ctx)
{
	struct kfarmd_sandbox *c = xcalloc(1, sizeof(*c));

	c->lease.fd = -1;
	c->request = *m;
	*m = (struct wire_cell){ 0 };
	TAILQ_INIT(&c->users);
	kfarmd_input_sink_init(&c->sink, &sandbox_sink_type, a, c->request.cell,
			       blobs, ops, ctx);
	return &c->sink;
}

struct kfarmd_sandbox *kfarmd_sandbox_from_sink(struct kfarmd_input_sink *p)
{
	return p->type == &sandbox_sink_type ? to_sandbox(p) : NULL;
}

void kfarmd_sandbox_add_user(struct kfarmd_sandbox *c,
			     struct kfarmd_sandbox_user *u)
{
	u->sandbox = c;
	u->waiting = true;
	TAILQ_INSERT_TAIL(&c->users, u, entry);
	notify_if_decided(u);
}

void kfarmd_sandbox_remove_user(struct kfarmd_sandbox_user *u)
{
	struct kfarmd_sandbox *c = u->sandbox;

	if (!c)
		return;
	TAILQ_REMOVE(&c->users, u, entry);
	u->sandbox = NULL;
	u->waiting = false;
	schedule_work(&c->sink);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/top-sources.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/format.h"
#include "base/fs.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/version.h"
#include "coord/report-events.h"
#include "events/client.h"
#include "events/reader.h"
#include "inputs/path.h"
#include "kernel/rundir.h"
#include "node/pool.h"
#include "peer/blob-upload.h"
#include "peer/peer.h"
#include "store/packed-cache.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void top_init(struct top *t, struct event_base *base, const struct top_ops *ops,
	      void *ctx)
{
	*t = (struct top){ .base = base, .ops = ops, .ctx = ctx };
	TAILQ_INIT(&t->pages);
}

uint64_t top_page_now_ms(const struct top_page *p)
{
	if (p->ended || p->model.done)
		return p->model.at_ms;
	return p->base_ms + (clock_ms() - p->since_ms) * p->speed_milli / 1000;
}

bool top_is_complete(const struct top *t)
{
	const struct top_page *p;

	list_for_each(p, &t->pages, entry) {
		if (!p->complete)
			return false;
	}
	return true;
}

void top_page_end(struct top *t, struct top_page *p, const char *why)
{
	p->ended = p->complete = true;
	free(p->end_reason);
	p->end_reason = why ? xstrdup(why) : NULL;
	if (t->ops->on_page_ended)
		t->ops->on_page_ended(t->ctx, p);
}

/*
 * Add a page whose build time starts at 0 and runs in real time.  Returns the
 * page, which `t` owns.
 */
static struct top_page *add_page(struct top *t, pid_t pid)
{
	struct top_page *p = xcalloc(1, sizeof(*p));

	p->pid = pid;
	p->speed_milli = 1000;
	p->since_ms = clock_ms();
	ui_model_init(&p->model);
	TAILQ_INSERT_TAIL(&t->pages, p, entry);
	t->n_pages++;
	if (t->ops->on_page_added)
		t->ops->on_page_added(t->ctx, p);
	return p;
}

/* Remove and free a page. */
static void remove_page(struct top *t, struct top_page *p)
{
	TAILQ_REMOVE(&t->pages, p, entry);
	t->n_pages--;
	if (t->ops->on_page_removed)
		t->ops->on_page_removed(t->ctx, p);
	ui_model_release(&p->model);
	free(p->end_reason);
	free(p);
}

/*
 * Add an event to the model, and advance the page's clock to the event's time.
 */
static void add_event(struct top *t, struct top_page *p,
		      const struct events_event *ev)
{
	uint64_t now = clock_ms();

	/* A snapshot has older events, which must not set back the clock. */
	if (p->speed_milli == 1000 && ev->at_ms > top_page_now_ms(p)) {
		p->base_ms = ev->at_ms;
		p->since_ms = now;
	}
	ui_model_add_event(&p->model, ev);
	p->complete |= ev->kind == EVENTS_KIND_LIVE ||
		       ev->kind == EVENTS_KIND_DONE;
	if (t->ops->on_page_event)
		t->ops->on_page_event(t->ctx, p, ev);
}

/*
 * Add an event that kfarm top has created, and pass it, encoded as a JSON line,
 * to on_page_line().
 */
static void add_made_event(struct top *t, struct top_page *p,
			   const struct events_event *ev)
{
	struct buf line = { 0 };

	add_event(t, p, ev);
	if (!t->ops->on_page_line)
		return;
	events_encode(&line, ev);
	t->ops->on_page_line(t->ctx, p, bytes_of(line.data, line.len - 1));
	buf_release(&line);
}

void top_release(struct top *t)
{
	while (!TAILQ_EMPTY(&t->pages))
		remove_page(t, TAILQ_FIRST(&t->pages));
}

/*
 * A build that has a socket.  After the build has ended, the entry remains
 * until the run directory of the build is removed, so that kfarm top does not
 * connect to the build again.  A later build can have a directory of the
 * same name, but its socket has another inode.
 */
struct running_build {
	TAILQ_ENTRY(running_build) entry;
	struct top_builds *builds;
	struct top_page *page; /* NULL: the build has ended */
	struct events_client *client; /* NULL: the stream has ended */
	char *dir; /* path of its run directory */
	ino_t inode; /* inode of its socket */
};

struct top_builds {
	struct top *top;
	TAILQ_HEAD(, running_build) builds;
	unsigned n_running;
};

static void on_build_event(void *ctx, const struct events_event *ev)
{
	struct running_build *b = ctx;

	add_event(b->builds->top, b->page, ev);
}

static void on_line(void *ctx, struct bytes line)
{
	struct running_build *b = ctx;
	struct top *t = b->builds->top;

	if (t->ops->on_page_line)
		t->ops->on_page_line(t->ctx, b->page, line);
}

/* Empty the model before a new snapshot. */
static void on_build_snapshot(void *ctx)
{
	struct running_build *b = ctx;
	struct top *t = b->builds->top;

	ui_model_release(&b->page->model);
	ui_model_init(&b->page->model);
	b->page->complete = false;
	if (t->ops->on_page_reset)
		t->ops->on_page_reset(t->ctx, b->page);
}

/* End the page of a build; `why` is NULL after a normal end. */
static void end_build_page(struct running_build *b, const char *why)
{
	struct top_page *page = b->page;

	b->page = NULL;
	top_page_end(b->builds->top, page, why);
}

/*
 * End the page of a build whose event stream closed without a final event.  At
 * a normal exit, kfarm removes its socket and does not wait until subscribers
 * have received the last events.  So if the socket does not exist, kfarm has
 * exited normally.  If the socket exists but kfarm does not run, kfarm was
 * killed.  If kfarm still runs, the next top_builds_refresh() checks again.
 */
static void classify_build_end(struct running_build *b)
{
	char *path = xasprintf("%s/events", b->dir);

	if (!fs_exists(path))
		end_build_page(b, "it ended while kfarm top was not connected");
	else if (!kernel_rundir_is_active(b->dir))
		end_build_page(b, "its kfarm process was killed");
	free(path);
}

static void on_ended(void *ctx, const char *why)
{
	struct running_build *b = ctx;

	b->builds->n_running--;
	if (why || b->page->model.done)
		end_build_page(b, why);
	events_client_free(b->client);
	b->client = NULL;
}

static const struct events_client_ops client_ops = {
	.on_event = on_build_event,
	.on_line = on_line,
	.on_reconnected = on_build_snapshot,
	.on_ended = on_ended,
};

static void free_build(struct running_build *b)
{
	TAILQ_REMOVE(&b->builds->builds, b, entry);
	events_client_free(b->client);
	free(b->dir);
	free(b);
}

/*
 * Subscribe to the socket `path` of the build with the run directory `dir` and
 * add a page.  Does nothing if the connection fails, because the socket of a
 * killed build has no server.
 */
static void connect_build(struct top_builds *all, const char *dir,
			  const char *path, ino_t inode)
{
	struct running_build *b = xcalloc(1, sizeof(*b));
	struct top_page *p, *next;
	struct err ignored;

	*b = (struct running_build){ .builds = all, .inode = inode };
	if (events_client_new(&b->client, all->top->base, path, &client_ops, b,
			      &ignored)) {
		free(b);
		return;
	}
	b->dir = xstrdup(dir);
	/* Remove pages of ended builds; the page of the nodes never ends. */
	list_for_each_safe(p, &all->top->pages, entry, next) {
		if (p->ended)
			remove_page(all->top, p);
	}
	TAILQ_INSERT_TAIL(&all->builds, b, entry);
	all->n_running++;
	b->page = add_page(all->top,
			   kernel_rundir_parse_pid(strrchr(dir, '/') + 1));
}

/* Connect to the build of the run directory unless it is already listed. */
static void check_build_socket(struct top_builds *all, const char *dir)
{
	struct running_build *b;
	struct stat st;
	char *path = xasprintf("%s/events", dir);

	list_for_each(b, &all->builds, entry) {
		if (str_equal(b->dir, dir))
			break;
	}
	if (!lstat(path, &st) && S_ISSOCK(st.st_mode) &&
	    (!b || (!b->page && b->inode != st.st_ino)) &&
	    all->n_running < TOP_BUILDS_MAX) {
		if (b)
			free_build(b);
		connect_build(all, dir, path, st.st_ino);
	} else if (b && !b->page && !fs_exists(path)) {
		free_build(b);
	}
	free(path);
}

unsigned top_builds_refresh(struct top_builds *all)
{
	struct strv dirs = { 0 };
	struct running_build *b, *next;

	list_for_each(b, &all->builds, entry) {
		if (b->page && !b->client)
			classify_build_end(b);
	}
	kernel_rundir_list(&dirs);
	for (size_t i = 0; i < dirs.n; i++)
		check_build_socket(all, dirs.v[i]);
	list_for_each_safe(b, &all->builds, entry, next) {
		if (!b->page && !strv_has(&dirs, b->dir))
			free_build(b);
	}
	strv_release(&dirs);
	return all->n_running;
}

int top_builds_new(struct top_builds **out, struct top *t, struct err *err)
{
	struct top_builds *all;
	char *dir;
	int ret = fs_runtime_dir(&dir, err);

	if (ret)
		return ret;
	free(dir);
	*out = all = xcalloc(1, sizeof(*all));
	all->top = t;
	TAILQ_INIT(&all->builds);
	return 0;
}

void top_builds_free(struct top_builds *all)
{
	if (!all)
		return;
	while (!TAILQ_EMPTY(&all->builds))
		free_build(TAILQ_FIRST(&all->builds));
	free(all);
}

/*
 * The page of the nodes, which is shown while no build runs.  Its struct
 * peer_shared has no toolchains and no jobs, so a peer only exchanges HELLO and
 * receives the reports of its node.
 */

#define BACKOFF_MIN_MS   5000
#define BACKOFF_MAX_MS   60000
#define CLOSE_TIMEOUT_MS 400

struct top_node {
	struct top_nodes *nodes;
	const struct node_entry *entry;
	struct peer *peer;
	/* time of the next connection attempt; 0 if none is scheduled */
	uint64_t dial_ms;
	unsigned backoff_ms;
	bool load_known; /* the node has reported its load, or is down */
};

struct top_nodes {
	struct top *top;
	struct top_page *page;
	uint64_t began_ms;
	struct peer_shared shared;
	enum wire_codec codec;
	struct top_node *nodes;
	size_t n_nodes;
};

/* Add an event with the current time to the page of the nodes. */
static void add_page_event(struct top_nodes *all, struct events_event *ev)
{
	ev->at_ms = clock_ms() - all->began_ms;
	add_made_event(all->top, all->page, ev);
}

/*
 * Record that a node has reported its load or is down.  After the last of the
 * nodes, add the event that completes the page.
 */
static void set_known(struct top_node *n)
{
	struct events_event live = events_event_make(EVENTS_KIND_LIVE);

	if (n->load_known)
		return;
	n->load_known = true;
	for (size_t i = 0; i < n->nodes->n_nodes; i++) {
		if (!n->nodes->nodes[i].load_known)
			return;
	}
	add_page_event(n->nodes, &live);
}

/* Add a NODE event with the state and the counters of a node. */
static void add_node_state_event(const struct top_node *n, const char *state,
				 const char *reason)
{
	struct events_event ev = events_event_make(EVENTS_KIND_NODE);
	struct peer_stats figures;

	peer_stats(n->peer, &figures);
	ev.text = state;
	ev.reason = reason;
	coord_report_fill_node(&ev, n->entry, &figures, peer_slots(n->peer));
	add_page_event(n->nodes, &ev);
}

/* Add a row for a pool, whose members exist only while builds run. */
static void add_pool_event(struct top_nodes *all, const struct node_pool *p)
{
	struct events_event ev = events_event_make(EVENTS_KIND_NODE);
	char *reason = p->drained ? xstrdup("drained") :
				    xasprintf("a build starts up to %u "
					      "member%s",
					      p->max, format_plural(p->max));

	ev.node = ev.pool = p->name;
	ev.text = "pool";
	ev.reason = reason;
	add_page_event(all, &ev);
	free(reason);
}

/* on_wake_requested is mandatory, but peers without jobs need no wake-up. */
static void on_wake(void *ctx)
{
	(void)ctx;
}

static void on_state(void *ctx, enum peer_state state, const char *why)
{
	struct top_node *n = ctx;

	if (state == PEER_UP || state == PEER_UNFIT) {
		n->backoff_ms = BACKOFF_MIN_MS;
		add_node_state_event(n, state == PEER_UP ? "up" : "unfit", why);
		return;
	}
	if (state == PEER_GREETING)
		return;
	add_node_state_event(n, "down", why);
	n->dial_ms = clock_ms() + n->backoff_ms;
	n->backoff_ms *= 2;
	if (n->backoff_ms > BACKOFF_MAX_MS)
		n->backoff_ms = BACKOFF_MAX_MS;
	set_known(n);
}

static void on_members(void *ctx)
{
	struct top_node *n = ctx;

	if (peer_state(n->peer) == PEER_UP)
		add_node_state_event(n, "up", NULL);
}

static void on_load(void *ctx)
{
	struct top_node *n = ctx;
	struct events_event ev = events_event_make(EVENTS_KIND_LOAD);
	struct peer_stats figures;

	peer_stats(n->peer, &figures);
	ev.node = n->entry->name;
	coord_report_fill_load(&ev, &figures);
	add_page_event(n->nodes, &ev);
	set_known(n);
}

/* The other callbacks are NULL, because they concern toolchains and jobs. */
static const struct peer_ops ops = {
	.on_wake_requested = on_wake,
	.on_state_changed = on_state,
	.on_members_changed = on_members,
	.on_load_received = on_load,
};

static void dial_top_node(struct top_node *n)
{
	n->dial_ms = 0;
	add_node_state_event(n, "connecting", NULL);
	peer_dial(n->peer);
}

struct top_nodes *top_nodes_new(struct top *t, const struct node_roster *roster)
{
	struct events_event stream = events_event_make(EVENTS_KIND_STREAM);
	struct events_event build = events_event_make(EVENTS_KIND_BUILD);
	struct top_nodes *all = xcalloc(1, sizeof(*all));

	*all = (struct top_nodes){ .top = t,
				   .page = add_page(t, TOP_NODES_PID),
				   .began_ms = clock_ms(),
				   .codec = WIRE_ZSTD,
				   .n_nodes = roster->n };
	all->shared = (struct peer_shared){
		.base = t->base,
		.children = children_new(t->base),
		.pool = pool_new(t->base, 1),
		.packed = peer_blob_upload_new_cache(&all->codec),
		.paths = inputs_paths_new(),
		.ops = &ops,
		.ctx = all,
	};
	TAILQ_INIT(&all->shared.canaries);
	stream.version = EVENTS_VERSION;
	stream.program = "kfarm " KFARM_VERSION;
	stream.start_s = time(NULL);
	add_page_event(all, &stream);
	build.command = "no build is running; current state of the nodes";
	add_page_event(all, &build);
	all->nodes = xcalloc(roster->n + 1, sizeof(*all->nodes));
	for (size_t i = 0; i < roster->n; i++)
		all->nodes[i] = (struct top_node){
			.nodes = all,
			.entry = &roster->v[i],
			.peer = peer_new(&all->shared, &roster->v[i],
					 &all->nodes[i]),
			.backoff_ms = BACKOFF_MIN_MS,
		};
	for (size_t i = 0; i < all->n_nodes; i++)
		dial_top_node(&all->nodes[i]);
	for (size_t i = 0; i < roster->n_pools; i++)
		add_pool_event(all, &roster->pools[i]);
	all->page->complete |= !all->n_nodes;
	return all;
}

void top_nodes_tick(struct top_nodes *all)
{
	uint64_t now = clock_ms();

	for (size_t i = 0; i < all->n_nodes; i++) {
		struct top_node *n = &all->nodes[i];

		peer_tick(n->peer, now);
		if (n->dial_ms && now >= n->dial_ms)
			dial_top_node(n);
	}
}

void top_nodes_free(struct top_nodes *all)
{
	if (!all)
		return;
	for (size_t i = 0; i < all->n_nodes; i++)
		peer_free(all->nodes[i].peer);
	pool_free(all->shared.pool);
	store_packed_cache_free(all->shared.packed);
	children_wait(all->shared.children, CLOSE_TIMEOUT_MS);
	children_free(all->shared.children);
	inputs_paths_free(all->shared.paths);
	remove_page(all->top, all->page);
	free(all->nodes);
	free(all);
}

#define TICK_US          50000
#define BLOCK            (64u << 10)
#define EMPTY_BLOCKS_MAX 1024

struct top_playback {
	struct top *top;
	struct top_page *page;
	struct event *tick;
	struct events_simulate *simulate; /* NULL for a recording */
	/* only for a recording: */
	int fd;
	struct events_reader reader;
	struct events_parsed next; /* valid if has_next; due at due_ms */
	bool has_next, at_eof;
	bool wait_for_input;
	unsigned n_empty_blocks; /* blocks read since the last event */
	uint64_t due_ms;
};

static void on_event(void *ctx, const struct events_event *ev)
{
	struct top_playback *p = ctx;

	/* The first event names the process of the recorded build. */
	if (ev->kind == EVENTS_KIND_STREAM && ev->pid > 0)
		p->page->pid = (pid_t)ev->pid;
	add_made_event(p->top, p->page, ev);
}

/* Read from the recording.  Returns 1; 0 if no data is available; or -errno. */
static int read_more(struct top_playback *p, struct err *err)
{
	uint8_t block[BLOCK];
	ssize_t n = read(p->fd, block, sizeof(block));

	if (n < 0 && errno == EAGAIN) {
		struct pollfd fd = { .fd = p->fd, .events = POLLIN };

		if (!p->wait_for_input)
			return 0;
		return poll(&fd, 1, -1) < 0 ? err_errno(err, "read") : 1;
	}
	if (n < 0 && errno != EINTR)
		return err_errno(err, "read");
	if (p->n_empty_blocks++ == EMPTY_BLOCKS_MAX)
		return err_set(err, EPROTO, "no event within %u MiB",
			       EMPTY_BLOCKS_MAX * BLOCK >> 20);
	p->at_eof = !n;
	if (n <= 0)
		return 0;
	events_reader_add(&p->reader, bytes_of(block, (size_t)n));
	return 1;
}

/* Parse the next event.  Returns 1; 0 if no event is available; or -errno. */
static int need_next(struct top_playback *p, struct err *err)
{
	struct bytes line;
	int ret = 0;

	while (!p->has_next && !p->at_eof) {
		ret = events_reader_next(&p->reader, &p->next, &line, err);
		if (!ret)
			ret = read_more(p, err);
		else if (ret > 0)
			p->has_next = true;
		if (p->has_next)
			p->n_empty_blocks = 0;
		if (!ret || (ret < 0 && ret != -ENOMSG))
			return ret;
	}
	if (!p->has_next)
		return 0;
	/*
	 * A recording that began during a build begins with a snapshot, whose
	 * times can be out of order.  Therefore, do not decrease due_ms.
	 */
	if (p->next.ev.at_ms > p->due_ms)
		p->due_ms = p->next.ev.at_ms;
	return 1;
}

/*
 * Emit all events up to build time `ms`, and end the page at the end of the
 * build or of the recording, or on an error.
 */
static int play_until(struct top_playback *p, uint64_t ms, struct err *err)
{
	const char *why = NULL;
	int ret = 0;

	if (p->simulate) {
		events_simulate_run_until(p->simulate, ms, on_event, p);
	} else {
		while ((ret = need_next(p, err)) > 0 && p->due_ms <= ms) {
			on_event(p, &p->next.ev);
			events_parsed_release(&p->next);
			p->has_next = false;
		}
		if (ret > 0)
			ret = 0;
	}
	if (!ret && !p->page->model.done && !(p->at_eof && !p->has_next))
		return 0;
	if (!ret && p->at_eof && !p->reader.started)
		ret = err_set(err, EPROTO, "not an event stream: empty");
	if (!ret && !p->page->model.done)
		why = "end of the recording";
	event_del(p->tick);
	top_page_end(p->top, p->page, ret ? err->text : why);
	return ret;
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct top_playback *p = ctx;
	struct err err;

	(void)fd;
	(void)what;
	play_until(p, top_page_now_ms(p->page), &err);
}

int top_playback_new(struct top_playback **out, struct top *t,
		     const struct top_playback_setup *setup, struct err *err)
{
	static const struct timeval tick = { .tv_usec = TICK_US };
	struct top_playback *p = xcalloc(1, sizeof(*p));
	int ret = 0;

	p->top = t;
	p->fd = -1;
	p->wait_for_input = setup->wait_for_input;
	p->tick = event_new(t->base, -1, EV_PERSIST, on_tick, p);
	if (!p->tick || event_add(p->tick, &tick))
		str_out_of_memory();
	if (!setup->file) {
		p->simulate = events_simulate_new(&setup->simulate);
	} else {
		p->fd = open(setup->file,
			     O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
		if (p->fd < 0)
			ret = err_errno(err, "open");
	}
	if (!ret) {
		p->page = add_page(t, 1);
		p->page->speed_milli = setup->speed_milli;
		p->page->base_ms = setup->start_ms;
		ret = play_until(p, setup->start_ms, err);
	}
	if (ret) {
		err_wrap(err, "%s", setup->file);
		top_playback_free(p);
		return ret;
	}
	p->page->since_ms = clock_ms();
	p->page->complete = true;
	*out = p;
	return 0;
}

void top_playback_free(struct top_playback *p)
{
	if (!p)
		return;
	event_free(p->tick);
	events_simulate_free(p->simulate);
	if (p->has_next)
		events_parsed_release(&p->next);
	events_reader_release(&p->reader);
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}

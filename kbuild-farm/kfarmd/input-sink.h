/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarmd/input-sink.h - Receivers of input updates: sandboxes and bundles.
 *
 * A sink is a sandbox, or a bundle that becomes an installed toolchain
 * (kfarmd/client.c).
 *
 *	FILLING -> READY -> ENDED
 *	       \-> ENDED
 *
 * Updates wait in a queue until their blobs are present and earlier updates are
 * applied.  The following operations of a sink run on a separate thread, one at
 * a time: opening, validating and finishing the sink, pinning the blobs of an
 * update, and applying an update.  As an exception, kfarmd pins the blobs of a
 * small update and applies the update in the event loop.  An update that waits
 * for blobs does not delay the pinning of later updates, so missing blobs are
 * requested early.
 *
 * Any failure ends the sink: kfarmd sends HAVE refused if the sink was not yet
 * ready, and HAVE lost otherwise.  Waiting and later jobs of a failed sandbox
 * fail.  Running jobs fail if the sandbox init has died; otherwise they
 * continue.
 */
#ifndef KFARMD_INPUT_SINK_H
#define KFARMD_INPUT_SINK_H

#include "kfarmd/input-update.h"
#include "kfarmd/toolchains.h"
#include "wire/msg.h"
#include "wire/table.h"

struct kfarmd;
struct kfarmd_input_sink;
struct kfarmd_sandbox;
struct sandbox;

/*
 * Limits on the updates of a sink that are not yet applied, and on their
 * entries.
 */
#define KFARMD_INPUT_SINK_UPDATES_MAX (1u << 15)
#define KFARMD_INPUT_SINK_ENTRIES_MAX (1u << 20)

TAILQ_HEAD(kfarmd_input_sink_list, kfarmd_input_sink);

/* Callbacks to the owner; they run in the event loop. */
struct kfarmd_input_sink_ops {
	/* Send a message and release its body. */
	void (*send)(void *ctx, enum wire_type type, struct buf *body);
	/*
	 * Called when the session must end.  The callback can call
	 * kfarmd_input_sink_close().
	 */
	void (*on_protocol_error)(void *ctx, const char *why);
	/* Called before the sink is freed. */
	void (*on_freed)(void *ctx, struct kfarmd_input_sink *p);
};

/*
 * A kind of sink.  Functions that return int return 0, or a negative errno with
 * `err` set; an error ends the sink.  All of these functions except accept()
 * can be called on a worker thread.
 */
struct kfarmd_input_sink_type {
	const char *name; /* for the log */
	/*
	 * The sink only receives a toolchain, which is useless if it is
	 * incomplete.  kfarmd requests no blob before the manifest is complete.
	 * SHUT cancels the installation.  The sink ends as soon as its
	 * toolchain is installed.
	 */
	bool all_or_nothing;
	int (*open)(struct kfarmd_input_sink *p, struct err *err);
	/* Called in the event loop after open() has succeeded; may be NULL. */
	void (*on_opened)(struct kfarmd_input_sink *p);
	/* Check a received update; runs in the event loop. */
	int (*accept)(struct kfarmd_input_sink *p,
		      const struct kfarmd_input_update *v, struct err *err);
	/*
	 * Check the toolchain after its last update was received; may be NULL.
	 */
	int (*validate)(struct kfarmd_input_sink *p, struct err *err);
	/*
	 * Pin the blobs of an update.  NULL: kfarmd_input_update_pin_blobs().
	 */
	int (*pin_blobs)(struct kfarmd_input_sink *p,
			 struct kfarmd_input_update *v, struct err *err);
	/* Apply an update.  Returns as kfarmd_input_update_apply() does. */
	int (*apply)(struct kfarmd_input_sink *p, struct kfarmd_input_update *v,
		     struct err *err);
	/* Finish the sink once its whole toolchain is applied. */
	int (*finish)(struct kfarmd_input_sink *p, struct err *err);
	/*
	 * Called in the event loop when the sink is ready or has ended, or when
	 * an update was applied; may be NULL.
	 */
	void (*on_changed)(struct kfarmd_input_sink *p);
	/* Return true while jobs use the sink.  NULL: no job can use it. */
	bool (*is_used)(const struct kfarmd_input_sink *p);
	void (*free)(struct kfarmd_input_sink *p);
};

struct kfarmd_input_sink {
	TAILQ_ENTRY(kfarmd_input_sink) entry; /* entry in the client's list */
	const struct kfarmd_input_sink_type *type;
	struct kfarmd *daemon;
	int version; /* of the session's protocol; set by the client */
	uint32_t number;
	struct kfarmd_blobs *blobs; /* NULL once the session has ended */
	const struct kfarmd_input_sink_ops *ops;
	void *ops_ctx;
	struct event *work_event;
	enum {
		KFARMD_INPUT_SINK_FILLING,
		KFARMD_INPUT_SINK_READY,
		KFARMD_INPUT_SINK_ENDED
	} state;
	bool shut; /* no more updates are accepted */
	char detail[DIGEST_HEX]; /* detail of HAVE ready, set by finish() */

	/* updates that are not yet applied */
	struct kfarmd_input_update_queue pending;
	unsigned n_pending;
	size_t n_pending_entries; /* entries of the updates in `pending` */
	/* applied updates of the toolchain */
	struct kfarmd_input_update_queue toolchain;
	/* numbers of the last received and of the last applied update */
	uint32_t last_received;
	uint32_t last_applied;
	bool complete; /* the last update of the toolchain was received */
	bool validated; /* validate() has succeeded */
	/* clock_ms() of the last received update or finished operation */
	uint64_t activity_ms;

	/*
	 * The current operation or, if no operation runs, the last operation.
	 */
	struct task *task; /* its thread, or NULL */
	int (*work)(struct kfarmd_input_sink *p, struct err *err);
	void (*on_work_done)(struct kfarmd_input_sink *p); /* may be NULL */
	struct kfarmd_input_update *update;
	int ret; /* result of work() */
	struct err err; /* error of work() */
	atomic_bool stop_requested; /* work() should return early */
};

/*
 * Initialize `p`, which is the first member of the caller's zeroed object, and
 * start to open the sink.
 */
void kfarmd_input_sink_init(struct kfarmd_input_sink *p,
			    const struct kfarmd_input_sink_type *kind,
			    struct kfarmd *a, uint32_t number,
			    struct kfarmd_blobs *blobs,
			    const struct kfarmd_input_sink_ops *ops, void *ctx);
/*
 * End the sink because its session has ended.  The sink sends no more messages
 * and waits for no more blobs.  It is freed when its users and its thread have
 * ended.
 */
void kfarmd_input_sink_close(struct kfarmd_input_sink *p);
/* Accept no more updates, and free the sink when it has no more users. */
void kfarmd_input_sink_shut(struct kfarmd_input_sink *p);

/*
 * Fail the sink if it waits for blobs or for the updates of its toolchain, and
 * nothing has arrived for a minute.  Call this regularly.
 */
void kfarmd_input_sink_check_timeout(struct kfarmd_input_sink *p);
/*
 * Return true if the sink is neither shut nor ended; it need not be ready.
 */
bool kfarmd_input_sink_is_open(const struct kfarmd_input_sink *p);
/*
 * Queue the VIEW `m`: take ownership of its content and reset `m`.  Returns 0,
 * or -EPROTO with `err` set if the session must end.  If the sink is not open,
 * returns 0 without queuing the VIEW.  The caller still owns the content of a
 * VIEW that was not queued.
 */
int kfarmd_input_sink_add_update(struct kfarmd_input_sink *p,
				 struct wire_view *m,
				 const struct wire_intern *paths,
				 struct err *err);

/* A job as a user of a sandbox; embedded in the job. */
struct kfarmd_sandbox_user {
	TAILQ_ENTRY(kfarmd_sandbox_user) entry;
	struct kfarmd_sandbox *sandbox; /* NULL: not registered */
	/* number of the update that must be applied before the job can start */
	uint32_t update_number;
	bool waiting; /* on_ready() will be called */
	/*
	 * Called when the job can start (`why` is NULL), or when the sandbox
	 * has ended and the job can never start (`why` is the reason).
	 */
	void (*on_ready)(void *ctx, const char *why);
	void *ctx;
};

/*
 * A sandbox for jobs.  Other modules only read it, except that
 * kfarmd_native_toolchain_put() sets `lease` and `unchecked_bytes`.
 */
struct kfarmd_sandbox {
	struct kfarmd_input_sink sink; /* first member */
	struct wire_cell request; /* the CELL message that created it */
	/* valid for a user once on_ready() was called with `why` NULL */
	struct sandbox *sandbox;
	struct event *read_event;
	size_t n_toolchain_entries; /* entries of the received toolchain */
	/* counter of kfarmd_input_update_check_memory(); only work() uses it */
	uint64_t unchecked_bytes;
	TAILQ_HEAD(, kfarmd_sandbox_user) users;
	/* lease of the node-native toolchain, if the sandbox uses one */
	struct kfarmd_toolchain_lease lease;
};

/*
 * Create a sandbox and take ownership of `m`.  Its setup starts immediately;
 * HAVE reports the outcome later.  All functions for sinks apply to a sandbox.
 */
struct kfarmd_input_sink *kfarmd_sandbox_new(
	struct kfarmd *a, struct wire_cell *m, struct kfarmd_blobs *blobs,
	const struct kfarmd_input_sink_ops *ops, void *ctx);
/* Return the sandbox of a sink, or NULL if the sink is a bundle. */
struct kfarmd_sandbox *kfarmd_sandbox_from_sink(struct kfarmd_input_sink *p);

/*
 * Register a user.  The sandbox then exists at least until
 * kfarmd_sandbox_remove_user().  u->on_ready() is called once, possibly before
 * this function returns: either when the sandbox is ready and update
 * u->update_number is applied, or when the sandbox has ended.
 */
void kfarmd_sandbox_add_user(struct kfarmd_sandbox *c,
			     struct kfarmd_sandbox_user *u);
/* Remove a user.  Does nothing if the user is not registered. */
void kfarmd_sandbox_remove_user(struct kfarmd_sandbox_user *u);

#endif

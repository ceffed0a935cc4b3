/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarmd/client.h - State of one client: paths, flags, sandboxes, toolchains
 * and blobs.
 *
 * The client object outlives its session until the last sandbox, the last
 * bundle and the last toolchain request have ended.
 *
 * A PIN message restricts a job to the CPUs of one class.  While the session
 * has such a job, HEAT messages report the clock limit and the throttling of
 * each class, and the temperatures of the node.  The MACHINE message defines
 * the classes and their CPUs for the whole session.  CPUs with different
 * frequency governors are in different classes, but a later change of a
 * governor does not change the classes of a session.
 */
#ifndef KFARMD_CLIENT_H
#define KFARMD_CLIENT_H

#include "base/err.h"
#include "kfarmd/argv.h"
#include "kfarmd/input-sink.h"
#include "kfarmd/slots.h"
#include "machine/sys.h"
#include "wire/msg.h"

#include <jansson.h>

struct kfarmd;
struct kfarmd_toolchain_rpc;

/* State shared by all jobs that are pinned to one CPU class. */
struct kfarmd_pin {
	/*
	 * CPUs of the class that kfarmd may use; updated when a new job is
	 * pinned to the class
	 */
	struct machine_cpus cpus;
	/* limits the running jobs of the class to the number of `cpus` */
	struct kfarmd_slot_share share;
};

/* The CPU classes of a session, and the PIN that precedes the next JOB. */
struct kfarmd_pins {
	struct machine_cpus *cpus; /* CPUs of each class */
	struct kfarmd_pin *by_class; /* pin of each class */
	unsigned n_classes;
	bool pending; /* pending_pin was received, but not its JOB */
	struct wire_pin pending_pin;
};

/* Initialize `p`.  Takes ownership of `cpus`, the CPUs of `n` classes. */
void kfarmd_client_init_pins(struct kfarmd_pins *p, struct machine_cpus *cpus,
			     unsigned n);
/* Free the classes; all jobs with a pin must have been dropped. */
void kfarmd_client_release_pins(struct kfarmd_pins *p);

/*
 * Decode a PIN message of protocol version `version` and store the PIN as
 * pending.  Returns 0, or -EPROTO with `err` set if the session must end.
 */
int kfarmd_client_receive_pin(struct kfarmd_pins *p, struct bytes body,
			      int version, struct err *err);
/*
 * Take the PIN that precedes `job`, if any, and look up its CPUs.  Returns 0
 * with *pin borrowed, or with *pin NULL if the job may run on any CPU.  Returns
 * -EPROTO if the session must end, -ENOENT if the class does not exist, and
 * -EPERM if kfarmd may use no CPU of the class, each with `err` set.
 */
int kfarmd_client_take_job_pin(struct kfarmd_pins *p, uint32_t job,
			       struct kfarmd_pin **pin, struct err *err);

/*
 * A TOOLS request lists the installed toolchains; a DROP request removes an
 * installed toolchain.  Each request runs on a separate thread.  BUNDLE
 * installs a toolchain:
 *
 *	BUNDLE, VIEWs -> manifest is complete and valid -> NEED
 *	-> all blobs received -> files written -> verified and published
 *	-> HAVE ready
 *
 * If another installed toolchain contains a file, kfarmd copies the file
 * instead of requesting it.  HAVE ready carries the dir_digest, which is the
 * digest of all files of the toolchain; HAVE refused reports any failure.
 */

/* Callbacks of a request; they run in the event loop. */
struct kfarmd_toolchain_rpc_ops {
	/* Send a HELD or DROPPED message and release its body. */
	void (*send)(void *ctx, enum wire_type type, struct buf *body);
	/* Called after the reply, if any, and before the request is freed. */
	void (*on_freed)(void *ctx, struct kfarmd_toolchain_rpc *r);
};

/*
 * Start a request.  If `drop_id` is not NULL, the request removes this
 * toolchain; the string is copied.  Otherwise it lists all toolchains, and
 * hashes their files if `verify` is set.  Returns NULL if no thread can be
 * started.
 */
struct kfarmd_toolchain_rpc *kfarmd_toolchain_rpc_new(
	struct kfarmd *a, uint32_t request_id, const char *drop_id, bool verify,
	const struct kfarmd_toolchain_rpc_ops *ops, void *ctx);
/*
 * Detach a request from its session, which has ended.  A list request stops
 * early; a removal continues.  The request sends no more messages, but
 * on_freed() is still called.
 */
void kfarmd_toolchain_rpc_close(struct kfarmd_toolchain_rpc *c);

struct kfarmd_client_ops {
	/* Send a message and release its body. */
	void (*send)(void *ctx, enum wire_type type, struct buf *body);
	/*
	 * Called when the session must end.  The callback can call
	 * kfarmd_client_close().
	 */
	void (*on_protocol_error)(void *ctx, const char *why);
};

/*
 * A job looks up its path and flag numbers in `paths` and `flags`, whose
 * strings are valid until kfarmd_client_close().  It takes its PIN from `pins`
 * and its STEP from `steps`.  The session sets `version` when it receives
 * HELLO, initializes `pins` when it sends MACHINE, and adds `slots` to the
 * clients of daemon->slots.  The members after `slots` are private to
 * kfarmd/client.c.
 */
struct kfarmd_client {
	struct kfarmd *daemon;
	int version; /* version of the session's protocol; 0 before HELLO */
	struct wire_intern *paths;
	struct wire_intern *flags;
	struct kfarmd_pins pins;
	struct kfarmd_steps steps;
	struct kfarmd_slot_client slots;

	/* NULL once the session has ended */
	const struct kfarmd_client_ops *ops;
	void *ctx;
	struct kfarmd_blobs *blobs;
	struct kfarmd_neighbors *neighbors;
	struct kfarmd_input_sink_list sinks;
	unsigned n_sinks;
	/* toolchain requests that are not yet answered */
	struct kfarmd_toolchain_rpc **requests;
	size_t n_requests;
};

/*
 * Create the state of a client.  `ops` must remain valid until
 * kfarmd_client_close().
 */
struct kfarmd_client *kfarmd_client_new(struct kfarmd *a,
					const struct kfarmd_client_ops *ops,
					void *ctx);
/*
 * Detach the client from its session, whose jobs must have been dropped.  The
 * client is freed when its last sink and its last request have ended.
 */
void kfarmd_client_close(struct kfarmd_client *c);

/*
 * Handle a CELL, SHUT, PATHS, VIEW, BLOB, FLAGS, PIN, STEP, BUNDLE, TOOLS,
 * DROP, NEIGHBOR or FETCH message.  Returns 0; -EPROTO with `err` set if the
 * session must end; -ENOTSUP for any other type and for a type that the
 * session's version of the protocol lacks.
 */
int kfarmd_client_handle_msg(struct kfarmd_client *c, uint16_t type,
			     struct bytes body, struct err *err);

/*
 * Return a description of the sandboxes and bundles for --status.  The caller
 * owns the reference.
 */
json_t *kfarmd_client_to_json(const struct kfarmd_client *c);

/*
 * Fail the sandboxes and bundles that have waited too long for files from the
 * client.  Call this regularly.
 */
void kfarmd_client_check_timeouts(struct kfarmd_client *c);

/* Return the sandbox with this number if it accepts jobs, or NULL. */
struct kfarmd_sandbox *kfarmd_client_find_sandbox(const struct kfarmd_client *c,
						  uint32_t number);

#endif

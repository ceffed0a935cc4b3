/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/conn.h - A node's sessions: dialing, greeting, stream and ids.
 *
 * A struct peer_conn is used for one session after another with the same node.
 * Each session starts with HELLO, FIT and MACHINE.  Messages identify paths,
 * flags, sandboxes and bundles by numbers, which are valid in one session only.
 */
#ifndef PEER_CONN_H
#define PEER_CONN_H

#include "base/work-timer.h"
#include "node/roster.h"
#include "peer/blob-upload.h"
#include "peer/shared.h"
#include "wire/msg.h"
#include "wire/stream.h"
#include "wire/table.h"

struct event_base;
struct tls_dialer;

#define PEER_SILENCE_MAX_MS 5000 /* five heartbeats */

/*
 * The command of an exec: or ssh: address, and the text that the command writes
 * to stderr.  A unix: address has a socket and no command.
 */
struct peer_transport {
	pid_t pid; /* pid of the command; 0: no command */
	/*
	 * pool member: pid of the command of the last closed session, which
	 * may still be exiting; 0: none
	 */
	pid_t ending_pid;
	int stderr_fd; /* stderr of the command; -1: not open */
	struct event *stderr_event; /* reads stderr_fd */
	struct buf stderr_text; /* last part of the command's stderr */
};

struct peer_conn {
	struct peer_shared *shared;
	const struct node_entry *entry; /* borrowed from the roster */
	void *ctx; /* passed to struct peer_ops */
	enum wire_codec codec; /* codec of large messages */
	/*
	 * required protocol version of the sessions; 0: any version.  A relay
	 * sets this field to the version of its client.
	 */
	int only_version;

	struct peer_transport transport;
	struct tls_dialer *dialer; /* for a tls: node, until `stream` exists */
	struct wire_stream *stream; /* NULL: not connected */
	const struct wire_stream_ops *ops;
	void *ops_ctx;
	struct wire_intern *paths, *flags;
	struct peer_blob_upload *upload;
	uint32_t next_number; /* number of the next sandbox or bundle */
	uint64_t received_ms; /* time of the last message */
	/*
	 * `greeting` starts with the session, and `silence` with each message.
	 * Their pid is the process of the node, or 0 unless
	 * node_entry_is_local().
	 */
	struct work_timer greeting, silence;
	/* in this session */
	bool hello_received, fit_received, machine_received;

	struct wire_hello hello; /* HELLO of the latest session */
	bool has_hello; /* `hello` is valid */
	/* version of the latest session; negative: no common version */
	int version;
	struct wire_fit fit; /* FIT of the latest session */
	/* MACHINE of the latest session; zeroed if `version` has no MACHINE */
	struct wire_machine machine;
	struct wire_heat heat; /* last HEAT of this session, or zeroed */
	TAILQ_HEAD(, peer_job) jobs; /* jobs in flight */
	unsigned n_jobs; /* number of `jobs` */
	unsigned n_test_jobs; /* canary and known-answer jobs among them */
	size_t output_bytes; /* bytes of the outputs of all jobs in flight */
	/* bytes sent and received in earlier sessions */
	uint64_t prior_sent_bytes, prior_received_bytes;
	/* the node's address for NEIGHBOR; NULL: not a tls: node */
	char *neighbor_address;
	uint32_t neighbor_number; /* 0: not announced to other nodes */
};

void peer_conn_init(struct peer_conn *l, struct peer_shared *shared,
		    const struct node_entry *entry, void *ctx);
/* Close the session and release everything that `l` owns. */
void peer_conn_release(struct peer_conn *l);

/*
 * Start to connect and send HELLO once connected.  Returns 0 or -errno with
 * `err` set.  A later failure calls on_close of `ops`, as the end of the
 * session does.
 */
int peer_conn_dial(struct peer_conn *l, const struct wire_stream_ops *ops,
		   void *ctx, struct err *err);
/* Close the session or abort the dial.  All jobs must have been freed. */
void peer_conn_close(struct peer_conn *l);
/*
 * Return true if the node is a pool member whose session has been closed, but
 * the command of this session has not exited yet.  Do not dial during this
 * time: a member must never have two commands.
 */
bool peer_conn_is_ending(const struct peer_conn *l);
/*
 * Handle a message on behalf of on_msg of `ops`.  Returns 0 if nothing is left
 * to do, 1 if the caller must handle the message, or a negative errno with
 * `err` set.  The first FIT or MACHINE for which it returns 1 completes the
 * greeting: l->hello, l->fit and l->machine are valid from then on.
 */
int peer_conn_handle_message(struct peer_conn *l, uint16_t type,
			     struct bytes body, struct err *err);
/* Return true if the greeting of this session is complete. */
bool peer_conn_is_identified(const struct peer_conn *l);
/*
 * Close the stream and return true if the transport command still runs, HELLO
 * was not received, and `why` is "" or an error of read or write.  In this
 * case, the command is probably about to exit: an exiting process closes its
 * descriptors before its parent can reap it.  The caller should wait for the
 * exit status of the command, which often explains the end of the session.
 */
bool peer_conn_await_exit(struct peer_conn *l, const char *why);
/*
 * Return a text that explains the end of the session to the user.  If HELLO was
 * received, the text is `why`, or "connection closed" if `why` is "".
 * Otherwise, it is based on the first of these that is available:
 *
 *   - the last line of the transport command's stderr;
 *   - the exit status of the command, if the command has exited and `why` is ""
 *     or an error of read or write;
 *   - `why`, unless it is "";
 *   - "connection closed".
 *
 * This function never waits.  The caller frees the text.
 */
char *peer_conn_explain(struct peer_conn *l, const char *why);

/*
 * Like peer_conn_explain(), but close the session first.  If `why` is "" or an
 * error of read or write, the exit status of a transport command replaces
 * `why`, even after HELLO.  This function can block for up to one second, until
 * the command has exited.
 */
char *peer_conn_close_and_explain(struct peer_conn *l, const char *why);

/* Send a message and release `body`. */
void peer_conn_send(const struct peer_conn *l, enum wire_type type,
		    struct buf *body, enum wire_codec codec);
/*
 * Send PATHS for the path ids that were assigned since the last call.  Call
 * this function before you send any message that uses these ids.
 */
void peer_conn_send_paths(const struct peer_conn *l);
/*
 * Send WEIGHT if the build has a weight (weight_percent of struct peer_shared)
 * and the version of the session has this message.
 */
void peer_conn_send_weight(const struct peer_conn *l);

#endif

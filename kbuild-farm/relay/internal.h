/* SPDX-License-Identifier: GPL-2.0-or-later */
/* relay/internal.h - Structures that the modules of the relay share. */
#ifndef RELAY_INTERNAL_H
#define RELAY_INTERNAL_H

#include "base/list.h"
#include "inputs/path.h"
#include "kfarmd/input-update.h"
#include "kfarmd/kfarmd.h"
#include "kfarmd/neighbor.h"
#include "kfarmd/session.h"
#include "node/limits.h"
#include "peer/blob-upload.h"
#include "peer/conn.h"
#include "relay/relay.h"
#include "sched/sched.h"
#include "tls/dialer.h"
#include "wire/msg.h"
#include "wire/stream.h"

/* time limit for HELLO, FIT and MACHINE of a member */
#define RELAY_GREETING_MS (TLS_DIALER_MAX_MS + 1000)
#define RELAY_SILENCE_MS  5000 /* a member that is silent longer is lost */
#define RELAY_CHANGES_MS  1000 /* minimum time between reports of changes */
/*
 * Limit on the entries in the input updates of a session.  An entry takes about
 * 500 bytes.  A Linux build has fewer than 10^5 entries.
 */
#define RELAY_ENTRIES_MAX ((size_t)1 << 20)
#define RELAY_BACKLOG_MAX (64u << 20) /* bytes queued for a slow client */
/*
 * limit on the outputs of a member that the relay retains until it has
 * forwarded the result to the client, in bytes
 */
#define RELAY_OUTPUT_MAX (512u << 20)
/*
 * Time limit for the reply of a member to TOOLS or DROP.  The limit for a
 * BUNDLE, or for TOOLS with verification, is RELAY_REPLY_FACTOR times as long,
 * because the member must write or read all files of a toolchain.
 */
#define RELAY_REPLY_MS     60000
#define RELAY_REPLY_FACTOR 10

struct relay_link;
struct relay_session;

/* A node behind the relay, with the connection that reports its state. */
struct relay_member {
	struct relay *relay;
	struct node_entry entry;
	struct peer_conn conn;
	enum {
		RELAY_MEMBER_DOWN,
		RELAY_MEMBER_GREETING,
		RELAY_MEMBER_UP,
	} state;
	bool tried; /* the first dial has succeeded or failed */
	uint64_t since_ms; /* clock_ms() of the last change of the state */
	unsigned n_failures; /* consecutive failed sessions */
	char *problem; /* why no job can run; NULL: no problem */
	struct node_limit limit; /* slot limit, computed from the inventory */
	struct wire_beat load; /* last BEAT; its list of jobs is not used */
	struct wire_relay below; /* last RELAY, if the member is a relay */
	uint64_t relay_ms; /* clock_ms() of the last reported RELAY, or 0 */
	bool loops; /* RELAY contains the key of this relay */
	unsigned lease; /* last LEASE, or WIRE_LEASE_UNLIMITED */
	/* memory of the outputs that the sessions retain, in bytes */
	uint64_t output_bytes;
};

struct relay {
	struct kfarmd *daemon;
	const struct strv *files; /* see struct relay_options */
	/* why the last configuration is not fully in use, or NULL */
	char *config_problem;
	/*
	 * result of relay_roster_stamp_files() before the files were last read,
	 * or NULL if the files must be read again
	 */
	char *config_stamps;
	struct peer_shared shared;
	enum wire_codec codec; /* of packed blobs */
	char *store_dir;
	struct digest fingerprint;
	struct relay_member *members;
	size_t n_members;
	bool members_changed; /* the sessions must be notified */
	struct event *timer; /* each second */
	TAILQ_HEAD(, relay_session) sessions;
	uint64_t start_ms;
	/* limit on the entries of the input updates that a session retains */
	size_t max_entries;
	uint64_t max_backlog; /* limit on relay_session_backlog() */
	uint64_t max_output; /* limit on output_bytes of a member */
	unsigned reply_ms; /* RELAY_REPLY_MS, except in tests */
	/*
	 * functions of session.c: update_session() reports changed members to
	 * the client, free_session() sends BYE and frees the session
	 */
	void (*update_session)(struct relay_session *s);
	void (*free_session)(struct relay_session *s, const char *why);
};

/*
 * Read the [node] sections of the files and of their includes in order.  A
 * later setting replaces an earlier setting of the same key.  The caller
 * releases *out with relay_roster_free().  *has_includes is true if a file has
 * a section [include].  Returns 0, or -EINVAL or another negative errno with
 * `err` naming the file.
 */
int relay_roster_read(const struct strv *files, struct node_entry **out,
		      size_t *n, bool *has_includes, struct err *err);
/*
 * Return the stamps of the files as a text.  After any later change of a file,
 * the function returns a different text.  Changes of included files do not
 * count.  The caller frees the text.  Returns NULL if a file is missing or has
 * just been changed (file_stamp_is_reliable()).
 */
char *relay_roster_stamp_files(const struct strv *files);
/* Free the entries that relay_roster_read() returned. */
void relay_roster_free(struct node_entry *v, size_t n);

/* Return true if jobs can run on the member. */
bool relay_member_is_usable(const struct relay_member *m);
/* Return true if the member is connected, but only completes its jobs. */
bool relay_member_is_drained(const struct relay_member *m);
/*
 * Return true if the first dial of each member has succeeded or failed, or if
 * three seconds have passed since the start of the relay.
 */
bool relay_is_settled(const struct relay *r);
/*
 * Return the number of slots of a member, at most `lease`, which is the last
 * LEASE of a session with the member or WIRE_LEASE_UNLIMITED.  Returns 0 if the
 * member is not usable.
 */
unsigned relay_member_count_slots(const struct relay_member *m, unsigned lease);
/* Return the number of slots of all usable members together. */
unsigned relay_count_slots(const struct relay *r);
/*
 * Describe the usable members as one node.  The caller releases the structs.
 * relay_sum_fit() sets `usable` to 0 if no member is usable.
 */
void relay_sum_hello(const struct relay *r, struct wire_hello *out);
void relay_sum_fit(const struct relay *r, struct wire_fit *out);
void relay_sum_machine(const struct relay *r, struct wire_machine *out);
void relay_sum_load(const struct relay *r, struct wire_beat *out);
void relay_list_members(const struct relay *r, struct wire_relay *out);

/*
 * A message that the relay forwards to each member.  The members receive these
 * messages in the order in which they were recorded.
 */
struct relay_log_entry {
	TAILQ_ENTRY(relay_log_entry) entry;
	uint16_t type;
	/* sandbox or bundle to which the message belongs, or NULL */
	struct relay_target *target;
	struct buf body;
};

/*
 * A VIEW.  The members receive it when the relay has its blobs, so that no
 * member waits for the connection to the client.
 */
struct relay_update {
	TAILQ_ENTRY(relay_update) entry;
	struct relay_target *target;
	struct kfarmd_input_update *update;
	struct buf body; /* body of VIEW; empty after it was forwarded */
	struct inputs_entry *files; /* for blob uploads, one per entry */
	struct inputs_path *paths;
	char (*names)[STORE_BLOB_NAME_SIZE];
	bool requested; /* NEED was sent */
	/* for each member: number of blobs that its session has requested */
	uint32_t *n_requests;
};

/* A sandbox or bundle of the client. */
struct relay_target {
	TAILQ_ENTRY(relay_target) entry;
	struct relay_session *session;
	uint32_t number;
	bool is_bundle;
	/* number of this sandbox as a toolchain of the dispatcher */
	uint32_t toolchain;
	bool has_identity; /* the sandbox uses an installed toolchain */
	/* sandbox: installed toolchain's id or driver's path; bundle: NULL */
	char *compiler;
	bool ready; /* HAVE ready was sent */
	/* detail of the first HAVE ready from a member, or NULL */
	char *detail;
	char *problem; /* last failure of a member to provide the target */
	/*
	 * Body of CELL or BUNDLE.  The relay forwards the message to the
	 * members when the relay has the whole toolchain; `request` is empty
	 * afterwards.
	 */
	struct buf request;
	bool complete; /* the last VIEW of the toolchain was received */
	/* number of the last VIEW that the members have received */
	uint32_t forwarded_view;
	uint64_t activity_ms; /* clock_ms() of the last VIEW or blob */
	TAILQ_HEAD(, relay_update) updates;
	struct relay_update **views; /* views[n - 1] is the update of VIEW n */
	uint32_t n_views; /* number of the last VIEW of the client */
	/* first update that is not forwarded, or NULL */
	struct relay_update *held;
	/*
	 * A function of inputs.c, called if the relay cannot send the blob of
	 * `e` to a member; `t` is this target.
	 */
	void (*on_blob_lost)(void *t, const struct inputs_entry *e,
			     const char *why);
};

/* The state of a sandbox or bundle on one member. */
struct relay_link_target {
	struct relay_target *target;
	uint32_t number;
	enum {
		RELAY_TARGET_PENDING,
		RELAY_TARGET_READY,
		RELAY_TARGET_GONE,
	} state;
	/* on the heap, because the array of targets can move */
	struct peer_blob_upload_user *user;
	/* clock_ms() at the creation of this struct or at the last NEED */
	uint64_t activity_ms;
};

struct relay_link_ops {
	/*
	 * Called when the session is up and all earlier messages of the client
	 * are forwarded to the member.
	 */
	void (*on_up)(struct relay_link *l);
	/*
	 * Handle a message of the member.  Returns 0, or a negative errno with
	 * `err` set if the session must end.
	 */
	int (*on_message)(struct relay_link *l, uint16_t type,
			  struct bytes body, struct err *err);
	/* Called when the session has ended. */
	void (*on_down)(struct relay_link *l, bool was_up, const char *why);
};

/* The session with one member on behalf of one client. */
struct relay_link {
	const struct relay_link_ops *ops;
	struct relay_session *session;
	struct relay_member *member;
	struct peer_conn conn;
	enum {
		RELAY_LINK_DOWN,
		RELAY_LINK_GREETING,
		RELAY_LINK_UP,
	} state;
	uint64_t since_ms; /* clock_ms() of the last change of the state */
	/* last value of relay_member_is_usable(), to detect changes */
	bool was_usable;
	bool was_drained; /* as last reported to the dispatcher */
	/* owner of uploads for targets that the client has closed */
	struct peer_blob_upload_user closed_user;
	unsigned lease; /* last LEASE; WIRE_LEASE_UNLIMITED: no limit */
	unsigned n_slots; /* as last reported to the dispatcher */
	/* clock_ms() of the last BEAT that was not ignored, or 0 */
	uint64_t beat_ms;
	struct sched_core_class classes[WIRE_CLASSES_MAX];
	unsigned n_classes;
	struct relay_link_target *targets;
	size_t n_targets;
	/*
	 * The member does not support the protocol version of the client, or
	 * the client has excluded the member (EXCLUDE).
	 */
	bool barred;
	/*
	 * if the member is a relay: those of its own members that the client
	 * has excluded
	 */
	struct strv excluded;
	unsigned n_failures; /* consecutive sessions without a greeting */
};

/* A job on a member, with the messages that the member has sent. */
struct relay_attempt {
	struct relay_link *link;
	struct buf *outputs; /* bodies of OUTPUT */
	size_t n_outputs;
	uint64_t stream_bytes[WIRE_N_OUTPUTS];
	uint64_t output_bytes; /* part of output_bytes of the member */
	/* if the member is a relay: its member that executes the job (VIA) */
	char *via;
	bool running; /* BEAT of the member lists the job */
	uint32_t cpu_ms;
};

struct relay_job {
	TAILQ_ENTRY(relay_job) entry;
	uint32_t number; /* the client's number of the job */
	uint32_t unit; /* number of the job in the dispatcher */
	uint32_t target, toolchain;
	uint32_t view; /* number of the input update that the job needs */
	uint32_t cost_ms;
	unsigned n_sides; /* side outputs that the client has requested */
	bool dispatched; /* the dispatcher has the job */
	/* bodies of STEP and JOB; `step` is empty if the job has no STEP */
	struct buf step, job;
	struct relay_attempt attempts[2]; /* the second is a hedged request */
	unsigned n_attempts;
	struct relay_attempt done; /* the attempt that has a result */
	struct buf result;
	bool has_error; /* the exit status of the result is not 0 */
	uint64_t received_ms;
	struct buf fail; /* last FAIL of a member, for the client */
	char *fail_via;
};

/* A queued event for the dispatcher. */
struct relay_event {
	TAILQ_ENTRY(relay_event) entry;
	struct sched_event event;
	char *text;
};

/* A HELD message of a member. */
struct relay_held_part {
	const struct relay_link *link;
	struct wire_held m;
};

/* A TOOLS or DROP request that not all members have answered. */
struct relay_request {
	TAILQ_ENTRY(relay_request) entry;
	uint32_t id;
	bool is_drop;
	uint64_t start_ms;
	unsigned limit_ms; /* time limit for the replies of all members */
	struct buf body;
	struct relay_link **waiting; /* members without an answer */
	size_t n_waiting;
	unsigned n_answered;
	struct relay_held_part *parts;
	size_t n_parts;
	char *refusal; /* reason for which a member refused a DROP, or NULL */
};

struct relay_session {
	TAILQ_ENTRY(relay_session) entry;
	struct relay *relay;
	struct wire_stream *stream;
	/* total number of bytes ever queued for the client */
	uint64_t queued_bytes;
	bool paused; /* no message is read from the client */
	struct kfarmd_peer client;
	struct event *timer; /* heartbeat */
	struct event *end_event; /* ends the session from the loop */
	char *end_reason; /* not NULL: the session is ending */
	bool stopped; /* jobs, links and inputs have been released */
	bool client_closed; /* BYE was received or the stream has ended */
	int version; /* 0 before HELLO */
	bool greeted; /* HELLO and FIT were sent */
	bool machine_sent;
	unsigned sent_slots; /* slots in HELLO */
	unsigned sent_lease;
	struct buf sent_relay; /* body of the last RELAY */
	uint64_t relay_ms; /* clock_ms() of the last RELAY, or 0 */
	bool members_changed; /* RELAY is due */

	TAILQ_HEAD(, relay_log_entry) log;
	struct wire_intern *paths, *flags;
	struct kfarmd_blobs *blobs;
	struct kfarmd_neighbors *neighbors;
	TAILQ_HEAD(, relay_target) targets, closed;
	size_t n_closed;
	size_t n_entries; /* of the updates of all targets */
	struct relay_link *links; /* one per member; NULL: not dialed yet */
	TAILQ_HEAD(, relay_job) jobs;
	unsigned n_jobs;
	/* The dispatcher, whose nodes are the links; NULL if no links exist. */
	struct sched *sched;
	struct relay_job **units; /* jobs by unit; NULL: ended */
	size_t n_units;
	TAILQ_HEAD(, relay_event) events;
	struct event *dispatch_timer;
	struct event *dispatch_event; /* handles `events` */
	struct buf step; /* STEP that precedes the next JOB */
	bool pinned; /* PIN precedes the next JOB */
	uint32_t pinned_job;
	TAILQ_HEAD(, relay_request) requests;
};

/* client.c */
/* Send a message to the client and release its body. */
void relay_session_send(struct relay_session *s, enum wire_type type,
			struct buf *body);
/* Return the number of bytes that are queued for the client. */
uint64_t relay_session_backlog(const struct relay_session *s);
/*
 * End the session: the event loop later sends BYE with this reason.  If the
 * session is already ending, the first reason remains.  Returns -EPROTO.
 */
int relay_session_end(struct relay_session *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Return the sandbox or bundle with this number, or NULL. */
struct relay_target *relay_session_find(const struct relay_session *s,
					uint32_t number);
/*
 * inputs.c
 *
 * Handle a message of the client.  Returns 0, or -EPROTO if the session ends.
 */
int relay_inputs_receive(struct relay_session *s, uint16_t type,
			 struct bytes body);
/* Handle HAVE or NEED of a member. */
int relay_inputs_have(struct relay_link *l, struct bytes body, struct err *err);
int relay_inputs_need(struct relay_link *l, struct bytes body, struct err *err);
/*
 * Record `why` as the problem of all sandboxes and bundles on a member whose
 * session has ended.
 */
void relay_inputs_forget(struct relay_link *l, const char *why);
/* Report to the client which sandboxes and bundles have changed their state. */
void relay_inputs_update(struct relay_session *s);
/*
 * End the sandboxes and bundles for which the client sends nothing, the bundles
 * that a member does not install in time, and the sandboxes whose last member
 * is drained and has completed its jobs.  Call this each second.
 */
void relay_inputs_tick(struct relay_session *s);
/* Create the tables of a new session, and release them. */
void relay_inputs_init(struct relay_session *s);
void relay_inputs_release(struct relay_session *s);

/* link.c */
/* Initialize a zeroed link.  Borrows `ops`. */
void relay_link_init(struct relay_link *l, struct relay_session *s,
		     struct relay_member *m, const struct relay_link_ops *ops);
/*
 * Start a session with the member.  on_up() or on_down() reports the outcome;
 * on_down() can be called before this function returns.
 */
void relay_link_dial(struct relay_link *l);
/* Close the session of the member and call on_down(). */
void relay_link_close(struct relay_link *l, const char *why);
/*
 * Return true if the session with the member is up or is still expected to
 * start.
 */
bool relay_link_is_expected(const struct relay_link *l);
/* Close the session if the member is silent.  Call this each second. */
void relay_link_tick(struct relay_link *l);
/* Forward a message to the member if its session is up. */
void relay_link_forward(struct relay_link *l, const struct relay_log_entry *e);
/*
 * Return the state of a sandbox or bundle on the member, or NULL.  The pointer
 * is valid until a sandbox or bundle is added to the link or removed from it.
 */
struct relay_link_target *relay_link_find(struct relay_link *l,
					  uint32_t number);
/* Close a sandbox or bundle on the member. */
void relay_link_shut(struct relay_link *l, uint32_t number);
/* Exclude the member or, if `below` is not NULL, its own member `below`. */
void relay_link_exclude(struct relay_link *l, const char *below);
/* Drop the references to the files of closed targets. */
void relay_link_forget_closed(struct relay_link *l);
/* Close the session without calling on_down(), and free what `l` owns. */
void relay_link_release(struct relay_link *l);

/* jobs.c */
/*
 * Handle STEP, PIN, JOB or CANCEL of the client.  Returns 0, or -EPROTO if the
 * session ends.
 */
int relay_jobs_receive(struct relay_session *s, uint16_t type,
		       struct bytes body);
/* Handle OUTPUT, RESULT, FAIL, VIA or BEAT of a member. */
int relay_jobs_handle(struct relay_link *l, uint16_t type, struct bytes body,
		      struct err *err);
/* Send the job to a member, on CPUs of its class `class` if `pinned` is set. */
void relay_job_send(struct relay_job *job, struct relay_link *l, bool pinned,
		    unsigned class);
/* Cancel the job on the member. */
void relay_job_cancel(struct relay_job *job, struct relay_link *l);
/* Forward the result to the client and end the job. */
void relay_job_deliver(struct relay_session *s, struct relay_job *job);
/*
 * Discard the job's result, because the dispatcher has ignored it.  The job
 * continues.
 */
void relay_job_discard_result(struct relay_job *job);
/*
 * End a job that no member can execute.  The client receives the last FAIL that
 * the relay has recorded for the job.  Without a recorded FAIL, the client
 * receives a FAIL with the reason `why` or, if the sandbox has ended, a FAIL
 * that reports that the sandbox does not exist.
 */
void relay_job_give_up(struct relay_session *s, struct relay_job *job,
		       enum reason why);
/* Dispatch the jobs of a sandbox that have waited for input updates. */
void relay_jobs_resume(struct relay_session *s, uint32_t sandbox);
/*
 * Send FAIL TOOLCHAIN for each job of a sandbox that has ended, and end the
 * job.
 */
void relay_jobs_end_all(struct relay_session *s, uint32_t sandbox);
/*
 * Discard the outputs that the jobs have received from a member whose session
 * has ended because of `why`, and record the loss as the FAIL of these jobs.
 */
void relay_jobs_forget(struct relay_link *l, const char *why);
/* Free all jobs without notifying the client or the members. */
void relay_jobs_free_all(struct relay_session *s);

/* dispatch.c: the dispatcher of a session */
/* Create the dispatcher of a session whose links exist. */
void relay_dispatch_start(struct relay_session *s);
/* Free the dispatcher.  Does nothing if it does not exist. */
void relay_dispatch_stop(struct relay_session *s);
/*
 * Queue an event for the dispatcher.  The loop carries out the resulting
 * actions later, because they can close jobs, sandboxes and links that the
 * caller uses.
 */
void relay_dispatch_event(struct relay_session *s,
			  const struct sched_event *event);
/*
 * Set the unit and the node of `event`, an event of a job on a member, and
 * queue the event.
 */
void relay_dispatch_job_event(const struct relay_job *job, struct relay_link *l,
			      struct sched_event *event);
/* Add a job to the dispatcher.  Its sandbox must exist. */
void relay_dispatch_add_job(struct relay_session *s, struct relay_job *job);
/* Remove a job that has ended from the dispatcher. */
void relay_dispatch_end_job(struct relay_session *s,
			    const struct relay_job *job);
/* Report the state of the link, which has changed. */
void relay_dispatch_link_up(struct relay_link *l);
void relay_dispatch_link_down(struct relay_link *l, bool was_up,
			      const char *why);
/*
 * Report whether the member is usable or drained, and its slots, if they have
 * changed.
 */
void relay_dispatch_update_link(struct relay_link *l);
/* Report the clock limit of the member, in thousandths of its maximum clock. */
void relay_dispatch_set_clock(struct relay_link *l, uint32_t milli);
/* Add a sandbox of the client, or remove it. */
void relay_dispatch_add_target(struct relay_target *t);
void relay_dispatch_remove_target(const struct relay_target *t);
/* Report the state of a sandbox on a member. */
void relay_dispatch_set_sandbox(struct relay_link *l,
				const struct relay_target *t,
				enum sched_sandbox state);

/* requests.c */
/*
 * Handle TOOLS or DROP of the client.  Returns 0, or -EPROTO if the session
 * ends.
 */
int relay_requests_receive(struct relay_session *s, uint16_t type,
			   struct bytes body);
/* Handle HELD or DROPPED of a member. */
int relay_requests_handle(struct relay_link *l, uint16_t type,
			  struct bytes body, struct err *err);
/* Send the pending requests to a member that has connected. */
void relay_requests_resume(struct relay_link *l);
/* Complete the requests without the member, whose session has ended. */
void relay_requests_forget(struct relay_link *l);
/* Stop waiting for members that do not reply.  Call this each second. */
void relay_requests_tick(struct relay_session *s);
/* Free all requests without replies. */
void relay_requests_release(struct relay_session *s);

#endif

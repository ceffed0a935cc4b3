/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kfarmd/kfarmd.h - Shared state of all sessions of a kfarmd. */
#ifndef KFARMD_KFARMD_H
#define KFARMD_KFARMD_H

#include "base/str.h"
#include "base/version.h"
#include "kfarmd/neighbor.h"
#include "kfarmd/slots.h"
#include "machine/health.h"
#include "machine/machine.h"
#include "sandbox/sandbox.h"
#include "wire/stream.h"

#define KFARMD_SOFTWARE "kfarmd " KFARM_VERSION

struct kfarmd_peer;
struct kfarmd_session;
struct kfarmd_session_peer;
struct kfarmd_settings;
struct kfarmd_native_toolchain_cache;
struct kfarmd_status;
struct children;
struct json_t;
struct event_base;
struct relay;
struct store;
struct tls_clients;

/* The outcome of a job. */
enum kfarmd_end {
	/* the compiler, and the tool if any, exited with status 0 */
	KFARMD_END_OK,
	KFARMD_END_ERROR, /* a result whose wait status is not 0 */
	KFARMD_END_FAILED, /* no result: the client receives FAIL */
	KFARMD_END_DROPPED, /* the client dropped the job */
	KFARMD_N_ENDS,
};

/* Sums over all jobs that were freed. */
struct kfarmd_finished {
	uint64_t n_jobs[KFARMD_N_ENDS];
	uint64_t cpu_ms;
};

struct kfarmd {
	struct event_base *base;
	/* reaper of child processes; NULL until init_daemon() creates it */
	struct children *children;
	struct store *store;
	char *toolchains_dir; /* directory of the installed toolchains */
	/* manifests of node-native toolchains */
	struct kfarmd_native_toolchain_cache *native_toolchains;
	/* architectures whose programs this node can run, native first */
	struct strv hosts;
	/* result of the last check whether jobs can run */
	struct sandbox_check sandbox_check;
	struct sandbox_limits sandbox_limits; /* limits of each sandbox */
	struct kfarmd_slots slots;
	uint16_t configured_slots; /* value of --slots, or 0 */
	const struct kfarmd_settings *settings; /* NULL: defaults */
	/*
	 * number of input sinks and toolchain requests that are not yet freed;
	 * kfarmd waits for them before it exits
	 */
	unsigned n_active;
	/* peers of all sessions, including the sessions of the relay */
	TAILQ_HEAD(, kfarmd_peer) peers;
	unsigned n_sessions;
	struct kfarmd_finished finished;
	struct machine_health health;
	struct machine_load load;
	/* listening addresses, for display; NULL with --stdio */
	const char *listen_text;
	/* list of TLS clients; NULL if kfarmd does not listen on the network */
	struct tls_clients *clients;
	struct tls_context *tls; /* NULL if `clients` is NULL */
	/*
	 * neighbors of each client, and connections that neighbors have opened
	 */
	struct kfarmd_neighbors_list neighbors;
	struct kfarmd_neighbor_servers neighbor_servers;
	unsigned n_neighbor_servers;
	struct kfarmd_status *status;
	TAILQ_HEAD(, kfarmd_session) sessions;
	/* Called when the last session has ended; set only with --stdio. */
	void (*on_idle)(struct kfarmd *a);
	/*
	 * With --relay: starts a session of the relay instead of a session that
	 * executes jobs, and takes ownership of `io`.  Otherwise NULL.
	 */
	void (*start_relay_session)(struct relay *relay, struct wire_io io,
				    const struct kfarmd_session_peer *who);
	/*
	 * With --relay: describes the relay in the status of kfarmd.  Otherwise
	 * NULL.
	 */
	void (*describe_relay)(const struct relay *relay,
			       struct json_t *status);
	struct relay *relay;
};

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * relay/relay.h - A kfarmd that offers other nodes as one node.
 *
 * A relay has no sandbox of its own.  It connects to its members as a build
 * host does, and forwards messages between its clients and its members.  For
 * each session of a client, the relay has a session with each member.  These
 * sessions use the client's version of the protocol, and they identify jobs,
 * sandboxes, paths and flags by the client's numbers.  The relay therefore
 * changes neither JOB nor RESULT, and the job digest of the client is also
 * valid for the member.  The build host itself verifies the result of a member.
 *
 *	roster.c	reads the members from the configuration
 *	relay.c		holds a connection to each member, without jobs
 *	client.c	functions of a session that all modules below need
 *	link.c		holds a session with one member on behalf of one client
 *	inputs.c	forwards sandboxes, toolchains and files to the members
 *	jobs.c		holds the jobs of a client and their results
 *	dispatch.c	chooses a member for each job with sched/
 *	requests.c	combines the members' lists of installed toolchains
 *	session.c	serves one client by means of these modules
 *	status.c	describes the relay for `kfarmd --status`
 */
#ifndef RELAY_RELAY_H
#define RELAY_RELAY_H

#include "base/err.h"
#include "base/str.h"

#include <jansson.h>

struct kfarmd;
struct kfarmd_session_peer;
struct relay;
struct wire_io;

struct relay_options {
	/*
	 * configuration files with the sections [node "NAME"]; must outlive the
	 * relay.  NULL: the files that relay_roster_find_files() lists
	 */
	const struct strv *files;
	const char *store_dir; /* directory of the daemon's store */
	const char *key_path; /* key whose fingerprint identifies the relay */
};

/*
 * List the configuration files of kfarm.  If $KFARM_CONFIG is set, the list
 * contains only the file that it names.  Otherwise, the list contains
 * /etc/kfarm/config and $XDG_CONFIG_HOME/kfarm/config, each if it exists.
 * Returns 0, or -ENOENT with `err` set.
 */
int relay_roster_find_files(struct strv *files, struct err *err);
/*
 * Read the members and start to connect to them.  Each second, the relay reads
 * the files again if they have changed or have a section [include], and applies
 * changes of `drain` and `slots`.  a->base, a->store and a->children must be
 * set.  Returns 0, or a negative errno with `err` set.
 */
int relay_new(struct relay **out, struct kfarmd *a,
	      const struct relay_options *options, struct err *err);
/* Send BYE with `why` to all clients and free the relay.  NULL is allowed. */
void relay_free(struct relay *r, const char *why);

/* Start a session with a client.  Takes ownership of `io`. */
void relay_accept(struct relay *r, struct wire_io io,
		  const struct kfarmd_session_peer *who);
/*
 * Replace the values about jobs in the JSON status of kfarmd by those of the
 * relay, and add the members of the relay.
 */
void relay_describe(const struct relay *r, json_t *status);

#endif

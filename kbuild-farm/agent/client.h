/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/client.h - what a kfarmd holds for one client: its names for paths
 * and flags, its cells, the toolchains that it brings, and the blobs of both.
 *
 * It outlives the conversation by as long as a cell of it is still at work.
 */
#ifndef AGENT_CLIENT_H
#define AGENT_CLIENT_H

#include "agent/cell.h"
#include "base/err.h"
#include "wire/msg.h"

#include <jansson.h>

#define AGENT_CELLS_MOST 16 /* of one client, and not shut */

struct agent;
struct agent_client;
struct agent_pins;
struct agent_steps;
struct node_cpus;

struct agent_client_ops {
	/* A message for the client, whose body is to be released. */
	void (*send)(void *ctx, enum wire_type type, struct buf *body);
	/* The conversation is over; may call agent_client_close(). */
	void (*refuse)(void *ctx, const char *why);
};

struct agent_client *agent_client_new(struct agent *a,
				      const struct agent_client_ops *ops,
				      void *ctx);
/*
 * Before any message of a conversation of that version, if that has MACHINE:
 * takes over the CPUs of the `n` classes there.
 */
void agent_client_speaks(struct agent_client *c, int version,
			 struct node_cpus *cpus, unsigned n);
/* The conversation ended, and no job uses a cell any more but its drop. */
void agent_client_close(struct agent_client *c);

/*
 * A CELL, SHUT, PATHS, VIEW, BLOB, FLAGS, PIN, STEP, BUNDLE, TOOLS or DROP.  0;
 * -EPROTO with `err` set when the conversation is over; -ENOTSUP for any other
 * type.
 */
int agent_client_take(struct agent_client *c, uint16_t type, struct bytes body,
		      struct err *err);

/* Its cells and bundles, for people; the caller's reference. */
json_t *agent_client_json(const struct agent_client *c);

/* To be called now and then: fails destinations whose files do not come. */
void agent_client_check(struct agent_client *c);

/* Its cell of that number that takes jobs, or NULL. */
struct agent_cell *agent_client_cell(const struct agent_client *c,
				     uint32_t number);
/* The CPUs for its jobs, by class. */
struct agent_pins *agent_client_pins(struct agent_client *c);
/* The tools for its jobs. */
struct agent_steps *agent_client_steps(struct agent_client *c);
/* A path by its number, NULL: none has it.  Borrowed until it closes. */
const char *agent_client_path(const struct agent_client *c, uint32_t number);
/* As wire_flags_of_runs(); the strings are borrowed until it closes. */
int agent_client_flags(const struct agent_client *c, const struct wire_job *m,
		       struct wire_flag **flags, size_t *n);

#endif

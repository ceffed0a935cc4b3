/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/farm.h - what a command needs so that the nodes do its compiles: the
 * links in front of PATH, the local slots, the coordinator, the jobserver.
 */
#ifndef KERNEL_FARM_H
#define KERNEL_FARM_H

#include "base/err.h"
#include "base/str.h"
#include "events/hub.h"
#include "events/tally.h"
#include "kernel/estimate.h"
#include "kernel/jobserver.h"
#include "kernel/probes.h"
#include "kernel/rundir.h"
#include "kernel/shell.h"
#include "node/roster.h"

#include <stdint.h>

struct coord;
struct event_base;
struct events_server;
struct history_record;
struct kernel_nodes;

struct kernel_farm {
	struct kernel_rundir rundir;
	char *links; /* in front of PATH */
	struct kernel_shell shell; /* make's */
	struct kernel_probes probes; /* what compilers answered */
	struct coord *coord; /* NULL: without links */
	bool has_nodes; /* some are configured */
	unsigned local_slots; /* compiles at once on this machine alone */
	unsigned capacity; /* jobs at once, here and on nodes */
	unsigned waiting; /* recipes that wait, as the coordinator said */
	struct kernel_jobserver jobserver; /* broker 0: there is none */
	const struct node_roster *roster;
	uint64_t began_ms;
	struct events_hub *hub; /* borrowed: hears of everything */
	struct events_consumer counter;
	struct events_tally tally; /* of what the hub heard since the start */
	struct kernel_nodes *nodes; /* follows the configuration; or NULL */
	struct events_server *events; /* for those who connect */
	struct history_record *record; /* NULL: it has not begun */
	struct kernel_estimate estimate; /* of the last build of its key */
	struct strv notes; /* that were told of the history */
	bool ready; /* the nodes are up, or have failed */
};

struct kernel_farm_setup {
	struct event_base *base;
	const char *path; /* PATH whose compilers get links */
	bool lasting; /* links that outlive the run, and only compilers' */
	bool shell; /* make gets kfarm's, where that can be */
	bool forget_probes; /* compilers are asked each time */
	/* Lists that end in NULL, or NULL: */
	char *const *trees; /* source and build directory */
	char *const *expect; /* names of compilers that will be called */
	char *const *env; /* of the build */
};

/*
 * Decide on the local slots; `asked` is -j, 0 when it was not given.  The
 * farm must stay where it is from now on, and `roster` too.
 */
void kernel_farm_init(struct kernel_farm *f, const struct node_roster *roster,
		      unsigned asked, struct events_hub *hub);
/*
 * Tell that the build begins, and what the last one of its key lets one expect;
 * it is written down from now on.
 */
void kernel_farm_tell_build(struct kernel_farm *f, struct events_event *build);
/*
 * Tell how the nodes and this machine do, so that the tally is complete; and
 * that the build ended, `done` having its status, and what is known of its tree
 * and its diagnostics: its number in the history, 0: it is not there.  Its page
 * (report/html.h) goes to `report`; NULL: none is made.
 */
void kernel_farm_tell_figures(const struct kernel_farm *f);
int64_t kernel_farm_tell_done(struct kernel_farm *f, struct events_event *done,
			      const char *report);
/* Make the run's directory with its slots. */
int kernel_farm_dirs(struct kernel_farm *f, struct err *err);
/*
 * Make the links, start the coordinator, and let others connect who want to
 * see the events.  Names of compilers that are
 * scripts, which are not linked, go to `skipped`.
 */
int kernel_farm_open(struct kernel_farm *f,
		     const struct kernel_farm_setup *setup,
		     struct strv *skipped, struct err *err);
/* Add the variables that the wrapper reads. */
void kernel_farm_env(const struct kernel_farm *f, struct strv *out);
/*
 * Run the loop until the nodes are up or have failed, or a moment behind those
 * that are up (coord_when_ready()), 3 s at most, or *stopped is a signal:
 * -EINTR.  Without nodes there is no wait.
 */
int kernel_farm_await(struct kernel_farm *f, struct event_base *base,
		      const int *stopped);
/* Is anything compiled, or waits for that? */
bool kernel_farm_is_busy(const struct kernel_farm *f);
/* Nodes that are up and have slots. */
unsigned kernel_farm_nodes_up(const struct kernel_farm *f);
/* Compiles at once on this machine, beside the nodes that are up. */
unsigned kernel_farm_local(const struct kernel_farm *f);
/*
 * make's -j: what was asked for (0: nothing), else the slots of this machine
 * and of the nodes that are up, as far as this machine can hold them.
 */
unsigned kernel_farm_jobs(const struct kernel_farm *f, unsigned asked);
/* Start the jobserver; `asked` is -j, 0: not given. */
int kernel_farm_tokens(struct kernel_farm *f, unsigned asked, struct err *err);
/* Add the MAKEFLAGS that offer it, if it was started, to those of `env`. */
void kernel_farm_offer(const struct kernel_farm *f, struct strv *out,
		       char *const *env);
/* End the jobserver, then the coordinator and its jobs. */
void kernel_farm_close(struct kernel_farm *f);
/* Remove the run's directory, and forget the tally. */
void kernel_farm_release(struct kernel_farm *f);

#endif

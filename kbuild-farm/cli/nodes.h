/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/nodes.h - Declarations shared by the subcommands of `kfarm nodes`.
 */
#ifndef CLI_NODES_H
#define CLI_NODES_H

#include "base/record.h"
#include "conf/conf.h"
#include "node/limits.h"
#include "node/roster.h"
#include "peer/survey.h"
#include "tls/key.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdio.h>

#define NODES_TABLE_COLUMNS 80 /* width of a table; `list` can be wider */

#define NODES_STATES "up down unfit drained cloned"

/* The command line of `kfarm nodes VERB` and the configuration. */
struct nodes_request {
	const char *verb; /* "list" */
	struct strv words; /* arguments after the verb */
	bool json;
	const char *slots, *codec;
	const char *profile; /* board profile of `tune` */
	bool dry_run, revert, yes;
	const char *key, *port; /* --key of `add` or `import`; --port */
	const char *key_file, *removed_list; /* options of `import` */
	const char *pool; /* engine of `add --pool`, or pool of `list --pool` */
	struct strv states, sites; /* --state and --site of `list` */
	bool manual, ssh_only, keep;
	const char *burn_in_time; /* "": default; NULL: no burn-in */
	const char *toolchain, *arch; /* -t and --arch of `check` */
	/* --simulate, --build and --gantt of `limits`, or NULL */
	const char *farm_file, *build, *gantt_file;
	struct conf *conf;
	struct node_roster roster;
};

/*
 * Read the configuration, which can be empty, into r->conf and r->roster.
 * Earlier contents are freed.
 */
int nodes_load(struct nodes_request *r, struct err *err);
/*
 * List the named nodes, each once, or all nodes if no name was given.  The
 * caller frees `*out`.  Returns -ENOENT for an unknown name, and -EPERM for a
 * node of an imported list if the verb administers nodes.
 */
int nodes_select(const struct nodes_request *r, const struct node_entry ***out,
		 size_t *n, struct err *err);
/*
 * List the nodes that `list` prints, but ignore --state.  The caller frees
 * `*out`.  Returns -EINVAL if options exclude each other, or -ENOENT if the
 * command line names an unknown node, pool, site or state.
 */
int nodes_filter_select(const struct nodes_request *r,
			const struct node_entry ***out, size_t *n,
			struct err *err);
/* Return true if `list` prints the pool. */
bool nodes_filter_has_pool(const struct nodes_request *r,
			   const struct node_pool *p);
/*
 * Print "kfarm: nodes VERB: text" and return the exit status: EXIT_INTERRUPTED
 * after a signal, EXIT_USAGE otherwise.
 */
int nodes_log_error(const struct nodes_request *r, const struct err *err);
/*
 * Set `err`, with the errno `code`, for a node without an ssh address.  Returns
 * -code.
 */
int nodes_set_no_ssh(const struct node_entry *e, int code, struct err *err);
/*
 * Read the fingerprint of the build host's key, ~/.config/kfarm/key.pem.
 * Creates the key if it does not exist.  Returns 0 or a negative errno.
 */
int nodes_read_fingerprint(char out[static TLS_KEY_FINGERPRINT_SIZE],
			   struct err *err);
/* If no node is configured, print how to add one. */
void nodes_print_if_empty(const struct nodes_request *r);

/* A row of the listings: a node and its slots. */
struct nodes_row {
	const struct node_entry *entry;
	const struct peer_survey_node *node;
	/* equal to `node` if the node has sent HELLO, otherwise NULL */
	const struct peer_survey_node *answer;
	const char *state; /* a word of NODES_STATES */
	const char *reason; /* why the node gets no jobs, or NULL */
	/*
	 * slots while the node is neither hot, nor loaded by other programs,
	 * nor low on memory; zeroed if the node is not up
	 */
	struct node_limit max_limit;
	unsigned slots; /* current number of slots */
	char *limit_reason; /* why `slots` is below max_limit, or NULL */
};

/* The reports of the nodes, and the limits derived from them. */
struct nodes_survey {
	struct peer_survey_node *nodes; /* in the order of the arguments */
	struct nodes_row *rows; /* one for each node */
	size_t n_nodes;
	const struct node_pool *pools; /* used by `limits`; may be NULL */
	size_t n_pools;
	struct wire_inventory local;
	struct node_limit local_limit;
	unsigned capacity; /* result of kernel_capacity() */
	char *capacity_reason;
};

/* Fill the rows and the limits, as nodes_survey() does. */
void nodes_survey_limits(struct nodes_survey *s);
/*
 * Query `n` nodes concurrently and compute the limits.  The query ends with
 * -ECANCELED once *cancel is true; `cancel` can be NULL.  Returns 0 or a
 * negative errno with `err` set.  After success, the caller calls
 * nodes_survey_release().
 */
int nodes_survey(struct nodes_survey *s, const struct node_entry *const *nodes,
		 size_t n, const atomic_bool *cancel, struct err *err);
void nodes_survey_release(struct nodes_survey *s);
/* Return the -j of a build with these nodes and all members of the pools. */
unsigned nodes_count_jobs(const struct nodes_survey *s);
/*
 * Format a temperature in millikelvin as degrees Celsius, such as "48 C".
 * Returns NULL if the temperature is unknown.  The caller frees the result.
 */
char *nodes_format_celsius(int64_t mk);
/* size of "5a:13:01:02:03:04" */
#define NODES_MAC_BYTES 18

struct pool_row;

/* The pools, with their members in the running builds of this user. */
struct nodes_pools {
	struct pool_row *rows;
	size_t n;
};

/*
 * List the pools that `list` prints.  The pools are borrowed from the roster.
 * Waits at most 2 s until the running builds have sent the pools' members.  The
 * caller calls nodes_pools_release().
 */
void nodes_pools_collect(struct nodes_pools *all,
			 const struct nodes_request *r);
void nodes_pools_release(struct nodes_pools *all);
/* Print the table of the pools; nothing without pools. */
void nodes_print_pools(FILE *out, const struct nodes_pools *all);
/* Return a JSON array of the pools; the caller releases the reference. */
json_t *nodes_json_pools(const struct nodes_pools *all);

/* Return the listing as JSON; the caller releases the reference. */
json_t *nodes_json_list(const struct nodes_survey *s);
/* Print the tables of `kfarm nodes list`, `limits` and `probe`. */
void nodes_print_list(FILE *out, const struct nodes_survey *s);
void nodes_print_limits(FILE *out, const struct nodes_survey *s);
void nodes_print_probe(FILE *out, const struct nodes_survey *s);

/*
 * The verbs outside cli/cmd-nodes.c; each returns the exit status.
 * nodes_survey_main() runs `list`, `probe` and `limits`, which query the named
 * nodes, or all nodes.
 */
int nodes_survey_main(void *request);
/*
 * Write a section [pool] from the template of the engine r->pool.  The roster
 * must be loaded.  Returns 0 or a negative errno.
 */
int nodes_add_pool(struct nodes_request *r, struct err *err);
/* Run `limits --simulate`. */
int nodes_simulate_main(const struct nodes_request *r);
int nodes_add_main(void *request);
int nodes_remove_main(void *request);
int nodes_update_main(void *request);
int nodes_rekey_main(void *request);
int nodes_check_main(void *request);
int nodes_import_main(void *request);
/*
 * Refresh the imported lists at the start of a build.  Waits less than a
 * second, and logs a warning for each list that was not refreshed.
 */
void nodes_import_refresh(void);

#endif

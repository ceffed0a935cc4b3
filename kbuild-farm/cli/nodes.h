/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/nodes.h - what the subcommands of `kfarm nodes` share.
 */
#ifndef CLI_NODES_H
#define CLI_NODES_H

#include "conf/conf.h"
#include "node/limits.h"
#include "node/roster.h"
#include "peer/tools.h"

#include <jansson.h>
#include <stdio.h>

/* The command line, and what the configuration says. */
struct nodes_request {
	const char *verb; /* "list" */
	struct strv words; /* after the verb */
	bool json;
	const char *slots, *codec;
	const char *profile; /* of a board */
	bool dry_run, revert, yes;
	const char *key, *port;
	bool manual, ssh_only, keep;
	const char *burn_in; /* "": for the usual time; NULL: none */
	const char *toolchain, *arch; /* of check */
	struct conf *conf;
	struct node_roster roster;
};

/*
 * cli/nodes-settings.c
 */
/* Read the configuration; it may be empty. */
int nodes_load(struct nodes_request *r, struct err *err);
/*
 * The nodes that were named, or all, in a list that is the caller's; -ENOENT
 * for a name that is none.
 */
int nodes_select(const struct nodes_request *r, const struct node_entry ***out,
		 size_t *n, struct err *err);
/* Prints "kfarm: nodes VERB: text"; returns the exit status. */
int nodes_failed(const struct nodes_request *r, const struct err *err);
/* Why there is nothing to see: how to add the first node. */
void nodes_note_if_empty(const struct nodes_request *r);

/*
 * cli/nodes-survey.c: what was found out about nodes.
 */
struct nodes_limit {
	struct node_limit full; /* with nothing in its way */
	unsigned now;
	char *in_way; /* why `now` is less; NULL: it is not */
};

struct nodes_survey {
	struct peer_tools_node *nodes; /* in the order given */
	struct nodes_limit *limits; /* of each that is up; else zeroed */
	size_t n;
	struct wire_inventory local;
	struct node_limit local_limit;
	unsigned capacity; /* kernel/capacity.h */
	char *capacity_why;
};

/*
 * Of nodes that were asked, and of s->local: the limits.  nodes_survey() has
 * done so.
 */
void nodes_survey_limits(struct nodes_survey *s);
/* Ask the nodes, all at once. */
int nodes_survey(struct nodes_survey *s, const struct node_entry *const *nodes,
		 size_t n, struct err *err);
void nodes_survey_release(struct nodes_survey *s);
/*
 * cli/nodes-identity.c: bar those whose key two machines have, and one that is
 * there twice; warn of what else they have in common that they should not.
 */
void nodes_identity_check(struct peer_tools_node *nodes, size_t n);
/* "up", "down", "unfit", "drained", "cloned"; and why it gets no jobs, NULL if
 * it does. */
const char *nodes_state(const struct peer_tools_node *p);
const char *nodes_reason(const struct peer_tools_node *p);
/* cli/nodes-version.c: which run another version's kfarmd, in one line. */
void nodes_note_versions(const struct nodes_survey *s);
/* The -j of a build with them. */
unsigned nodes_jobs(const struct nodes_survey *s);
/* "512 MiB", "3.8 GiB"; the caller frees it. */
char *nodes_memory_text(unsigned mib);
/* "48 C" of thousandths of a kelvin, NULL of an unknown; the caller's. */
char *nodes_celsius_text(uint32_t mk);
/* "5a:13:01:02:03:04" */
#define NODES_MAC_SIZE 18
void nodes_mac_text(char out[static NODES_MAC_SIZE], uint64_t mac);
/*
 * What list, probe and limits have in common: survey the nodes that were
 * named, print it, and return 0 if all get jobs.
 */
int nodes_survey_main(struct nodes_request *r,
		      void (*as_text)(FILE *, const struct nodes_survey *),
		      json_t *(*as_json)(const struct nodes_survey *));

/* cli/nodes-json.c: the caller's references. */
json_t *nodes_json_list(const struct nodes_survey *s);
json_t *nodes_json_limits(const struct nodes_survey *s);
/* cli/nodes-list.c, cli/nodes-limits.c, cli/nodes-probe.c */
void nodes_text_list(FILE *out, const struct nodes_survey *s);
void nodes_text_limits(FILE *out, const struct nodes_survey *s);
void nodes_text_probe(FILE *out, const struct nodes_survey *s);

/* The verbs, cli/nodes-VERB.c; each returns the exit status. */
int nodes_list_main(struct nodes_request *r);
int nodes_add_main(struct nodes_request *r);
int nodes_remove_main(struct nodes_request *r);
int nodes_update_main(struct nodes_request *r);
int nodes_rekey_main(struct nodes_request *r);
int nodes_probe_main(struct nodes_request *r);
int nodes_limits_main(struct nodes_request *r);
int nodes_drain_main(struct nodes_request *r);
int nodes_resume_main(struct nodes_request *r);
int nodes_tune_main(struct nodes_request *r);
int nodes_power_main(struct nodes_request *r);
int nodes_check_main(struct nodes_request *r);

#endif

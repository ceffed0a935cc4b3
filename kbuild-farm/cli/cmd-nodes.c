/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/nodes.h"

#include "base/log.h"

#include <stddef.h>

#define AT(member) offsetof(struct nodes_request, member)

/* Without a time it is for the usual one. */
static int take_burn_in(void *at, const struct args *a, struct err *err)
{
	(void)err;
	*(const char **)at = a->value ? a->value : "";
	return 0;
}

static const struct args_option options[] = {
	{ 0, "json", NULL, "print JSON", args_flag, AT(json), 0 },
	{ 0, "slots", "N", "jobs at once at most", args_text, AT(slots), 0 },
	{ 0, "codec", "C", "none, lzo or zstd", args_text, AT(codec), 0 },
	{ 0, "profile", "PROFILE", "of a board: generic, nanopi-neo4 ...",
	  args_text, AT(profile), 0 },
	{ 0, "dry-run", NULL, "show what would be done", args_flag, AT(dry_run),
	  0 },
	{ 0, "revert", NULL, "bring back what was there before", args_flag,
	  AT(revert), 0 },
	{ 0, "yes", NULL, "do it without a question", args_flag, AT(yes), 0 },
	{ 0, "key", "KEY", "the fingerprint of a tls: node's key", args_text,
	  AT(key), 0 },
	{ 0, "port", "N", "where kfarmd is to listen instead of 3634",
	  args_text, AT(port), 0 },
	{ 0, "ssh", NULL, "no service: one file, reached through ssh",
	  args_flag, AT(ssh_only), 0 },
	{ 0, "manual", NULL, "only print what to type instead", args_flag,
	  AT(manual), 0 },
	{ 0, "keep", NULL, "leave the node itself as it is", args_flag,
	  AT(keep), 0 },
	{ 't', "toolchain", "TOOLCHAIN", "the compiler to check with",
	  args_text, AT(toolchain), 0 },
	{ 'a', "arch", "ARCH", "and for which architecture", args_text,
	  AT(arch), 0 },
	{ 0, "burn-in", "[=TIME]", "compile on all cores so long (1h)",
	  take_burn_in, AT(burn_in), 0 },
	{ 0 },
};

static const struct verb {
	struct cmd_verb about;
	int (*run)(struct nodes_request *r);
} verbs[] = {
	{ { "list", "", "json", 0, 0, "a line for each node: how it is" },
	  nodes_list_main },
	{ { "add", " NAME ADDRESS", "slots codec key port ssh manual", 2, 2,
	    "make a machine a node: install kfarmd by ssh" },
	  nodes_add_main },
	{ { "remove", " NAME...", "keep", 1, 1000,
	    "take nodes out, and undo what add did there" },
	  nodes_remove_main },
	{ { "update", " [NAME]...", "", 0, 1000,
	    "bring this version's kfarmd to nodes" },
	  nodes_update_main },
	{ { "rekey", " NAME...", "", 1, 1000,
	    "new keys for nodes, as after copying a disk" },
	  nodes_rekey_main },
	{ { "drain", " NAME...", "", 1, 1000,
	    "nodes get no more jobs until they are resumed" },
	  nodes_drain_main },
	{ { "resume", " NAME...", "", 1, 1000, "drained nodes get jobs again" },
	  nodes_resume_main },
	{ { "probe", " [NAME]...", "json", 0, 1000, "all about each node" },
	  nodes_probe_main },
	{ { "limits", "", "json", 0, 0,
	    "how many jobs each node gets, why, and the -j" },
	  nodes_limits_main },
	{ { "tune", " NAME...", "profile dry-run revert yes json", 1, 1000,
	    "set clocks and services for good, by a profile" },
	  nodes_tune_main },
	{ { "power", " NAME... on|off|reset", "", 2, 1001,
	    "run the power command of the configuration" },
	  nodes_power_main },
	{ { "check", " [NAME]...", "json burn-in toolchain arch", 0, 1000,
	    "whether each node works, and the cure if not" },
	  nodes_check_main },
};

static const struct cmd_verb *nodes_verb(size_t i)
{
	return i < sizeof(verbs) / sizeof(*verbs) ? &verbs[i].about : NULL;
}

static int nodes_main(char *const *argv)
{
	struct nodes_request r = { 0 };
	const struct verb *verb;
	struct err err = { 0 };
	int status = EXIT_USAGE;

	verb = (const struct verb *)cmd_verb_parse(&cmd_nodes, argv, &r,
						   &r.words, &err);
	if (!verb) {
		log_error("nodes: %s", err.text);
	} else {
		r.verb = verb->about.name;
		status = verb->run(&r);
	}
	strv_release(&r.words);
	node_roster_release(&r.roster);
	conf_free(r.conf);
	return status;
}

const struct cmd cmd_nodes = {
	.name = "nodes",
	.usage = "VERB [OPTION]... [ARGUMENT]...",
	.help = "list, add, remove, probe and limit the nodes of the farm",
	.options = options,
	.verb = nodes_verb,
	.more = "With an ADDRESS ssh:[USER@]HOST kfarmd is brought there; what is "
		"only written\ndown is tls:HOST[:PORT], exec:COMMAND or "
		"unix:PATH.\n",
	.run = nodes_main,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/tree.h"

#include "base/log.h"

#include <stddef.h>
#include <string.h>

#define AT(member) offsetof(struct tree_request, member)

static const struct args_option options[] = {
	{ 0, "branch", "BRANCH", "fetch this one alone; may be repeated",
	  args_list, AT(branches), 0 },
	{ 0, "depth", "N", "fetch N commits of a branch (by git)", args_text,
	  AT(depth), 0 },
	{ 0, "in-place", NULL, "use an adopted clone itself; updates change it",
	  args_flag, AT(in_place), 0 },
	{ 0, "timeout", "SECONDS", "give up a server silent for so long: 60",
	  args_text, AT(timeout), 0 },
	{ 0, "json", NULL, "print JSON", args_flag, AT(json), 0 },
	{ 0 },
};

static const struct verb {
	struct cmd_verb about;
	int (*run)(struct tree_request *r);
} verbs[] = {
	{ { "add", " NAME URL|DIR|TARBALL", "branch depth in-place timeout", 2,
	    2, "clone a tree, adopt a clone, or import files" },
	  tree_add_main },
	{ { "update", " [NAME]...", "timeout", 0, 1000,
	    "fetch all remotes of these trees, or of all" },
	  tree_update_main },
	{ { "list", "", "json", 0, 0,
	    "the trees, as of their last update, and their last builds" },
	  tree_list_main },
	{ { "remove", " NAME...", "", 1, 1000,
	    "remove trees, but no clone that was adopted" },
	  tree_remove_main },
};

static const struct cmd_verb *tree_verb(size_t i)
{
	return i < sizeof(verbs) / sizeof(*verbs) ? &verbs[i].about : NULL;
}

static int tree_main(char *const *argv)
{
	struct tree_request r = { 0 };
	const struct verb *verb;
	struct err err = { 0 };
	int status = EXIT_USAGE;

	verb = (const struct verb *)cmd_verb_parse(&cmd_tree, argv, &r,
						   &r.words, &err);
	if (!verb) {
		log_error("tree: %s", err.text);
	} else {
		r.verb = verb->about.name;
		status = verb->run(&r);
	}
	strv_release(&r.words);
	strv_release(&r.branches);
	return status;
}

const struct cmd cmd_tree = {
	.name = "tree",
	.usage = "VERB [OPTION]... [ARGUMENT]...",
	.help = "add, update, list and remove kernel trees to build from",
	.options = options,
	.verb = tree_verb,
	.more = "URL is http, https, ssh, git or file, or HOST:PATH.  "
		"`kfarm build --tree NAME`\nbuilds from a tree.\n",
	.run = tree_main,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"
#include "base/printable.h"
#include "base/spawn.h"
#include "cli/cmd.h"
#include "cli/nodes.h"
#include "cli/progress.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/*
 * The verbs `drain` and `resume`: set "drain" of the named nodes in the
 * configuration.  A running build watches the configuration, so it needs no
 * message.
 */
static int nodes_drain_main(void *request)
{
	struct nodes_request *r = request;
	bool drain = !strcmp(r->verb, "drain");
	const struct node_entry **nodes = NULL;
	struct err err = { 0 };
	size_t n = 0;
	int ret = nodes_load(r, &err);

	if (!ret)
		ret = nodes_select(r, &nodes, &n, &err);
	for (size_t i = 0; !ret && i < n; i++) {
		if (nodes[i]->drained != drain)
			ret = conf_set("node", nodes[i]->name, "drain",
				       drain ? "true" : "false", &err);
	}
	free(nodes);
	return ret ? nodes_log_error(r, &err) : EXIT_OK;
}

#define DEADLINE_MS 60000
#define OUTPUT_MAX  (1u << 20) /* bytes of stdout, and of stderr */

/* Arguments and results of run_switch(), which runs on another thread. */
struct switching {
	char *command; /* ends in on, off or reset */
	struct buf output, words; /* its stdout and stderr */
	int status;
	struct err err;
};

/*
 * Run the command in a process group of its own, so that the timeout also ends
 * its children.
 */
static int run_switch(void *arg)
{
	struct switching *s = arg;
	char *const argv[] = { "/bin/sh", "-c", s->command, NULL };
	const struct spawn what = { .argv = argv,
				    .stdio_fds = { -1, -1, -1 },
				    .own_group = true,
				    .killed_with_parent = true };
	const struct spawn_limits limits = { .max_bytes = OUTPUT_MAX,
					     .timeout_ms = DEADLINE_MS };

	return spawn_collect(&what, &limits, &s->output, &s->words, &s->status,
			     &s->err);
}

/* Print each line of `text` with the node's name in front. */
static void show_lines(FILE *to, const char *name, const struct buf *text)
{
	struct strv lines = { 0 };

	strv_split(&lines, buf_str(text), "\r\n");
	for (size_t i = 0; i < lines.n; i++) {
		printable_replace(lines.v[i], strlen(lines.v[i]), 0, ' ');
		fprintf(to, "%s: %s\n", name, lines.v[i]);
	}
	fflush(to);
	strv_release(&lines);
}

/* Run the power command of a node and print its output. */
static int switch_node(const struct nodes_request *r, const char *name,
		       const char *action)
{
	const char *command = conf_get(r->conf, "node", name, "power");
	struct switching s = { 0 };
	int ret;

	if (!command) {
		log_error(
			"%s: no power command is configured; set `power = COMMAND` in [node \"%s\"]",
			name, name);
		return -ENOENT;
	}
	s.command = xasprintf("%s %s", command, action);
	ret = progress_run(name, action, run_switch, &s);
	show_lines(stdout, name, &s.output);
	show_lines(stderr, name, &s.words);
	if (ret || s.status) {
		char *end = spawn_status_text(s.status);

		if (ret == -ETIMEDOUT)
			log_error(
				"%s: `%s` did not finish within %d s and was killed",
				name, s.command, DEADLINE_MS / 1000);
		else
			log_error("%s: `%s`: %s", name, s.command,
				  ret ? s.err.text : end);
		free(end);
		ret = -EIO;
	}
	buf_release(&s.output);
	buf_release(&s.words);
	free(s.command);
	return ret;
}

static int nodes_power_main(void *request)
{
	struct nodes_request *r = request;
	const char *action = r->words.v[--r->words.n];
	const struct node_entry **nodes;
	struct err err = { 0 };
	int status = EXIT_OK;
	size_t n;

	if (!str_list_has("on off reset", ' ', action)) {
		err_set(&err, EINVAL,
			"\"%s\": expected on, off or reset; usage: kfarm "
			"nodes power NAME... on|off|reset",
			action);
		return nodes_log_error(r, &err);
	}
	if (nodes_load(r, &err) || nodes_select(r, &nodes, &n, &err))
		return nodes_log_error(r, &err);
	for (size_t i = 0; i < n; i++) {
		if (switch_node(r, nodes[i]->name, action))
			status = EXIT_USAGE;
	}
	free(nodes);
	return status;
}

#define AT(member) offsetof(struct nodes_request, member)

/* Parse --burn-in[=TIME]; "" stands for the default duration. */
static int parse_burn_in(void *at, const struct args *a, struct err *err)
{
	(void)err;
	*(const char **)at = a->value ? a->value : "";
	return 0;
}

static const struct args_option options[] = {
	{ 0, "json", NULL, "print JSON", args_flag, AT(json), 0 },
	{ 0, "slots", "N", "maximum number of concurrent jobs", args_text,
	  AT(slots), 0 },
	{ 0, "codec", "C", "none, lzo or zstd", args_text, AT(codec), 0 },
	{ 0, "profile", "PROFILE", "board profile: generic, nanopi-neo4 ...",
	  args_text, AT(profile), 0 },
	{ 0, "dry-run", NULL, "print the changes without making them",
	  args_flag, AT(dry_run), 0 },
	{ 0, "revert", NULL, "restore the previous settings", args_flag,
	  AT(revert), 0 },
	{ 0, "yes", NULL, "do not ask for confirmation", args_flag, AT(yes),
	  0 },
	{ 0, "key", "KEY", "fingerprint of the key of a tls: node", args_text,
	  AT(key), 0 },
	{ 0, "port", "N", "port of kfarmd (default: 3634)", args_text, AT(port),
	  0 },
	{ 0, "ssh", NULL, "install no service; connect by ssh", args_flag,
	  AT(ssh_only), 0 },
	{ 0, "manual", NULL, "only print the commands to run", args_flag,
	  AT(manual), 0 },
	{ 0, "keep", NULL, "do not change the node itself", args_flag, AT(keep),
	  0 },
	{ 't', "toolchain", "TOOLCHAIN", "compiler for the check", args_text,
	  AT(toolchain), 0 },
	{ 'a', "arch", "ARCH", "target architecture of the check", args_text,
	  AT(arch), 0 },
	{ 0, "burn-in", "[=TIME]", "stress all cores for TIME (default: 1h)",
	  parse_burn_in, AT(burn_in_time), 0 },
	{ 0 },
};

static const struct cmd_verb verbs[] = {
	{ "list", "", "json", 0, 0, "list the nodes and their states",
	  nodes_list_main },
	{ "add", " NAME ADDRESS", "slots codec key port ssh manual", 2, 2,
	  "add a machine as a node: install kfarmd by ssh", nodes_add_main },
	{ "remove", " NAME...", "keep", 1, 1000,
	  "remove nodes and undo the changes of add", nodes_remove_main },
	{ "update", " [NAME]...", "", 0, 1000,
	  "install this version's kfarmd on nodes", nodes_update_main },
	{ "rekey", " NAME...", "", 1, 1000,
	  "replace keys of nodes, e.g. after copying a disk",
	  nodes_rekey_main },
	{ "drain", " NAME...", "", 1, 1000, "send no more jobs to nodes",
	  nodes_drain_main },
	{ "resume", " NAME...", "", 1, 1000, "send jobs to drained nodes again",
	  nodes_drain_main },
	{ "probe", " [NAME]...", "json", 0, 1000,
	  "print all details of each node", nodes_probe_main },
	{ "limits", "", "json", 0, 0,
	  "explain the number of jobs per node and the -j", nodes_limits_main },
	{ "tune", " NAME...", "profile dry-run revert yes json", 1, 1000,
	  "apply a board profile: clocks and services", nodes_tune_main },
	{ "power", " NAME... on|off|reset", "", 2, 1001,
	  "run the configured power command", nodes_power_main },
	{ "check", " [NAME]...", "json burn-in toolchain arch", 0, 1000,
	  "test each node and suggest remedies", nodes_check_main },
	{ 0 },
};

static int nodes_main(char *const *argv)
{
	struct nodes_request r = { 0 };
	const struct cmd_verb *verb;
	int status = EXIT_USAGE;

	verb = cmd_verb_parse(&cmd_nodes, argv, &r, &r.words);
	if (verb) {
		r.verb = verb->name;
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
	.verbs = verbs,
	.extra_help =
		"For an ADDRESS ssh:[USER@]HOST, kfarm installs kfarmd.  tls:HOST[:PORT],\nexec:COMMAND and unix:PATH are only added to the configuration.\n",
	.run = nodes_main,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/nodes.h"
#include "cli/progress.h"

#include "base/log.h"
#include "base/printable.h"
#include "base/spawn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define DEADLINE_MS 60000
#define OUTPUT_MAX  (1u << 20)

/* A node's command, and what came of it. */
struct switching {
	char *command; /* with on, off or reset behind it */
	struct buf out, words;
	int status;
	struct err err;
};

static int run_switch(void *arg)
{
	struct switching *s = arg;
	char *const argv[] = { "/bin/sh", "-c", s->command, NULL };
	const struct spawn what = { .argv = argv,
				    .fd = { -1, -1, -1 },
				    .own_group = true,
				    .dies_with_us = true };
	const struct spawn_limits limits = { .max = OUTPUT_MAX,
					     .timeout_ms = DEADLINE_MS };

	return spawn_collect(&what, &limits, &s->out, &s->words, &s->status,
			     &s->err);
}

/* Each line of it with the node's name in front. */
static void show_lines(FILE *to, const char *name, const struct buf *text)
{
	struct strv lines = { 0 };

	strv_split(&lines, buf_str(text), "\r\n");
	for (size_t i = 0; i < lines.n; i++) {
		printable_clean(lines.v[i], strlen(lines.v[i]), 0, ' ');
		fprintf(to, "%s: %s\n", name, lines.v[i]);
	}
	fflush(to);
	strv_release(&lines);
}

static int power_failed(const struct switching *s, const char *name, int ret)
{
	char *end = spawn_status_text(s->status);

	if (ret == -ETIMEDOUT)
		log_error("%s: `%s` did not end within %d s, and was killed",
			  name, s->command, DEADLINE_MS / 1000);
	else if (ret)
		log_error("%s: `%s`: %s", name, s->command, s->err.text);
	else
		log_error("%s: `%s`: %s", name, s->command, end);
	free(end);
	return -EIO;
}

static int switch_node(const struct nodes_request *r, const char *name,
		       const char *action)
{
	const char *command = conf_get(r->conf, "node", name, "power");
	struct switching s = { 0 };
	int ret;

	if (!command) {
		log_error("%s: how it is turned on and off is not known; say "
			  "so in the configuration: `power = COMMAND` in "
			  "[node \"%s\"]",
			  name, name);
		return -ENOENT;
	}
	s.command = xasprintf("%s %s", command, action);
	ret = progress_run(name, action, run_switch, &s);
	show_lines(stdout, name, &s.out);
	show_lines(stderr, name, &s.words);
	if (ret || s.status)
		ret = power_failed(&s, name, ret);
	buf_release(&s.out);
	buf_release(&s.words);
	free(s.command);
	return ret;
}

int nodes_power_main(struct nodes_request *r)
{
	const char *action = r->words.v[--r->words.n];
	const struct node_entry **nodes;
	struct err err = { 0 };
	int status = EXIT_OK;
	size_t n;

	if (!str_list_has("on off reset", ' ', action)) {
		err_set(&err, EINVAL,
			"\"%s\" is not on, off or reset: `kfarm nodes power "
			"NAME... on|off|reset`",
			action);
		return nodes_failed(r, &err);
	}
	if (nodes_load(r, &err) || nodes_select(r, &nodes, &n, &err))
		return nodes_failed(r, &err);
	for (size_t i = 0; i < n; i++) {
		if (switch_node(r, nodes[i]->name, action))
			status = EXIT_USAGE;
	}
	free(nodes);
	return status;
}

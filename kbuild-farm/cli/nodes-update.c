/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/enrolment.h"
#include "cli/nodes.h"

#include "base/log.h"
#include "base/task.h"
#include "base/version.h"
#include "cli/progress.h"
#include "cli/settings.h"

#include <errno.h>
#include <stdlib.h>

/* One node; a thread has it. */
struct updated {
	const struct node_entry *entry;
	struct node_remote remote;
	struct enrol_answer answer;
	size_t row;
	int ret;
	struct err err;
};

struct updating {
	struct progress *progress;
	struct updated *v;
};

static void update_node(void *ctx, size_t i)
{
	struct updating *all = ctx;
	struct updated *u = &all->v[i];

	if (settings_interrupted())
		u->ret = err_set(&u->err, EINTR, "node %s: interrupted",
				 u->entry->name);
	else
		u->ret = node_remote_run(&u->remote, NULL, &u->err);
	progress_end(all->progress, u->row);
}

static void tick_update(void *ctx)
{
	progress_tick(((struct updating *)ctx)->progress);
}

/* Through ssh kfarm installed only some; the node knows whether it did. */
static void write_update_script(struct buf *out, const struct node_entry *e,
				const char *pin, const char *client)
{
	struct enrol_wish wish = { .mode = e->address.kind == NODE_TLS ?
						   ENROL_SERVICE :
						   ENROL_SSH,
				   .pin = pin,
				   .client = client,
				   .installed_only = true };

	enrol_script(out, &wish);
}

static int tell_update(const struct nodes_request *r, struct updated *u,
		       struct err *err)
{
	const struct enrol_answer *a = &u->answer;
	const char *name = u->entry->name;
	int ret;

	if (u->ret) {
		*err = u->err;
		return u->ret;
	}
	if (a->nothing)
		return err_set(err, ENOENT,
			       "node %s: its kfarmd was not installed by "
			       "`kfarm nodes add`; whoever did that must do it "
			       "again, or `kfarm nodes add %s ssh:%s`",
			       name, name, u->entry->ssh);
	if (enrol_answer_check(a, err)) {
		err_wrap(err, "node %s", name);
		return -EPROTO;
	}
	printf("%s: kfarmd " KFARM_VERSION "%s\n", name,
	       a->sent ? " is installed" : " was there");
	/* Who made a new key there did so by that node's own hand. */
	if (a->key &&
	    !str_equal(a->key, conf_get(r->conf, "node", name, "key"))) {
		log_warning("%s has another key than it had: %s", name, a->key);
		ret = enrolment_check_key(&r->roster, name, a->key, err);
		return ret ? ret : conf_set("node", name, "key", a->key, err);
	}
	return 0;
}

static int update_all(struct nodes_request *r, struct updating *all, size_t n)
{
	struct err err = { 0 };
	int status = EXIT_OK;

	task_each(TASK_THREADS_MAX, n, update_node, tick_update, all);
	progress_free(all->progress);
	for (size_t i = 0; i < n; i++) {
		if (tell_update(r, &all->v[i], &err))
			status = nodes_failed(r, &err);
		enrol_answer_release(&all->v[i].answer);
	}
	return status;
}

/* Those with ssh; a node that was named and has none is told of. */
static size_t choose_updates(const struct nodes_request *r,
			     const struct node_entry **nodes, size_t n,
			     int *status)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (nodes[i]->ssh) {
			nodes[kept++] = nodes[i];
		} else if (r->words.n) {
			log_error("nodes update: node %s: nothing says how ssh "
				  "reaches it: write `ssh = USER@HOST` below "
				  "[node \"%s\"]",
				  nodes[i]->name, nodes[i]->name);
			*status = EXIT_USAGE;
		}
	}
	return kept;
}

int nodes_update_main(struct nodes_request *r)
{
	const struct node_entry **nodes = NULL;
	struct updating all = { 0 };
	struct buf *scripts = NULL;
	char *client = enrol_client_name();
	char pin[TLS_PIN_TEXT];
	struct err err = { 0 };
	int status = EXIT_OK;
	size_t n = 0;

	if (nodes_load(r, &err) || enrolment_pin(pin, &err) ||
	    nodes_select(r, &nodes, &n, &err)) {
		status = nodes_failed(r, &err);
		goto out;
	}
	nodes_note_if_empty(r);
	n = choose_updates(r, nodes, n, &status);
	all.progress = progress_new();
	all.v = xcalloc(n, sizeof(*all.v));
	scripts = xcalloc(n, sizeof(*scripts));
	for (size_t i = 0; i < n; i++) {
		struct updated *u = &all.v[i];

		write_update_script(&scripts[i], nodes[i], pin, client);
		u->entry = nodes[i];
		u->row = progress_add(all.progress, nodes[i]->name);
		progress_set(all.progress, u->row, "updating", 0, 0);
		u->remote = (struct node_remote){
			.name = nodes[i]->name,
			.ssh = nodes[i]->ssh,
			.script = buf_bytes(&scripts[i]),
			.stop = settings_catch_signals(),
			.on_line = enrol_line,
			.ctx = &u->answer,
		};
	}
	if (update_all(r, &all, n))
		status = EXIT_USAGE;
out:
	for (size_t i = 0; scripts && i < n; i++)
		buf_release(&scripts[i]);
	free(scripts);
	free(all.v);
	free(nodes);
	free(client);
	return status;
}

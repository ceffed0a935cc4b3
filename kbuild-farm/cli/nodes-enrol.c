/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "admin/enrol.h"
#include "admin/remote-script.h"
#include "base/format.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/task.h"
#include "base/version.h"
#include "cli/cmd.h"
#include "cli/nodes.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "conf/schema.h"
#include "node/address.h"
#include "node/own-key.h"
#include "node/roster.h"
#include "tls/key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A remote script.  It runs on another thread, so that the main thread can
 * redraw the progress table.
 */
struct script_run {
	struct admin_remote_script remote;
	const char *what; /* the operation, "installing kfarmd" */
	struct progress *progress;
	size_t row;
	size_t total_bytes; /* largest number of unsent bytes so far */
	struct err *err;
	int ret;
};

/*
 * Show how many bytes were sent.  ssh can ask for a password on the terminal
 * before the script starts.  admin_remote_script_run() does not call this
 * function during that time, so the progress does not overwrite the question.
 */
static void on_bytes_sent(void *ctx, size_t left)
{
	struct script_run *w = ctx;

	if (left > w->total_bytes)
		w->total_bytes = left;
	if (left)
		progress_set(w->progress, w->row, "sending",
			     w->total_bytes - left, w->total_bytes);
	else
		progress_set(w->progress, w->row, w->what, 0, 0);
}

static void run_with_progress(void *ctx, size_t i)
{
	struct script_run *w = ctx;

	(void)i;
	w->ret = admin_remote_script_run(&w->remote, NULL, w->err);
}

static void on_watched_tick(void *ctx)
{
	progress_tick(((struct script_run *)ctx)->progress);
}

int nodes_read_fingerprint(char out[static TLS_KEY_FINGERPRINT_SIZE],
			   struct err *err)
{
	struct tls_key *key = NULL;
	int ret = node_own_key_open(&key, err);

	if (!ret)
		tls_key_format_fingerprint(tls_key_fingerprint(key), out);
	tls_key_free(key);
	return ret;
}

/*
 * Run the script that performs `wish` on the node `name`.  `ssh` is the node's
 * ssh destination, [USER@]HOST.  `what` names the operation in the progress
 * table.  The report of the script is stored in `a`.  The fields `fingerprint`
 * and `client_name` of `wish` are set during the call and are NULL on return.
 *
 * Returns 0 if the script ran to its end; otherwise an error of
 * admin_remote_script_run() or another negative errno, and `err` names the
 * node.
 */
static int enrolment_run(const char *name, const char *ssh,
			 struct admin_enrol_options *wish, const char *what,
			 struct admin_enrol_result *a, struct err *err)
{
	struct script_run w = { .what = what, .err = err };
	char *client = admin_enrol_client_name();
	char pin[TLS_KEY_FINGERPRINT_SIZE];
	struct buf script = { 0 };
	int ret = nodes_read_fingerprint(pin, err);

	if (ret)
		goto out;
	wish->fingerprint = pin;
	wish->client_name = client;
	admin_enrol_add_script(&script, wish);
	w.progress = progress_new();
	w.remote = (struct admin_remote_script){
		.name = name,
		.ssh = ssh,
		.script = buf_bytes(&script),
		.cancel = settings_catch_signals(),
		.interactive = isatty(STDIN_FILENO) && isatty(STDERR_FILENO),
		.on_line = admin_enrol_on_line,
		.line_ctx = a,
		.on_sent = on_bytes_sent,
		.sent_ctx = &w,
	};
	w.row = progress_add(w.progress, name);
	if (!w.remote.interactive)
		progress_set(w.progress, w.row, what, 0, 0);
	task_each(1, 1, run_with_progress, on_watched_tick, &w);
	progress_free(w.progress);
	ret = w.ret;

	if (!ret && wish->action == ADMIN_ENROL_ACTION_INSTALL) {
		ret = admin_enrol_result_check(a, err);
		if (ret)
			err_wrap(err, "node %s", name);
	} else if (!ret && !a->completed) {
		ret = err_set(err, EIO,
			      "node %s: the remote script ended prematurely",
			      name);
	}
out:
	wish->fingerprint = wish->client_name = NULL;
	buf_release(&script);
	free(client);
	return ret;
}

/*
 * Check that no node of `r` except `name` has the key `key`.  If two nodes have
 * the same key, a build uses at most one of them, so a node that reports the
 * key of another node could displace the other node.
 */
static int enrolment_check_key(const struct node_roster *r, const char *name,
			       const char *key, struct err *err)
{
	struct digest pin;

	if (!tls_key_parse_fingerprint(&pin, key))
		return err_set(err, EPROTO,
			       "node %s: \"%s\" is not a key fingerprint", name,
			       key);
	for (size_t i = 0; i < r->n; i++) {
		const struct node_entry *e = &r->v[i];

		if (strcmp(e->name, name) != 0 && digest_equal(&e->pin, &pin))
			return err_set(err, EEXIST,
				       "node %s reports the key %s, which is "
				       "the key of %s: same machine, copied "
				       "disk or forged key",
				       name, key, e->name);
	}
	return 0;
}

/* Log the result of the script on the node `name` in one to three lines. */
static void enrolment_print_result(const char *name,
				   const struct admin_enrol_result *a)
{
	if (a->sent_bytes)
		log_info("%s: installed kfarmd " KFARM_VERSION
			 " for %s (%.1f MiB) as %s",
			 name, a->machine, (double)a->sent_bytes / (1 << 20),
			 a->program);
	else
		log_info("%s: %s already has version " KFARM_VERSION, name,
			 a->program);
	if (!a->is_service)
		return;
	log_info("%s: kfarmd runs as user %s and listens on port %u, key %s",
		 name, a->user, a->port, a->fingerprint);
	if (a->taken_dir)
		log_warning("%s: the service now owns %s; a kfarmd that this "
			    "user starts needs another directory (--store)",
			    name, a->taken_dir);
	if (str_equal(a->init, "none"))
		log_warning("%s: kfarmd is not started at boot: found no "
			    "systemd, OpenRC, update-rc.d, chkconfig, rcS, "
			    "/etc/rc.local or cron; run "
			    "`/usr/local/sbin/kfarmd.init start` at boot",
			    name);
	else
		log_info("%s: %s starts kfarmd at boot", name, a->init);
}

/* The section [node "NAME"] to be added to the configuration. */
struct addition {
	struct nodes_request *request; /* provides `slots` and `codec` */
	const char *name;
	char *address;
	char *key, *ssh; /* NULL: the setting is absent */
};

static int check_option(const char *key, const char *value, struct err *err)
{
	const struct conf_key *k = conf_schema_find("node", "", key);
	int ret = value ? conf_schema_check(k, value, err) : 0;

	if (ret)
		err_wrap(err, "--%s", key);
	return ret;
}

/*
 * Reject a name that is in use, and a second name for a machine that is already
 * configured.  If the name and the ssh destination belong to one configured
 * node, the command is valid and installs kfarmd again.
 */
static int check_is_new(const struct nodes_request *r,
			const struct node_address *address, struct err *err)
{
	const char *name = r->words.v[0];
	const struct node_entry *same = node_roster_get(&r->roster, name);
	const char *ssh = address->kind == NODE_ADDRESS_SSH ? address->text :
							      NULL;

	if (node_roster_get_pool(&r->roster, name))
		return err_set(err, EEXIST,
			       "%s is already a pool; choose another name",
			       name);
	if (same && !(ssh && str_equal(same->ssh, ssh)))
		return err_set(err, EEXIST,
			       "node \"%s\" already exists (%s); run `kfarm "
			       "nodes remove %s` first",
			       name, same->address_text, name);
	for (size_t i = 0; i < r->roster.n; i++) {
		const struct node_entry *e = &r->roster.v[i];

		if (e != same && (str_equal(e->address_text, r->words.v[1]) ||
				  (ssh && str_equal(e->ssh, ssh))))
			return err_set(err, EEXIST,
				       "%s is already configured as node "
				       "\"%s\"; to rename it, run `kfarm "
				       "nodes remove %s` first",
				       r->words.v[1], e->name, e->name);
	}
	return 0;
}

/* Check that the options of `nodes add` fit each other and the address. */
static int check_add_options(const struct nodes_request *r,
			     enum node_address_kind kind, struct err *err)
{
	int ret = check_option("slots", r->slots, err);

	if (!ret)
		ret = check_option("codec", r->codec, err);
	if (ret)
		return ret;
	if (kind != NODE_ADDRESS_SSH && (r->manual || r->ssh_only || r->port))
		return err_set(err, EINVAL,
			       "--manual, --ssh and --port require an address "
			       "ssh:[USER@]HOST");
	if (r->ssh_only && r->port)
		return err_set(err, EINVAL,
			       "--port and --ssh are mutually exclusive: "
			       "--ssh installs no service");
	if (r->key && kind != NODE_ADDRESS_TLS)
		return err_set(err, EINVAL,
			       "--key requires an address tls:HOST[:PORT]");
	if (!r->key && kind == NODE_ADDRESS_TLS)
		return err_set(err, EINVAL,
			       "%s requires --key SHA256:..., which `kfarmd "
			       "--init` prints on the node, and the node "
			       "needs this machine's key; `kfarm nodes add %s "
			       "ssh:HOST` exchanges the keys, or with "
			       "--manual prints the commands",
			       r->words.v[1], r->words.v[0]);
	return 0;
}

#define N_PAIRS 5

static void list_pairs(const struct addition *a,
		       struct conf_pair pairs[static N_PAIRS])
{
	pairs[0] = (struct conf_pair){ "address", a->address };
	pairs[1] = (struct conf_pair){ "key", a->key };
	pairs[2] = (struct conf_pair){ "ssh", a->ssh };
	pairs[3] = (struct conf_pair){ "slots", a->request->slots };
	pairs[4] = (struct conf_pair){ "codec", a->request->codec };
}

static int write_new_node(const struct addition *a, struct err *err)
{
	struct conf_pair pairs[N_PAIRS];

	list_pairs(a, pairs);
	return conf_set_all("node", a->name, pairs, N_PAIRS, err);
}

/*
 * Reload the roster as if the new section were in the configuration.  No file
 * is written yet.
 */
static int load_new_node(const struct addition *a, struct err *err)
{
	struct conf_pair pairs[N_PAIRS];
	struct nodes_request *r = a->request;

	list_pairs(a, pairs);
	if (!r->conf)
		r->conf = conf_new();
	for (size_t i = 0; i < N_PAIRS; i++) {
		if (pairs[i].value)
			conf_override(r->conf, "node", a->name, pairs[i].key,
				      pairs[i].value, "the new node");
	}
	node_roster_release(&r->roster);
	return node_roster_load(&r->roster, r->conf, err);
}

/*
 * Query the node that load_new_node() added, print its report, and write its
 * section to the configuration, even if the node gets no jobs yet.  If the node
 * does not answer, the section is written only if `silent_too` is true.
 */
static int show_and_write(const struct addition *a, bool silent_too,
			  struct err *err)
{
	const struct node_entry *e;
	struct nodes_survey s;
	int ret = silent_too ? write_new_node(a, err) : 0;

	e = node_roster_get(&a->request->roster, a->name);
	if (!ret)
		ret = nodes_survey(&s, &e, 1, settings_catch_signals(), err);
	if (ret)
		return ret;
	if (!s.nodes[0].up && !silent_too) {
		char *file = conf_user_path();

		ret = -EHOSTUNREACH;
		if (str_starts(a->address, "tls:"))
			err_set(err, EHOSTUNREACH,
				"node %s: kfarmd is running, but %s does not "
				"answer: %s; open the port in the firewall "
				"(on the node `ufw allow PORT/tcp` or "
				"similar) and repeat the command, or use "
				"--ssh, which needs no port; %s was not "
				"changed",
				a->name, a->address, s.nodes[0].why, file);
		else
			err_set(err, EHOSTUNREACH,
				"node %s: %s does not answer: %s; %s was not "
				"changed",
				a->name, a->address, s.nodes[0].why, file);
		free(file);
	}
	if (!ret && !silent_too)
		ret = write_new_node(a, err);
	if (!ret)
		nodes_print_probe(stdout, &s);
	if (!ret && s.rows[0].reason)
		log_warning("%s was added, but currently gets no jobs",
			    a->name);
	nodes_survey_release(&s);
	return ret;
}

/* Print the instructions of `nodes add --manual` on stdout. */
static int print_manual(const struct nodes_request *r,
			const struct node_address *address,
			struct admin_enrol_options *wish, struct err *err)
{
	char *client = admin_enrol_client_name();
	struct buf out = { 0 };
	char pin[TLS_KEY_FINGERPRINT_SIZE];
	int ret = nodes_read_fingerprint(pin, err);

	if (!ret) {
		wish->fingerprint = pin;
		wish->client_name = client;
		wish->slots = r->slots;
		wish->codec = r->codec;
		admin_enrol_manual_add(&out, r->words.v[0], address->text,
				       wish);
		fputs(buf_str(&out), stdout);
		wish->fingerprint = NULL;
		wish->client_name = NULL;
	}
	buf_release(&out);
	free(client);
	return ret;
}

/* Install kfarmd through ssh, then query the node and write its section. */
static int enrol_new_node(struct nodes_request *r,
			  const struct node_address *address, struct err *err)
{
	struct admin_enrol_options wish = {
		.mode = r->ssh_only ? ADMIN_ENROL_MODE_SSH :
				      ADMIN_ENROL_MODE_SERVICE
	};
	struct addition new = { .request = r, .name = r->words.v[0] };
	struct admin_enrol_result a = { 0 };
	struct buf others = { 0 };
	long port = 0;
	int ret;

	if (r->port && str_parse_number(r->port, 1, 65535, &port))
		return err_set(err, EINVAL,
			       "--port %s: must be a number from 1 to 65535",
			       r->port);
	wish.port = (unsigned)port;
	if (r->manual)
		return print_manual(r, address, &wish, err);
	/* Do not install kfarmd if the node cannot be recorded afterwards. */
	ret = conf_check_writable(err);
	if (ret) {
		err_wrap(
			err,
			"nothing was installed, because the node could not be added to the configuration");
		return ret;
	}
	for (size_t i = 0; i < r->roster.n; i++) {
		const struct node_entry *e = &r->roster.v[i];
		char pin[TLS_KEY_FINGERPRINT_SIZE];

		if (e->address.kind == NODE_ADDRESS_TLS &&
		    strcmp(e->name, new.name) != 0) {
			tls_key_format_fingerprint(&e->pin, pin);
			buf_printf(&others, "%s %s\n", pin, e->name);
		}
	}
	wish.other_nodes = buf_str(&others);
	ret = enrolment_run(new.name, address->text, &wish, "installing kfarmd",
			    &a, err);
	if (ret)
		goto out;
	if (a.rootless)
		log_info("%s: user %s is not root and cannot use sudo without "
			 "a password: kfarmd was installed for this user "
			 "only, and is reached through ssh",
			 new.name, a.rootless);
	if (a.removed)
		log_info("%s: removed the service of kfarmd, which an earlier "
			 "`kfarm nodes add` had installed",
			 new.name);
	enrolment_print_result(new.name, &a);
	if (a.is_service &&
	    enrolment_check_key(&r->roster, new.name, a.fingerprint, err)) {
		log_warning("%s; if these are two machines, run `kfarm nodes "
			    "rekey %s`: until then, neither gets jobs",
			    err->text, new.name);
		*err = (struct err){ 0 };
	}
	if (a.is_service) {
		new.ssh = xstrdup(address->text);
		new.key = xstrdup(a.fingerprint);
		ret = admin_enrol_address(address->text, a.port, &new.address,
					  err);
	} else {
		new.address = xstrdup(r->words.v[1]);
	}
	if (!ret)
		ret = load_new_node(&new, err);
	if (!ret)
		ret = show_and_write(&new, false, err);
out:
	buf_release(&others);
	admin_enrol_result_release(&a);
	free(new.address);
	free(new.key);
	free(new.ssh);
	return ret;
}

/*
 * Add a node whose address is not ssh:.  For a tls: address, log the line that
 * must be in /etc/kfarm/clients so that the node accepts the build host.
 */
static int add_without_ssh(struct nodes_request *r, enum node_address_kind kind,
			   struct err *err)
{
	struct addition new = { .request = r,
				.name = r->words.v[0],
				.address = r->words.v[1],
				.key = (char *)r->key };
	int ret = load_new_node(&new, err);

	if (!ret && kind == NODE_ADDRESS_TLS) {
		char *client = admin_enrol_client_name();
		char pin[TLS_KEY_FINGERPRINT_SIZE];

		ret = nodes_read_fingerprint(pin, err);
		if (!ret)
			log_info("%s accepts this machine if its "
				 "/etc/kfarm/clients contains the line `%s %s`",
				 new.name, pin, client);
		free(client);
	}
	return ret ? ret : show_and_write(&new, true, err);
}

int nodes_add_main(void *request)
{
	struct nodes_request *r = request;
	struct node_address address = { 0 };
	struct err err = { 0 };
	char *file = NULL;
	int ret = 0;

	if (r->pool && r->words.n > 1)
		ret = err_set(&err, EINVAL, "unexpected argument \"%s\"",
			      r->words.v[1]);
	if (!r->pool && r->words.n < 2)
		ret = err_set(&err, EINVAL, "missing %s",
			      r->words.n ? "ADDRESS" : "NAME");
	if (!ret && !r->pool)
		ret = node_entry_check_name(r->words.v[0], &err);
	if (!ret && !r->pool)
		ret = node_address_parse(&address, r->words.v[1], &err);
	if (ret)
		goto out;

	/* KFARM_CONFIG can name a missing file, which this command creates. */
	file = conf_user_path();
	ret = nodes_load(r, &err);
	if (ret == -ENOENT && !fs_exists(file))
		ret = 0;
	if (!ret && r->pool) {
		ret = nodes_add_pool(r, &err);
		goto out;
	}
	if (!ret)
		ret = check_is_new(r, &address, &err);
	if (!ret)
		ret = check_add_options(r, address.kind, &err);
	if (!ret)
		ret = address.kind == NODE_ADDRESS_SSH ?
			      enrol_new_node(r, &address, &err) :
			      add_without_ssh(r, address.kind, &err);
out:
	free(file);
	node_address_release(&address);
	return ret ? nodes_log_error(r, &err) : EXIT_OK;
}

/*
 * Let the node `e` create a new key.  Writes the fingerprint of the new key to
 * the configuration and prints it.
 */
static int rekey_node(const struct nodes_request *r, const struct node_entry *e,
		      struct err *err)
{
	struct admin_enrol_options wish = { .action = ADMIN_ENROL_ACTION_REKEY,
					    .mode = ADMIN_ENROL_MODE_SERVICE };
	struct admin_enrol_result a = { 0 };
	int ret;

	if (e->address.kind != NODE_ADDRESS_TLS)
		return err_set(err, EINVAL,
			       "node %s: %s: only nodes with an address "
			       "tls:HOST have a key",
			       e->name, e->address_text);
	if (!e->ssh)
		return nodes_set_no_ssh(e, EINVAL, err);
	ret = enrolment_run(e->name, e->ssh, &wish, "generating a new key", &a,
			    err);
	if (!ret && !a.fingerprint)
		ret = err_set(err, EPROTO,
			      "node %s: missing new key in the output of "
			      "kfarmd",
			      e->name);
	if (!ret)
		ret = enrolment_check_key(&r->roster, e->name, a.fingerprint,
					  err);
	if (!ret)
		ret = conf_set("node", e->name, "key", a.fingerprint, err);
	if (!ret)
		printf("%s: %s\n", e->name, a.fingerprint);
	admin_enrol_result_release(&a);
	return ret;
}

int nodes_rekey_main(void *request)
{
	struct nodes_request *r = request;
	const struct node_entry **nodes = NULL;
	struct err err = { 0 };
	int status = EXIT_OK;
	size_t n;

	/* A new key that cannot be recorded would make the node unusable. */
	if (nodes_load(r, &err) || nodes_select(r, &nodes, &n, &err) ||
	    conf_check_writable(&err)) {
		free(nodes);
		return nodes_log_error(r, &err);
	}
	for (size_t i = 0; i < n && !settings_is_interrupted(); i++) {
		if (rekey_node(r, nodes[i], &err))
			status = nodes_log_error(r, &err);
	}
	free(nodes);
	return settings_is_interrupted() ? EXIT_INTERRUPTED : status;
}

/*
 * Check that the section of the node or pool `name`, if any, is in the user's
 * configuration file, because kfarm changes no other file.
 */
static int check_users_file(const struct conf *c, const char *name,
			    struct err *err)
{
	char *at = conf_get_origin(c, "node", name, "address");
	char *file = conf_user_path();
	size_t len = strlen(file);
	int ret = 0;

	if (!at)
		at = conf_get_origin(c, "pool", name, "start");
	/* `at` is "FILE:LINE"; FILE can be a file that `file` includes. */
	if (at && (strncmp(at, file, len) != 0 || (at[len] && at[len] != ':')))
		ret = err_set(
			err, EPERM,
			"\"%s\" is configured in %s; remove the section from "
			"that file",
			name, at);
	free(file);
	free(at);
	return ret;
}

/*
 * Remove the kfarmd that `kfarm nodes add` installed.  Returns 0 even if the
 * node is unreachable, because the node could otherwise never be removed from
 * the configuration; a warning then lists the files that remain on the node.
 */
static int uninstall_node(const char *name, const char *ssh,
			  enum admin_enrol_mode mode, struct err *err)
{
	struct admin_enrol_options wish = { .action = ADMIN_ENROL_ACTION_REMOVE,
					    .mode = mode };
	struct admin_enrol_result a = { 0 };
	int ret = enrolment_run(name, ssh, &wish, "removing kfarmd", &a, err);

	if (!ret && a.not_installed)
		log_info("%s: nothing to remove: `kfarm nodes add` did not "
			 "install kfarmd",
			 name);
	else if (!ret && a.n_other_clients)
		log_info("%s: removed this machine's key; kfarmd remains for "
			 "%u other build host%s",
			 name, a.n_other_clients,
			 format_plural(a.n_other_clients));
	else if (!ret && a.program)
		log_info("%s: removed %s; %s remains, because it was "
			 "installed before `kfarm nodes add`",
			 name,
			 mode == ADMIN_ENROL_MODE_SSH ?
				 "everything that `kfarm nodes add` installed" :
				 "the service of kfarmd, its key and its store",
			 a.program);
	else if (!ret)
		log_info("%s: removed everything that `kfarm nodes add` "
			 "installed",
			 name);
	if (ret == -EHOSTUNREACH || ret == -ETIMEDOUT || ret == -ENOENT) {
		log_warning("%s", err->text);
		log_warning(
			"%s: still on the node: %s; to remove this when the "
			"node is up again, run `kfarm nodes add %s ssh:%s`, "
			"then repeat this command",
			name,
			mode == ADMIN_ENROL_MODE_SSH ?
				"~/.local/bin/kfarmd, if it was installed" :
				"the service kfarmd, /etc/kfarm and "
				"/var/lib/kfarm",
			name, ssh);
		ret = 0;
	}
	admin_enrol_result_release(&a);
	return ret;
}

/*
 * Return the name of another node with the key or the address of the node
 * `name`, or NULL.  Nodes with equal keys or addresses count as one machine.
 * The caller frees the result.  The function does not use the roster, which
 * cannot be loaded if a node has an invalid setting.
 */
static char *find_same_machine(const struct conf *c, const char *name)
{
	const char *key = c ? conf_get(c, "node", name, "key") : NULL;
	const char *address = c ? conf_get(c, "node", name, "address") : NULL;
	struct strv nodes = { 0 };
	struct digest pin, other;
	bool has_pin = key && tls_key_parse_fingerprint(&pin, key);
	char *same = NULL;

	if (address)
		conf_list_subsections(c, "node", &nodes);
	for (size_t i = 0; !same && i < nodes.n; i++) {
		if (!strcmp(nodes.v[i], name))
			continue;
		key = conf_get(c, "node", nodes.v[i], "key");
		if (str_equal(conf_get(c, "node", nodes.v[i], "address"),
			      address) ||
		    (has_pin && key && tls_key_parse_fingerprint(&other, key) &&
		     digest_equal(&other, &pin)))
			same = xstrdup(nodes.v[i]);
	}
	strv_release(&nodes);
	return same;
}

/*
 * Remove the section of a node or pool from the configuration.  Before that,
 * uninstall kfarmd from the node, unless --keep is given, the node has no ssh
 * address, or another node is the same machine.  Returns the exit status.
 */
static int remove_node(struct nodes_request *r, const char *name)
{
	const char *address = NULL, *ssh = NULL;
	char *same = find_same_machine(r->conf, name);
	struct err err = { 0 };
	bool installed, through;
	int ret = 0;

	if (r->conf) {
		ret = check_users_file(r->conf, name, &err);
		address = conf_get(r->conf, "node", name, "address");
		ssh = conf_get(r->conf, "node", name, "ssh");
	}
	through = address && str_starts(address, "ssh:");
	installed = !same && !r->keep && address && (ssh || through);
	/* Do not uninstall kfarmd from a node that stays configured. */
	if (!ret && installed)
		ret = conf_check_writable(&err);
	if (!ret && installed) {
		ret = uninstall_node(name, ssh ? ssh : address + strlen("ssh:"),
				     through ? ADMIN_ENROL_MODE_SSH :
					       ADMIN_ENROL_MODE_SERVICE,
				     &err);
		if (ret)
			log_info("%s remains in the configuration; to remove "
				 "only this entry and leave the node "
				 "unchanged, use --keep",
				 name);
	}
	if (!ret)
		ret = conf_remove_section("node", name, &err);
	if (ret == -ENOENT)
		ret = conf_remove_section("pool", name, &err);
	if (!ret && same && !r->keep)
		log_info("%s: removed only from the configuration: %s is the "
			 "same machine, so kfarmd on this node is still in use",
			 name, same);
	else if (!ret)
		log_info("%s: removed from the configuration", name);
	if (ret == -ENOENT && !address) {
		const struct node_entry *e = node_roster_get(&r->roster, name);

		node_roster_set_unknown(&r->roster, name, &err);
		if (e && e->list)
			err_set(&err, ENOENT,
				"node %s is in the imported list %s; exclude "
				"it with `kfarm nodes drain %s`, or remove the "
				"list with `kfarm nodes import --remove %s`",
				name, e->list, name, e->list);
	}
	free(same);
	return ret ? nodes_log_error(r, &err) : EXIT_OK;
}

int nodes_remove_main(void *request)
{
	struct nodes_request *r = request;
	struct err err = { 0 }, ignored = { 0 };
	int status = EXIT_OK;

	for (size_t i = 0; i < r->words.n && !settings_is_interrupted(); i++) {
		/*
		 * Read the configuration again, because the previous iteration
		 * has changed it.  A setting that only the roster rejects must
		 * not prevent the removal of a node.
		 */
		node_roster_release(&r->roster);
		conf_free(r->conf);
		r->conf = NULL;
		if (!conf_load(&r->conf, NULL, &err)) {
			node_roster_load(&r->roster, r->conf, &ignored);
		} else if (!r->keep) {
			/*
			 * The ssh address, which is in the configuration, is
			 * needed to uninstall kfarmd.
			 */
			log_error(
				"nodes remove: %s; correct this error, or use "
				"--keep to leave kfarmd on the nodes",
				err.text);
			return EXIT_USAGE;
		} else if (!i) {
			log_warning("%s", err.text);
		}
		if (remove_node(r, r->words.v[i]))
			status = EXIT_USAGE;
	}
	return settings_is_interrupted() ? EXIT_INTERRUPTED : status;
}

/* One node of `nodes update`.  Only one thread uses it during the update. */
struct updated_node {
	const struct node_entry *entry;
	struct admin_remote_script remote;
	struct admin_enrol_result answer;
	size_t row;
	int ret;
	struct err err;
};

struct updating {
	struct progress *progress;
	struct updated_node *v;
};

/* Run the update script of one node, on a thread of task_each(). */
static void update_node(void *ctx, size_t i)
{
	struct updating *all = ctx;
	struct updated_node *u = &all->v[i];

	if (settings_is_interrupted())
		u->ret = err_set(&u->err, EINTR, "node %s: interrupted",
				 u->entry->name);
	else
		u->ret = admin_remote_script_run(&u->remote, NULL, &u->err);
	progress_end(all->progress, u->row);
}

static void tick_update(void *ctx)
{
	progress_tick(((struct updating *)ctx)->progress);
}

/*
 * Print the result for one node.  If the key of the node's kfarmd service has
 * changed, write the new key to the configuration, unless another node has the
 * same key.
 */
static int print_update(const struct nodes_request *r, struct updated_node *u,
			struct err *err)
{
	const struct admin_enrol_result *a = &u->answer;
	const char *name = u->entry->name;
	int ret;

	if (u->ret) {
		*err = u->err;
		return u->ret;
	}
	if (a->not_installed)
		return err_set(err, ENOENT,
			       "node %s: kfarmd was not installed by `kfarm "
			       "nodes add`; update it the way it was "
			       "installed, or run `kfarm nodes add %s ssh:%s`",
			       name, name, u->entry->ssh);
	if (admin_enrol_result_check(a, err)) {
		err_wrap(err, "node %s", name);
		return -EPROTO;
	}
	printf("%s: kfarmd " KFARM_VERSION "%s\n", name,
	       a->sent_bytes ? " installed" : " was already installed");
	/* An administrator of the node may have replaced its key. */
	if (a->fingerprint &&
	    !str_equal(a->fingerprint,
		       conf_get(r->conf, "node", name, "key"))) {
		log_warning(
			"%s: the key of the node differs from the configured "
			"key; the key of the node is now %s",
			name, a->fingerprint);
		ret = enrolment_check_key(&r->roster, name, a->fingerprint,
					  err);
		return ret ? ret :
			     conf_set("node", name, "key", a->fingerprint, err);
	}
	return 0;
}

/*
 * Move the nodes that have an ssh address to the front and return their number.
 * Logs an error for each other node that the user named.
 */
static size_t choose_updates(const struct nodes_request *r,
			     const struct node_entry **nodes, size_t n,
			     int *status)
{
	struct err err;
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (nodes[i]->ssh) {
			nodes[kept++] = nodes[i];
		} else if (r->words.n) {
			nodes_set_no_ssh(nodes[i], EINVAL, &err);
			log_error("nodes update: %s", err.text);
			*status = EXIT_USAGE;
		}
	}
	return kept;
}

int nodes_update_main(void *request)
{
	struct nodes_request *r = request;
	const struct node_entry **nodes = NULL;
	struct updating all = { 0 };
	struct buf *scripts = NULL;
	char *client = admin_enrol_client_name();
	char pin[TLS_KEY_FINGERPRINT_SIZE];
	struct err err = { 0 };
	int status = EXIT_OK;
	size_t n = 0;

	if (nodes_load(r, &err) || nodes_read_fingerprint(pin, &err) ||
	    nodes_select(r, &nodes, &n, &err)) {
		status = nodes_log_error(r, &err);
		goto out;
	}
	nodes_print_if_empty(r);
	n = choose_updates(r, nodes, n, &status);
	if (!n && r->roster.n && !r->words.n)
		log_info("nodes update: nothing to update: no node has an "
			 "ssh address");
	all.progress = progress_new();
	all.v = xcalloc(n, sizeof(*all.v));
	scripts = xcalloc(n, sizeof(*scripts));
	for (size_t i = 0; i < n; i++) {
		bool service = nodes[i]->address.kind == NODE_ADDRESS_TLS;
		struct admin_enrol_options wish = {
			.mode = service ? ADMIN_ENROL_MODE_SERVICE :
					  ADMIN_ENROL_MODE_SSH,
			.fingerprint = pin,
			.client_name = client,
			/*
			 * The script checks that `nodes add` installed kfarmd.
			 */
			.installed_only = true
		};
		struct updated_node *u = &all.v[i];

		admin_enrol_add_script(&scripts[i], &wish);
		u->entry = nodes[i];
		u->row = progress_add(all.progress, nodes[i]->name);
		progress_set(all.progress, u->row, "updating", 0, 0);
		u->remote = (struct admin_remote_script){
			.name = nodes[i]->name,
			.ssh = nodes[i]->ssh,
			.script = buf_bytes(&scripts[i]),
			.cancel = settings_catch_signals(),
			.on_line = admin_enrol_on_line,
			.line_ctx = &u->answer,
		};
	}
	task_each(TASK_THREADS_MAX, n, update_node, tick_update, &all);
	progress_free(all.progress);

	for (size_t i = 0; i < n; i++) {
		if (print_update(r, &all.v[i], &err))
			status = nodes_log_error(r, &err);
		admin_enrol_result_release(&all.v[i].answer);
	}
out:
	for (size_t i = 0; scripts && i < n; i++)
		buf_release(&scripts[i]);
	free(scripts);
	free(all.v);
	free(nodes);
	free(client);
	return settings_is_interrupted() ? EXIT_INTERRUPTED : status;
}

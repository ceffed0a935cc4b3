/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/enrolment.h"
#include "cli/nodes.h"

#include "base/fs.h"
#include "base/log.h"
#include "conf/schema.h"
#include "enrol/manual.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What goes into the configuration, if all is well. */
struct addition {
	struct nodes_request *r;
	const char *name;
	char *address, *key, *ssh; /* `key`, `ssh`: NULL: none */
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
 * To bring kfarmd there once more is no mistake; another node of that name, or
 * another name of that node, would be.
 */
static int check_is_new(const struct nodes_request *r,
			const struct node_address *address, struct err *err)
{
	const char *name = r->words.v[0];
	const struct node_entry *same = node_roster_get(&r->roster, name);
	const char *ssh = address->kind == NODE_SSH ? address->text : NULL;
	bool is_one_machine = ssh || address->kind == NODE_TLS;

	if (same && !(ssh && str_equal(same->ssh, ssh)))
		return err_set(err, EEXIST,
			       "there is a node \"%s\" already (%s); `kfarm "
			       "nodes remove %s` first",
			       name, same->address_text, name);
	for (size_t i = 0; is_one_machine && i < r->roster.n; i++) {
		const struct node_entry *e = &r->roster.v[i];

		if (e != same && (str_equal(e->address_text, r->words.v[1]) ||
				  (ssh && str_equal(e->ssh, ssh))))
			return err_set(err, EEXIST,
				       "%s is the node \"%s\" already; for "
				       "another name `kfarm nodes remove %s` "
				       "first",
				       r->words.v[1], e->name, e->name);
	}
	return 0;
}

static int check_add_options(const struct nodes_request *r, enum node_kind kind,
			     struct err *err)
{
	int ret = check_option("slots", r->slots, err);

	if (!ret)
		ret = check_option("codec", r->codec, err);
	if (ret)
		return ret;
	if (kind != NODE_SSH && (r->manual || r->ssh_only || r->port))
		return err_set(err, EINVAL,
			       "--manual, --ssh and --port are for an address "
			       "ssh:[USER@]HOST");
	if (r->ssh_only && r->port)
		return err_set(err, EINVAL,
			       "--port is for a service, not for --ssh");
	if (r->key && kind != NODE_TLS)
		return err_set(
			err, EINVAL,
			"--key is for an address tls:HOST[:PORT]; others "
			"need none");
	if (!r->key && kind == NODE_TLS)
		return err_set(err, EINVAL,
			       "%s needs the node's key, --key SHA256:..., "
			       "which `kfarmd --init` shows there, and the "
			       "node needs this machine's; `kfarm nodes add %s "
			       "ssh:HOST` does all of it, with --manual it "
			       "prints what to type",
			       r->words.v[1], r->words.v[0]);
	return 0;
}

static int check_new(struct nodes_request *r, struct node_address *address,
		     struct err *err)
{
	char *file;
	int ret;

	ret = node_roster_check_name(r->words.v[0], err);
	if (!ret)
		ret = node_address_parse(address, r->words.v[1], err);
	if (!ret)
		ret = check_add_options(r, address->kind, err);
	if (ret)
		return ret;
	/* KFARM_CONFIG may name a file that is made now. */
	file = conf_user_file();
	ret = nodes_load(r, err);
	if (ret == -ENOENT && !fs_exists(file))
		ret = 0;
	free(file);
	if (!ret)
		ret = check_is_new(r, address, err);
	return ret;
}

#define N_PAIRS 5

static void list_pairs(const struct addition *a,
		       struct conf_pair pairs[static N_PAIRS])
{
	const struct conf_pair all[N_PAIRS] = { { "address", a->address },
						{ "key", a->key },
						{ "ssh", a->ssh },
						{ "slots", a->r->slots },
						{ "codec", a->r->codec } };

	memcpy(pairs, all, sizeof(all));
}

static int write_new(const struct addition *a, struct err *err)
{
	struct conf_pair pairs[N_PAIRS];

	list_pairs(a, pairs);
	return conf_set_all("node", a->name, pairs, N_PAIRS, err);
}

/* The node as it would be with these settings, which no file has yet. */
static int load_new(const struct addition *a, struct err *err)
{
	struct conf_pair pairs[N_PAIRS];
	struct nodes_request *r = a->r;

	list_pairs(a, pairs);
	if (!r->conf)
		r->conf = conf_new();
	for (size_t i = 0; i < N_PAIRS; i++) {
		if (pairs[i].value)
			conf_put(r->conf, "node", a->name, pairs[i].key,
				 pairs[i].value, "the new node");
	}
	node_roster_release(&r->roster);
	return node_roster_load(&r->roster, r->conf, err);
}

/* A connection that nobody answers: what stands between us and the node? */
static int explain_silence(const struct addition *a, const char *why,
			   struct err *err)
{
	char *file = conf_user_file();

	if (str_starts(a->address, "tls:"))
		err_set(err, EHOSTUNREACH,
			"node %s: kfarmd runs there, but %s does not answer: "
			"%s; have the port let through (on the node `ufw allow "
			"PORT/tcp` or the like) and type this again, or take "
			"--ssh, which needs none; %s is as it was",
			a->name, a->address, why, file);
	else
		err_set(err, EHOSTUNREACH,
			"node %s: %s does not answer: %s; %s is as it was",
			a->name, a->address, why, file);
	free(file);
	return -EHOSTUNREACH;
}

/*
 * Of one that load_new() took.  Written is only a node that answered; one that
 * gets no jobs yet as well.
 */
static int show_and_write(const struct addition *a, bool silent_too,
			  struct err *err)
{
	const struct node_entry *e;
	struct nodes_survey s;
	int ret = silent_too ? write_new(a, err) : 0;

	e = node_roster_get(&a->r->roster, a->name);
	if (!ret)
		ret = nodes_survey(&s, &e, 1, err);
	if (ret)
		return ret;
	if (!s.nodes[0].up && !silent_too)
		ret = explain_silence(a, s.nodes[0].why, err);
	if (!ret && !silent_too)
		ret = write_new(a, err);
	if (!ret)
		nodes_text_probe(stdout, &s);
	if (!ret && nodes_reason(&s.nodes[0]))
		log_warning("%s was added, but gets no jobs as it is now",
			    a->name);
	nodes_survey_release(&s);
	return ret;
}

/* ------------------------------------------------------------- enrolment */

static int read_port(const struct nodes_request *r, unsigned *port,
		     struct err *err)
{
	long n = 0;

	if (r->port && str_number(r->port, 1, 65535, &n))
		return err_set(err, EINVAL,
			       "--port %s: must be a number from 1 to 65535",
			       r->port);
	*port = (unsigned)n;
	return 0;
}

static int print_manual(const struct nodes_request *r,
			const struct node_address *address,
			const struct enrol_wish *wish, struct err *err)
{
	struct enrol_wish ours = *wish;
	char *client = enrol_client_name();
	struct buf out = { 0 };
	char pin[TLS_PIN_TEXT];
	int ret = enrolment_pin(pin, err);

	if (!ret) {
		ours.pin = pin;
		ours.client = client;
		enrol_manual(&out, r->words.v[0], address->text, &ours);
		fputs(buf_str(&out), stdout);
	}
	buf_release(&out);
	free(client);
	return ret;
}

static int enrol_new(struct nodes_request *r,
		     const struct node_address *address, struct err *err)
{
	struct enrol_wish wish = { .mode = r->ssh_only ? ENROL_SSH :
							 ENROL_SERVICE };
	struct addition new = { .r = r, .name = r->words.v[0] };
	struct enrol_answer a = { 0 };
	int ret = read_port(r, &wish.port, err);

	if (ret || r->manual)
		return ret ? ret : print_manual(r, address, &wish, err);
	/* It would be there, and nobody would know it. */
	ret = conf_check_writable(err);
	if (ret) {
		err_wrap(err, "nothing was installed: the node could not be "
			      "written down");
		return ret;
	}
	ret = enrolment_run(new.name, address->text, &wish, "installing kfarmd",
			    &a, err);
	if (ret)
		goto out;
	if (a.rootless)
		log_info("%s: %s is not root there, and no sudo lets it in "
			 "without a password: kfarmd is for this user alone, "
			 "and reached through ssh",
			 new.name, a.rootless);
	enrolment_tell(new.name, &a);
	if (a.service &&
	    enrolment_check_key(&r->roster, new.name, a.key, err)) {
		log_warning("%s; neither is sure of jobs before `kfarm nodes "
			    "rekey %s`",
			    err->text, new.name);
		*err = (struct err){ 0 };
	}
	if (a.service) {
		new.ssh = xstrdup(address->text);
		new.key = xstrdup(a.key);
		ret = enrolment_address(address->text, a.port, &new.address,
					err);
	} else {
		new.address = xstrdup(r->words.v[1]);
	}
	if (!ret)
		ret = load_new(&new, err);
	if (!ret)
		ret = show_and_write(&new, false, err);
out:
	enrol_answer_release(&a);
	free(new.address);
	free(new.key);
	free(new.ssh);
	return ret;
}

/* What has to be typed on the node, if it was not yet. */
static int tell_own_key(const char *name, struct err *err)
{
	char *client = enrol_client_name();
	char pin[TLS_PIN_TEXT];
	int ret = enrolment_pin(pin, err);

	if (!ret)
		log_info("%s lets this machine in if its /etc/kfarm/clients "
			 "has the line `%s %s`",
			 name, pin, client);
	free(client);
	return ret;
}

static int add_as_is(struct nodes_request *r, enum node_kind kind,
		     struct err *err)
{
	struct addition new = { .r = r,
				.name = r->words.v[0],
				.address = r->words.v[1],
				.key = (char *)r->key };
	int ret = load_new(&new, err);

	if (!ret && kind == NODE_TLS)
		ret = tell_own_key(new.name, err);
	return ret ? ret : show_and_write(&new, true, err);
}

int nodes_add_main(struct nodes_request *r)
{
	struct node_address address = { 0 };
	struct err err = { 0 };
	int ret = check_new(r, &address, &err);

	if (!ret)
		ret = address.kind == NODE_SSH ?
			      enrol_new(r, &address, &err) :
			      add_as_is(r, address.kind, &err);
	node_address_release(&address);
	return ret ? nodes_failed(r, &err) : EXIT_OK;
}

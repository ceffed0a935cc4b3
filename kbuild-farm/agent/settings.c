/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/settings.h"

#include "agent/port.h"
#include "base/args.h"
#include "base/log.h"
#include "conf/scan.h"
#include "conf/where.h"
#include "wire/msg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOTS_MOST  4096
#define STORE_LEAST 1 /* MiB */
#define STORE_MOST  (16l << 20) /* MiB */

/* ------------------------------------------------------------- options */

static int take_listen(void *at, const struct args *a, struct err *err)
{
	if (str_starts(a->value, "unix:") && !a->value[5])
		return err_set(err, EINVAL, "--listen unix: needs a path");
	if (!str_starts(a->value, "unix:") && agent_port_check(a->value, err)) {
		err_wrap(err, "--listen");
		return -EINVAL;
	}
	return args_list(at, a, err);
}

static int take_slots(void *at, const struct args *a, struct err *err)
{
	long n;

	if (str_number(a->value, 1, SLOTS_MOST, &n))
		return err_set(err, EINVAL,
			       "--slots %s: must be a number from 1 to %d",
			       a->value, SLOTS_MOST);
	*(uint16_t *)at = (uint16_t)n;
	return 0;
}

/* A number with a unit, of bytes. */
static int take_store_size(void *at, const struct args *a, struct err *err)
{
	const char *value = a->value;
	static const char units[] = "MGT";
	size_t len = strlen(value);
	const char *unit = len ? strchr(units, value[len - 1]) : NULL;
	char *digits = xstrndup(value, len ? len - 1 : 0);
	int shift = unit ? 10 * (int)(unit - units) : 0;
	long n = 0;
	int ret = unit ? str_number(digits, STORE_LEAST, STORE_MOST >> shift,
				    &n) :
			 -EINVAL;

	free(digits);
	if (ret)
		return err_set(err, EINVAL,
			       "--store-size %s: must be a size as 800M or 20G",
			       value);
	*(uint64_t *)at = (uint64_t)n << (20 + shift);
	return 0;
}

static int take_host(void *at, const struct args *a, struct err *err)
{
	const struct strv *hosts = at;

	if (!wire_host_ok(a->value))
		return err_set(err, EINVAL,
			       "--host %s: must be a name as arm64 or x86_64",
			       a->value);
	if (hosts->n >= WIRE_HOSTS - 1)
		return err_set(err, EINVAL, "--host: more than %d",
			       WIRE_HOSTS - 1);
	return args_list(at, a, err);
}

#define AT(member) offsetof(struct agent_settings, member)

/* The first ones are keys of node.conf, too. */
static const struct args_option options[] = {
	{ 0, "listen", "WHERE",
	  "talk to all that connect to unix:PATH or [ADDRESS:]PORT",
	  take_listen, AT(listen), 0 },
	{ 0, "slots", "N", "take N jobs at once instead of cores + cores / 4",
	  take_slots, AT(slots), 0 },
	{ 0, "store", "DIR",
	  "keep what kfarm sends (compilers, sources) in DIR", args_text,
	  AT(store), 0 },
	{ 0, "store-size", "SIZE",
	  "and no more than SIZE of it, as 800M or 20G", take_store_size,
	  AT(store_size), 0 },
	{ 0, "toolchains", "DIR",
	  "keep the toolchains for this machine that kfarm brings in DIR",
	  args_text, AT(toolchains), 0 },
	{ 0, "host", "HOST", "programs for HOST (as arm64, arm) run here, too",
	  take_host, AT(hosts), 0 },
#define KEYS 6
	{ 0, "stdio", NULL, "talk to one kfarm on standard input and output",
	  args_flag, AT(stdio), 0 },
	{ 0, "config", "DIR",
	  "key.pem, clients and node.conf are in DIR, not in " AGENT_CONFIG,
	  args_text, AT(config), 0 },
	{ 0, "init", NULL,
	  "make those that are not there, and print the key's fingerprint",
	  args_flag, AT(init), 0 },
	{ 0, "check", NULL, "say whether jobs can run here, and if not, why",
	  args_flag, AT(check), 0 },
	{ 0, "status", NULL, "say what the kfarmds of this machine do now",
	  args_flag, AT(status), 0 },
	{ 0, "json", NULL, "say it in JSON", args_flag, AT(json), 0 },
	{ 'V', "version", NULL, "print the version", args_flag, AT(version),
	  0 },
	{ 'h', "help", NULL, "print this", args_flag, AT(help), 0 },
	{ 0 },
};

char *agent_settings_help(void)
{
	char *lines = args_help(options);
	char *text = xasprintf(
		"usage: kfarmd --stdio | --listen unix:PATH | "
		"--listen [ADDRESS:]PORT\n"
		"              [--config DIR] [--slots N] [--store DIR]"
		" [--store-size SIZE]\n"
		"              [--toolchains DIR] [--host HOST]...\n"
		"       kfarmd --init [--config DIR]\n"
		"       kfarmd --status [--json] [--config DIR] [--store DIR]"
		" [--toolchains DIR]\n"
		"       kfarmd --check\n%s",
		lines);

	free(lines);
	return text;
}

/* ----------------------------------------------------------- node.conf */

struct reading {
	struct agent_settings *into;
	const char *path;
	struct err *err;
};

static const struct args_option *option_of_key(const char *key)
{
	for (int i = 0; i < KEYS; i++) {
		if (!strcmp(options[i].word, key))
			return &options[i];
	}
	return NULL;
}

/* A newer release's file must serve this one, so what is unknown is left. */
static int on_item(void *ctx, const struct conf_item *item)
{
	struct reading *r = ctx;
	struct args a = { 0 };

	if (!item->key)
		return 0;
	if (!strcmp(item->section, "node") && !item->sub)
		a.option = option_of_key(item->key);
	if (!a.option) {
		log_warning("%s:%u: %s.%s is unknown", r->path, item->line,
			    item->section, item->key);
		return 0;
	}
	if (!item->value) {
		err_set(r->err, EINVAL, "%s needs a value", item->key);
	} else {
		strv_add(&r->into->kept, item->value);
		a.value = r->into->kept.v[r->into->kept.n - 1];
		if (!args_store(&a, r->into, r->err))
			return 0;
	}
	err_wrap(r->err, "%s:%u", r->path, item->line);
	return -ECANCELED;
}

static int read_file(struct agent_settings *s, const char *path,
		     struct err *err)
{
	struct reading r = { .into = s, .path = path, .err = err };
	struct buf text = { 0 };
	unsigned line = 0;
	int ret = conf_where_read(path, &text, err);

	if (!ret) {
		ret = conf_scan(buf_bytes(&text), on_item, &r, &line, err);
		if (ret && ret != -ECANCELED)
			err_wrap(err, "%s:%u", path, line);
	}
	buf_release(&text);
	return ret == -ECANCELED ? -EINVAL : ret;
}

static void move_list(struct strv *to, struct strv *from)
{
	if (!to->n) {
		strv_release(to);
		*to = *from;
		*from = (struct strv){ 0 };
	}
}

/* What the command line does not say. */
static void fill_in(struct agent_settings *s, struct agent_settings *file)
{
	if (!s->stdio)
		move_list(&s->listen, &file->listen);
	move_list(&s->hosts, &file->hosts);
	move_list(&s->kept, &file->kept);
	s->store = s->store ? s->store : file->store;
	s->store_size = s->store_size ? s->store_size : file->store_size;
	s->toolchains = s->toolchains ? s->toolchains : file->toolchains;
	s->slots = s->slots ? s->slots : file->slots;
}

static int read_node_conf(struct agent_settings *s, struct err *err)
{
	char *path = xasprintf("%s/node.conf", agent_settings_dir(s));
	struct agent_settings file = { 0 };
	int ret = read_file(&file, path, err);

	/* There need be none: all has a default. */
	if (ret == -ENOENT)
		ret = 0;
	if (!ret)
		fill_in(s, &file);
	agent_settings_release(&file);
	free(path);
	return ret;
}

/* -------------------------------------------------------- command line */

static bool wants_network(const struct agent_settings *s)
{
	for (size_t i = 0; i < s->listen.n; i++) {
		if (!str_starts(s->listen.v[i], "unix:"))
			return true;
	}
	return false;
}

static int check_what_works(struct agent_settings *s, struct err *err)
{
	if (s->stdio && s->listen.n)
		return err_set(err, EINVAL,
			       "one of --stdio and --listen is needed, "
			       "not both");
	/* One with a directory of its own is a node of the network. */
	if (!s->stdio && !s->listen.n && s->config)
		strv_add(&s->listen, AGENT_PORT);
	if (!s->stdio && !s->listen.n)
		return err_set(err, EINVAL,
			       "one of --stdio and --listen is needed, or "
			       "--config with what says where to listen");
	if (s->stdio && isatty(STDIN_FILENO))
		return err_set(err, EINVAL,
			       "--stdio is for a kfarm at the other end,"
			       " not for a terminal");
	return 0;
}

static int check_what_is_asked(struct agent_settings *s, struct err *err)
{
	if (s->json && !s->status)
		return err_set(err, EINVAL, "--json is for --status");
	if (!s->status && !s->init)
		return check_what_works(s, err);
	if (s->stdio || (s->status && s->init))
		return err_set(err, EINVAL, "--%s is not for one that works",
			       s->status ? "status" : "init");
	return 0;
}

/* --status asks those with that store, wherever they listen. */
static int read_argv(struct agent_settings *s, char *const *argv,
		     struct err *err)
{
	struct args args;
	int got, ret = 0;

	args_init(&args, options, argv);
	while (!ret && !s->version && !s->help &&
	       (got = args_next(&args, err)) != ARGS_END)
		ret = got < 0 ? got :
		      got == ARGS_OPTION ?
				args_store(&args, s, err) :
				err_set(err, EINVAL, "%s: not an option",
					args.value);
	if (!ret && (s->status || s->init) && s->listen.n)
		ret = err_set(err, EINVAL, "--%s is not for one that works",
			      s->status ? "status" : "init");
	return ret;
}

int agent_settings_read(struct agent_settings *s, char *const *argv,
			struct err *err)
{
	int ret = read_argv(s, argv, err);

	if (ret || s->version || s->help || s->check)
		return ret;
	if (!s->init && (s->config || wants_network(s)))
		ret = read_node_conf(s, err);
	return ret ? ret : check_what_is_asked(s, err);
}

void agent_settings_release(struct agent_settings *s)
{
	strv_release(&s->listen);
	strv_release(&s->hosts);
	strv_release(&s->kept);
}

const char *agent_settings_dir(const struct agent_settings *s)
{
	return s->config ? s->config : AGENT_CONFIG;
}

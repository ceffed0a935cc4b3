/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/conf.h"

#include "base/fs.h"
#include "base/vec.h"
#include "conf/conf.h"
#include "conf/schema.h"
#include "nightly/mail.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN 64

/* A section being read. */
struct section {
	const struct conf *conf;
	const char *name;
	struct nightly_job *job;
};

/* Where the section is: that of a key that it has; the caller frees it. */
static char *place_of_section(const struct section *s)
{
	static const char *const keys[] = { "tree",    "rev",    "arch",
					    "kconfig", "target", "toolchain",
					    "mail",    "command" };
	char *at = NULL;

	for (size_t i = 0; !at && i < sizeof(keys) / sizeof(*keys); i++)
		at = conf_where(s->conf, "nightly", s->name, keys[i]);
	return at ? at : xstrdup("the configuration");
}

/* It is a directory's name, and part of a unit's. */
static int check_job_name(const struct section *s, struct err *err)
{
	const char *name = s->name;
	size_t n = 0;
	char *at;

	while (isalnum((unsigned char)name[n]) ||
	       (name[n] && strchr("-_.+", name[n])))
		n++;
	if (n && !name[n] && n <= NAME_MAX_LEN && !strchr("-.", name[0]))
		return 0;
	at = place_of_section(s);
	err_set(err, EINVAL,
		"%s: [nightly \"%s\"]: a name is up to %d letters, digits "
		"and - _ . +, no dash or dot in front",
		at, name, NAME_MAX_LEN);
	free(at);
	return -EINVAL;
}

static char *read_text(const struct section *s, const char *key)
{
	const char *value = conf_get(s->conf, "nightly", s->name, key);

	return value && *value ? xstrdup(value) : NULL;
}

/* Nothing is no value, as elsewhere. */
static void read_values(const struct section *s, const char *key,
			struct strv *out)
{
	struct strv all = { 0 };

	conf_get_all(s->conf, "nightly", s->name, key, &all);
	for (size_t i = 0; i < all.n; i++) {
		if (*all.v[i])
			strv_add(out, all.v[i]);
	}
	strv_release(&all);
}

static unsigned read_count(const struct section *s, const char *key,
			   unsigned otherwise)
{
	return (unsigned)conf_number(s->conf, "nightly", s->name, key,
				     (long)otherwise);
}

static bool read_yes(const struct section *s, const char *key)
{
	return str_equal(conf_get(s->conf, "nightly", s->name, key), "true");
}

/* The schema has checked it: with a unit. */
static uint64_t read_amount(const struct section *s, const char *key,
			    const char *otherwise)
{
	const char *value = conf_get(s->conf, "nightly", s->name, key);
	uint64_t n = 0;

	conf_schema_amount(conf_schema_find("nightly", s->name, key),
			   value ? value : otherwise, &n);
	return n;
}

/* Both would be one build. */
static int refuse_twice(const struct section *s, const char *key,
			const struct strv *list, struct err *err)
{
	for (size_t i = 1; i < list->n; i++) {
		for (size_t j = 0; j < i; j++) {
			if (!strcmp(list->v[i], list->v[j]))
				return err_set(err, EINVAL,
					       "%s: [nightly \"%s\"] names %s "
					       "%s twice",
					       s->job->where, s->name, key,
					       list->v[i]);
		}
	}
	return 0;
}

/* Or the first report that is to be sent would be the first to say it. */
static int check_addresses(const struct section *s, const char *key,
			   const char *list, struct err *err)
{
	char *at;
	int ret = list ? nightly_mail_check(list, err) : 0;

	if (!ret)
		return 0;
	at = conf_where(s->conf, "nightly", s->name, key);
	err_wrap(err, "%s: [nightly \"%s\"]: %s", at, s->name, key);
	free(at);
	return ret;
}

static int check_lists(const struct section *s, struct err *err)
{
	const struct nightly_job *j = s->job;
	int ret = refuse_twice(s, "arch", &j->arches, err);

	if (!ret)
		ret = refuse_twice(s, "kconfig", &j->kconfigs, err);
	if (!ret)
		ret = refuse_twice(s, "toolchain", &j->toolchains, err);
	for (size_t i = 0; !ret && i < j->variables.n; i++) {
		if (!strchr(j->variables.v[i], '='))
			ret = err_set(err, EINVAL,
				      "%s: [nightly \"%s\"]: variable = %s is "
				      "not NAME=VALUE",
				      j->where, s->name, j->variables.v[i]);
	}
	for (size_t i = 0; !ret && i < j->targets.n; i++) {
		if (*j->targets.v[i] == '-')
			ret = err_set(err, EINVAL,
				      "%s: [nightly \"%s\"]: target = %s is "
				      "an option, not a target",
				      j->where, s->name, j->targets.v[i]);
	}
	for (size_t i = 0; !ret && i < j->mail.n; i++)
		ret = check_addresses(s, "mail", j->mail.v[i], err);
	return ret ? ret : check_addresses(s, "mail-from", j->mail_from, err);
}

static void read_limits(const struct section *s)
{
	struct nightly_job *j = s->job;

	j->keep_days = read_count(s, "keep-days", 14);
	j->keep_last = read_count(s, "keep-last", 10);
	j->keep_failures = read_count(s, "keep-failures", 30);
	j->keep_free = read_amount(s, "keep-free", "2G");
	j->timeout_s = (unsigned)read_amount(s, "timeout", "8h");
	j->bisect = read_yes(s, "bisect");
	j->bisect_builds = read_count(s, "bisect-builds", 16);
	j->bisect_s = (unsigned)read_amount(s, "bisect-time", "8h");
}

static int read_nightly(const struct section *s, struct err *err)
{
	struct nightly_job *j = s->job;
	char *data;
	int ret = check_job_name(s, err);

	if (ret)
		return ret;
	j->name = xstrdup(s->name);
	j->tree = read_text(s, "tree");
	j->where = place_of_section(s);
	if (!j->tree)
		return err_set(err, EINVAL,
			       "%s: [nightly \"%s\"] has no tree; `kfarm tree "
			       "list` lists those that there are",
			       j->where, s->name);
	j->rev = read_text(s, "rev");
	read_values(s, "arch", &j->arches);
	read_values(s, "kconfig", &j->kconfigs);
	read_values(s, "toolchain", &j->toolchains);
	read_values(s, "kconfig-add", &j->kconfig_add);
	read_values(s, "target", &j->targets);
	read_values(s, "variable", &j->variables);
	j->options = read_text(s, "options");
	read_limits(s);
	j->warnings = read_yes(s, "warnings");
	read_values(s, "mail", &j->mail);
	j->mail_from = read_text(s, "mail-from");
	j->command = read_text(s, "command");
	data = fs_data_home();
	j->results = xasprintf("%s/results/%s", data, s->name);
	free(data);
	return check_lists(s, err);
}

int nightly_jobs_load(struct nightly_jobs *out, const struct conf *conf,
		      struct err *err)
{
	struct strv names = { 0 };
	int ret = 0;

	*out = (struct nightly_jobs){ 0 };
	conf_subsections(conf, "nightly", &names);
	for (size_t i = 0; !ret && i < names.n; i++) {
		struct section s = { .conf = conf, .name = names.v[i] };

		s.job = VEC_ADD(out->v, out->n);
		ret = read_nightly(&s, err);
	}
	strv_release(&names);
	return ret;
}

static void release_job(struct nightly_job *j)
{
	free(j->name);
	free(j->where);
	free(j->tree);
	free(j->rev);
	strv_release(&j->arches);
	strv_release(&j->kconfigs);
	strv_release(&j->toolchains);
	strv_release(&j->kconfig_add);
	strv_release(&j->targets);
	strv_release(&j->variables);
	free(j->options);
	strv_release(&j->mail);
	free(j->mail_from);
	free(j->command);
	free(j->results);
}

void nightly_jobs_release(struct nightly_jobs *jobs)
{
	for (size_t i = 0; i < jobs->n; i++)
		release_job(&jobs->v[i]);
	free(jobs->v);
	*jobs = (struct nightly_jobs){ 0 };
}

const struct nightly_job *nightly_jobs_find(const struct nightly_jobs *jobs,
					    const char *name)
{
	for (size_t i = 0; i < jobs->n; i++) {
		if (!strcmp(jobs->v[i].name, name))
			return &jobs->v[i];
	}
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/conf.h"

#include "base/fs.h"
#include "base/vec.h"
#include "conf/conf.h"
#include "nightly/mail.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN 64

/* The section being read. */
struct section {
	const struct conf *conf;
	const char *name;
	struct nightly_job *job;
};

/*
 * Return the location (FILE:LINE) of the key `tree` or, if it is not set, of
 * the first key in the section.  The caller frees the string.
 */
static char *section_location(const struct section *s)
{
	char *at = conf_get_origin(s->conf, "nightly", s->name, "tree");

	return at ? at : conf_get_section_origin(s->conf, "nightly", s->name);
}

/*
 * Check the job's name, which becomes a directory name and a part of the name
 * of a systemd unit.
 */
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
	at = section_location(s);
	err_set(err, EINVAL,
		"%s: [nightly \"%s\"]: invalid name: expected up to %d "
		"letters, digits, - _ . +, not starting with a dash or dot",
		at, name, NAME_MAX_LEN);
	free(at);
	return -EINVAL;
}

static char *read_text(const struct section *s, const char *key)
{
	const char *value = conf_get(s->conf, "nightly", s->name, key);

	return value && *value ? xstrdup(value) : NULL;
}

/* Read all non-empty values of a key. */
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
	return (unsigned)conf_get_number(s->conf, "nightly", s->name, key,
					 (long)otherwise);
}

static bool read_bool(const struct section *s, const char *key)
{
	return str_equal(conf_get(s->conf, "nightly", s->name, key), "true");
}

/*
 * Read a size in bytes or a time in seconds.  The schema has checked the number
 * and its unit.
 */
static uint64_t read_amount(const struct section *s, const char *key,
			    const char *otherwise)
{
	return conf_get_amount(s->conf, "nightly", s->name, key, otherwise);
}

/* Reject duplicate values, which would result in identical builds. */
static int check_unique_names(const struct section *s, const char *key,
			      const struct strv *list, struct err *err)
{
	for (size_t i = 1; i < list->n; i++) {
		for (size_t j = 0; j < i; j++) {
			if (!strcmp(list->v[i], list->v[j]))
				return err_set(err, EINVAL,
					       "%s: [nightly \"%s\"]: "
					       "duplicate %s %s",
					       s->job->location, s->name, key,
					       list->v[i]);
		}
	}
	return 0;
}

/* Check addresses now rather than when the first report is sent. */
static int check_addresses(const struct section *s, const char *key,
			   const char *list, struct err *err)
{
	char *at;
	int ret = list ? nightly_mail_check_addresses(list, err) : 0;

	if (!ret)
		return 0;
	at = conf_get_origin(s->conf, "nightly", s->name, key);
	err_wrap(err, "%s: [nightly \"%s\"]: %s", at, s->name, key);
	free(at);
	return ret;
}

static int check_lists(const struct section *s, struct err *err)
{
	const struct nightly_job *j = s->job;
	int ret = check_unique_names(s, "arch", &j->arches, err);

	if (!ret)
		ret = check_unique_names(s, "kconfig", &j->kconfigs, err);
	if (!ret)
		ret = check_unique_names(s, "toolchain", &j->toolchains, err);
	for (size_t i = 0; !ret && i < j->variables.n; i++) {
		if (!strchr(j->variables.v[i], '='))
			ret = err_set(err, EINVAL,
				      "%s: [nightly \"%s\"]: variable = %s is "
				      "not NAME=VALUE",
				      j->location, s->name, j->variables.v[i]);
	}
	for (size_t i = 0; !ret && i < j->targets.n; i++) {
		if (*j->targets.v[i] == '-')
			ret = err_set(err, EINVAL,
				      "%s: [nightly \"%s\"]: target = %s is "
				      "an option, not a target",
				      j->location, s->name, j->targets.v[i]);
	}
	for (size_t i = 0; !ret && i < j->mail_to.n; i++)
		ret = check_addresses(s, "mail", j->mail_to.v[i], err);
	return ret ? ret : check_addresses(s, "mail-from", j->mail_from, err);
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
	j->location = section_location(s);
	if (!j->tree)
		return err_set(
			err, EINVAL,
			"%s: [nightly \"%s\"]: the key `tree` is missing; "
			"`kfarm tree list` lists the available trees",
			j->location, s->name);
	j->rev = read_text(s, "rev");
	read_values(s, "arch", &j->arches);
	read_values(s, "kconfig", &j->kconfigs);
	read_values(s, "toolchain", &j->toolchains);
	read_values(s, "kconfig-add", &j->kconfig_add);
	read_values(s, "target", &j->targets);
	read_values(s, "variable", &j->variables);
	j->options = read_text(s, "options");
	j->keep_days = read_count(s, "keep-days", 14);
	j->keep_last = read_count(s, "keep-last", 10);
	j->keep_failures = read_count(s, "keep-failures", 30);
	j->keep_free_bytes = read_amount(s, "keep-free", "2G");
	j->timeout_s = (unsigned)read_amount(s, "timeout", "8h");
	j->bisect = read_bool(s, "bisect");
	j->max_bisect_builds = read_count(s, "bisect-builds", 16);
	j->max_bisect_s = (unsigned)read_amount(s, "bisect-time", "8h");
	j->fail_on_warnings = read_bool(s, "warnings");
	read_values(s, "mail", &j->mail_to);
	j->mail_from = read_text(s, "mail-from");
	j->command = read_text(s, "command");
	data = fs_data_home();
	j->results_dir = xasprintf("%s/results/%s", data, s->name);
	free(data);
	return check_lists(s, err);
}

/* node_exporter reads only files whose names end in .prom. */
static int read_metrics_path(struct nightly_jobs *out, const struct conf *conf,
			     struct err *err)
{
	static const char key[] = "metrics";
	const char *value = conf_get(conf, "nightly", NULL, key);
	char *at;

	if (!value || !*value)
		return 0;
	out->metrics_path = fs_expand_home(value);
	if (out->metrics_path[0] == '/' && str_ends(value, ".prom"))
		return 0;
	at = conf_get_origin(conf, "nightly", NULL, key);
	err_set(err, EINVAL,
		"%s: nightly.metrics = %s: expected an absolute path that "
		"ends in .prom",
		at, value);
	free(at);
	return -EINVAL;
}

int nightly_jobs_load(struct nightly_jobs *out, const struct conf *conf,
		      struct err *err)
{
	struct strv names = { 0 };
	int ret;

	*out = (struct nightly_jobs){ 0 };
	ret = read_metrics_path(out, conf, err);
	conf_list_subsections(conf, "nightly", &names);
	for (size_t i = 0; !ret && i < names.n; i++) {
		struct section s = { .conf = conf, .name = names.v[i] };

		s.job = VEC_ADD(out->jobs, out->n_jobs);
		ret = read_nightly(&s, err);
	}
	strv_release(&names);
	return ret;
}

void nightly_jobs_release(struct nightly_jobs *jobs)
{
	for (size_t i = 0; i < jobs->n_jobs; i++) {
		struct nightly_job *j = &jobs->jobs[i];

		free(j->name);
		free(j->location);
		free(j->tree);
		free(j->rev);
		strv_release(&j->arches);
		strv_release(&j->kconfigs);
		strv_release(&j->toolchains);
		strv_release(&j->kconfig_add);
		strv_release(&j->targets);
		strv_release(&j->variables);
		free(j->options);
		strv_release(&j->mail_to);
		free(j->mail_from);
		free(j->command);
		free(j->results_dir);
	}
	free(jobs->jobs);
	free(jobs->metrics_path);
	*jobs = (struct nightly_jobs){ 0 };
}

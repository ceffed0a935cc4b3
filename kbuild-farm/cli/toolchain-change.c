/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `adopt`, `default` and `remove`.
 */
#include "cli/cmd.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "cli/toolchain-nodes.h"
#include "cli/toolchain.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "toolchain/adopt.h"
#include "toolchain/data.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

/* -------------------------------------------------------------- adopt */

struct adoption {
	const struct toolchain_request *r;
	const char *what;
	struct toolchain_installed out;
	struct err err;
};

static int adopt(void *arg)
{
	struct adoption *a = arg;

	return toolchain_adopt(a->r->data, a->what, a->r->force, environ,
			       &a->out, &a->err);
}

static int adopt_one(const struct toolchain_request *r, const char *what)
{
	struct adoption a = { .r = r, .what = what };
	int ret = progress_run(what, "reading the compiler", adopt, &a);

	if (!ret)
		ret = toolchain_names_publish(r, &a.out, &a.err);
	if (ret)
		toolchain_failed(r, ret, &a.err);
	else
		toolchain_show_new(r, &a.out);
	toolchain_installed_release(&a.out);
	return ret;
}

int toolchain_adopt_main(struct toolchain_request *r)
{
	int status = EXIT_OK;

	for (size_t i = 0; i < r->words.n; i++) {
		if (adopt_one(r, r->words.v[i]))
			status = EXIT_USAGE;
	}
	return settings_interrupted() ? EXIT_INTERRUPTED : status;
}

/* ------------------------------------------------------------ default */

static int show_defaults(const struct toolchain_request *r, const char *arch)
{
	struct strv arches = { 0 };
	json_t *made = json_object();

	conf_subsections(r->conf, "arch", &arches);
	for (size_t i = 0; i < arches.n; i++) {
		const char *value = conf_get(r->conf, "arch", arches.v[i],
					     "toolchain");

		if (!value || (arch && strcmp(arch, arches.v[i]) != 0))
			continue;
		if (r->json)
			json_object_set_new(made, arches.v[i],
					    json_text(value));
		else
			printf("%s %s\n", arches.v[i], value);
	}
	if (r->json)
		table_json(json_incref(made));
	json_decref(made);
	strv_release(&arches);
	return EXIT_OK;
}

static int check_arch_name(const char *arch, struct err *err)
{
	const struct toolchain_arch *other = toolchain_data_arch_called(arch);

	if (toolchain_data_arch(arch))
		return 0;
	return err_set(err, EINVAL, "%s: no architecture of the kernel's%s%s",
		       arch, other ? "; it calls it " : "",
		       other ? other->arch : "");
}

/* Can it compile for `arch`, here? */
static int check_fits(const struct toolchain_installed *t, const char *arch,
		      struct err *err)
{
	const struct toolchain_arch *a = toolchain_data_arch(arch);
	char *prefix = xasprintf("%s-", t->triplet ? t->triplet : "");
	int ret = 0;

	if (strcmp(t->host, toolchain_here()) != 0)
		ret = err_set(err, EINVAL, "%s runs on %s, not on this machine",
			      t->id, t->host);
	else if (t->triplet && !strv_has(&a->triplets, t->triplet) &&
		 !strv_has(&a->prefixes, prefix))
		ret = err_set(err, EINVAL, "%s does not compile for %s", t->id,
			      arch);
	free(prefix);
	return ret;
}

/* A release, where it is unique: other machines understand it, too. */
static const char *default_name(const struct toolchain_installed_list *list,
				const struct toolchain_installed *t)
{
	const struct toolchain_installed *same;

	if (t->adopted)
		return t->id;
	same = toolchain_installed_find(list, t->release, t->triplet, NULL);
	return same == t ? t->release : t->id;
}

static int set_default(struct toolchain_request *r, const char *arch,
		       const char *name, struct err *err)
{
	struct toolchain_installed_list list = { 0 };
	const struct strv *triplets = toolchain_data_triplets(arch);
	const struct toolchain_installed *t = NULL;
	int ret = toolchain_settings_installed(r, &list, err);

	/* "gcc-13.3.0" is the one for this architecture. */
	for (size_t i = 0; !ret && !t && i < triplets->n; i++)
		t = toolchain_installed_find(&list, name, triplets->v[i], NULL);
	if (!ret && !t)
		ret = toolchain_settings_find(&list, name, &t, err);
	if (!ret)
		ret = check_fits(t, arch, err);
	if (!ret)
		ret = conf_set("arch", arch, "toolchain",
			       default_name(&list, t), err);
	toolchain_installed_list_release(&list);
	return ret;
}

int toolchain_default_main(struct toolchain_request *r)
{
	const char *arch = r->words.n ? r->words.v[0] : NULL;
	struct err err = { 0 };
	int ret = arch ? check_arch_name(arch, &err) : 0;

	if (!ret && r->words.n < 2)
		return show_defaults(r, arch);
	if (!ret && !strcmp(r->words.v[1], "none")) {
		ret = conf_remove("arch", arch, &err);
		if (ret == -ENOENT)
			err_set(&err, ENOENT, "%s has no default", arch);
	} else if (!ret) {
		ret = set_default(r, arch, r->words.v[1], &err);
	}
	return ret ? toolchain_failed(r, ret, &err) : EXIT_OK;
}

/* ------------------------------------------------------------- remove */

/* Defaults that lead nowhere now. */
static void warn_of_defaults(const struct toolchain_request *r,
			     const struct toolchain_installed *t)
{
	struct strv arches = { 0 };

	conf_subsections(r->conf, "arch", &arches);
	for (size_t i = 0; i < arches.n; i++) {
		const char *value = conf_get(r->conf, "arch", arches.v[i],
					     "toolchain");
		char *at;

		if (!value ||
		    (strcmp(value, t->id) != 0 &&
		     (strcmp(value, t->release) != 0 ||
		      check_fits(t, arches.v[i], &(struct err){ 0 }) != 0)))
			continue;
		at = conf_where(r->conf, "arch", arches.v[i], "toolchain");
		log_warning("%s is still the default of %s (%s)", value,
			    arches.v[i], at);
		free(at);
	}
	strv_release(&arches);
}

struct removal {
	const struct toolchain_request *r;
	const char *id;
	const struct toolchain_installed *t; /* NULL: it cannot be read */
	struct err err;
};

/* Names go last: a toolchain that is in use keeps them. */
static int remove_here(void *arg)
{
	struct removal *m = arg;
	int ret = toolchain_installed_remove(m->r->data, m->id, m->r->force,
					     &m->err);

	return ret || !m->t ? ret : toolchain_names_remove(m->t, &m->err);
}

/* One whose toolchain.json is broken is known by its id alone. */
static bool is_broken(const struct toolchain_request *r, const char *name)
{
	char *dir = xasprintf("%s/toolchains/%s", r->data, name);
	bool yes = toolchain_release_is_id(name) && fs_is_dir(dir);

	free(dir);
	return yes;
}

static int remove_toolchain(struct toolchain_request *r,
			    const struct toolchain_installed_list *list,
			    const struct toolchain_nodes *nodes,
			    const char *name)
{
	struct removal m = { .r = r, .id = name };
	unsigned failed = 0;
	int ret = toolchain_settings_find(list, name, &m.t, &m.err);

	if (!ret)
		m.id = m.t->id;
	else if (ret == -ENOENT && is_broken(r, name))
		ret = 0;
	if (!ret && nodes->n)
		failed = toolchain_nodes_drop(nodes, m.id);
	if (!ret)
		ret = progress_run(m.id, "removing", remove_here, &m);
	if (ret)
		return toolchain_failed(r, ret, &m.err);
	if (m.t)
		warn_of_defaults(r, m.t);
	return failed ? EXIT_USAGE : EXIT_OK;
}

int toolchain_remove_main(struct toolchain_request *r)
{
	struct toolchain_installed_list list = { 0 };
	struct toolchain_nodes nodes = { 0 };
	struct err err = { 0 };
	int ret = toolchain_settings_installed(r, &list, &err);
	int status = EXIT_OK;

	if (!ret && r->nodes && strcmp(r->nodes, "none") != 0)
		ret = toolchain_nodes_ask(&nodes, &r->roster, r->nodes, &err);
	if (ret)
		status = toolchain_failed(r, ret, &err);
	for (size_t i = 0; !ret && i < r->words.n; i++) {
		if (remove_toolchain(r, &list, &nodes, r->words.v[i]))
			status = EXIT_USAGE;
	}
	toolchain_nodes_release(&nodes);
	toolchain_installed_list_release(&list);
	return settings_interrupted() ? EXIT_INTERRUPTED : status;
}

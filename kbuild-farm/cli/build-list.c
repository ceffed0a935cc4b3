/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/digest.h"
#include "base/format.h"
#include "base/log.h"
#include "base/url.h"
#include "cli/build.h"
#include "cli/cmd.h"
#include "cli/table.h"
#include "kernel/arch.h"
#include "kernel/builddir.h"
#include "kernel/environ.h"
#include "kernel/summary.h"
#include "tree/bisect.h"

#include <stdlib.h>
#include <string.h>

/* Return the field of a build in the column STATUS. */
static const char *status_word(const struct build *b)
{
	if (b->state == BUILD_PENDING)
		return "not started";
	if (b->state == BUILD_REFUSED)
		return "refused";
	switch (b->result.status) {
	case EXIT_OK:
		return "built";
	case EXIT_WARNINGS:
		return "new warnings";
	case EXIT_USAGE:
		return "error";
	case EXIT_FARM:
		return "not remote";
	case EXIT_INTERRUPTED:
		return "interrupted";
	default:
		return "failed";
	}
}

/* Add a field such as "3 (1 new)", or "3" if `fresh` is 0. */
static void add_count_with_new(struct strv *cells, unsigned n, unsigned fresh)
{
	if (fresh)
		strv_addf(cells, "%u (%u new)", n, fresh);
	else
		strv_addf(cells, "%u", n);
}

void build_table_print(FILE *out, const struct build_list *l)
{
	static const char *const head[] = { "ARCH",     "CONFIG", "TOOLCHAIN",
					    "STATUS",   "TIME",   "REMOTE",
					    "WARNINGS", "ERRORS", "OUTPUT" };
	struct table t = { .align = "llllrrrrl" };

	for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
		strv_add(&t.fields, head[i]);
	for (size_t i = 0; i < l->n_builds; i++) {
		const struct build *b = &l->builds[i];
		const struct kernel_result *r = &b->result;
		unsigned share = kernel_summary_permille(r->n_remote,
							 r->n_local);
		struct buf time = { 0 };

		strv_add(&t.fields, b->arch);
		strv_add(&t.fields, b->config);
		strv_add(&t.fields, b->compiler ? b->compiler : "-");
		strv_add(&t.fields, status_word(b));
		if (!r->output_dir) {
			/*
			 * The column OUTPUT contains the first line of the
			 * error.
			 */
			for (int k = 0; k < 4; k++)
				strv_add(&t.fields, "-");
			strv_addf(&t.fields, "%.*s",
				  (int)strcspn(b->err.text, "\n"), b->err.text);
			continue;
		}
		format_time(&time, r->wall_ms + 500);
		strv_add(&t.fields, buf_str(&time));
		buf_release(&time);
		if (r->n_remote || r->n_local)
			strv_addf(&t.fields, "%u.%u %%", share / 10,
				  share % 10);
		else
			strv_add(&t.fields, "-");
		add_count_with_new(&t.fields, r->n_warnings, r->n_new_warnings);
		add_count_with_new(&t.fields, r->n_errors, r->n_new_errors);
		strv_add(&t.fields, r->output_dir);
	}
	table_print(out, &t);
}

/*
 * Return the rank of an exit status; a higher rank is worse.  A failed build
 * (2) is worse than a build with too few remote jobs (125), because the cause
 * is in the revision.  An error in the command (1) is worse than both.
 */
static int rank_of_status(int status)
{
	static const int order[] = {
		EXIT_OK,    EXIT_WARNINGS,     EXIT_FARM,        EXIT_BUILD,
		EXIT_USAGE, EXIT_ABORT_BISECT, EXIT_INTERRUPTED,
	};
	static const int n = sizeof(order) / sizeof(*order);

	for (int i = 0; i < n; i++) {
		if (order[i] == status)
			return i;
	}
	/* For an interactive or printing target, make can return any status. */
	return rank_of_status(EXIT_BUILD);
}

int build_status_worse(int a, int b)
{
	return rank_of_status(b) > rank_of_status(a) ? b : a;
}

/*
 * Return the status for `git bisect run` if a bisection is active and the cause
 * requires another status, otherwise `status`.
 */
static int bisect_status(const struct kconfig_request *r, int status,
			 enum kernel_cause cause)
{
	bool no_revision = status == EXIT_USAGE ||
			   cause == KERNEL_CAUSE_DISK_FULL;
	bool lacking = cause == KERNEL_CAUSE_CONFIG;
	bool bisected;

	if (status == EXIT_OK || (!no_revision && !lacking))
		return status;
	bisected = !r->tree &&
		   tree_bisect_is_active(r->directory ? r->directory : ".");
	if (bisected && lacking)
		return EXIT_FARM;
	/*
	 * Also check the working directory, because `git bisect run` starts the
	 * command at the top of the bisected repository.
	 */
	return bisected || tree_bisect_is_active(".") ? EXIT_ABORT_BISECT :
							status;
}

static void log_bisect_status(int status)
{
	log_info("git bisect is in progress: exit status %s",
		 status == EXIT_FARM ?
			 "125, because this revision lacks the configuration" :
			 "255, because the failure does not depend on the "
			 "revision");
}

int build_status_for_bisect(const struct kconfig_request *r, int status,
			    enum kernel_cause cause)
{
	int given = bisect_status(r, status, cause);

	if (given != status)
		log_bisect_status(given);
	return given;
}

int build_status_worst(const struct build_list *l)
{
	bool changed = false;
	int worst = EXIT_OK;

	for (size_t i = 0; i < l->n_builds; i++) {
		const struct build *b = &l->builds[i];
		int given = bisect_status(&b->request, b->result.status,
					  b->result.cause);

		if (i && build_status_worse(worst, given) == worst)
			continue;
		worst = given;
		changed = given != b->result.status;
	}
	if (changed)
		log_bisect_status(worst);
	return worst;
}

#define DIGITS 8 /* digits of the digest that makes a name unique */

/*
 * Return the architecture that kernel_plan_init() uses without -a.  The caller
 * frees it.
 */
static char *implied_arch(const struct build_options *o, char *const *env)
{
	const struct strv *given[] = { &o->request.variables,
				       &o->request.environment };
	const char *arch = NULL;
	char host[32];

	for (size_t i = 0; !arch && i < sizeof(given) / sizeof(*given); i++)
		arch = kernel_environ_value(strv_list(given[i]), "ARCH");
	if (!arch)
		arch = kernel_environ_value(env, "ARCH");
	kernel_arch_host(host);
	return xstrdup(arch ? arch : host);
}

/* Add one build; `arch` or `kconfig` is NULL if -a or -k is not given. */
static void add_build(struct build_list *l, const struct build_options *o,
		      const char *arch, const char *kconfig, char *const *env)
{
	struct build *b = &l->builds[l->n_builds++];
	struct buf name = { 0 };

	b->request = o->request;
	b->request.arch = arch;
	b->request.kconfig = kconfig;
	b->arch = arch ? xstrdup(arch) : implied_arch(o, env);
	b->config = url_redact(kconfig ? kconfig : "defconfig");
	kernel_builddir_add_name(&name, b->arch);
	buf_add_str(&name, "-");
	kernel_builddir_add_name(&name, b->config);
	b->name = buf_steal(&name);
}

/* Return true if an earlier word of the list equals word `i`. */
static bool is_repeated(const struct strv *given, size_t i)
{
	for (size_t j = 0; j < i && i < given->n; j++) {
		if (!strcmp(given->v[j], given->v[i]))
			return true;
	}
	return false;
}

/* Add the builds of one architecture with all configurations. */
static void add_arch_builds(struct build_list *l, const struct build_options *o,
			    const char *arch, char *const *env)
{
	const struct strv *k = &o->kconfigs;

	if (!k->n)
		add_build(l, o, arch, NULL, env);
	for (size_t i = 0; i < k->n; i++) {
		if (!is_repeated(k, i))
			add_build(l, o, arch, k->v[i], env);
	}
}

/*
 * Append a digest to each name that several builds have.  "a/board.config" and
 * "b/board.config" yield the same name, which contains only the last component.
 */
static void make_names_unique(struct build_list *l)
{
	bool *shared = xcalloc(l->n_builds, sizeof(*shared));

	for (size_t i = 0; i < l->n_builds; i++) {
		for (size_t k = 0; k < l->n_builds && !shared[i]; k++)
			shared[i] = k != i && !strcmp(l->builds[k].name,
						      l->builds[i].name);
	}
	for (size_t i = 0; i < l->n_builds; i++) {
		struct build *b = &l->builds[i];
		char hex[DIGEST_HEX], *name;
		struct digest d;

		if (!shared[i])
			continue;
		digest_bytes(bytes_str(b->config), &d);
		digest_format(&d, hex);
		name = xasprintf("%s-%.*s", b->name, DIGITS, hex);
		free(b->name);
		b->name = name;
	}
	free(shared);
}

void build_list_make(struct build_list *l, const struct build_options *o,
		     char *const *env)
{
	const struct strv *a = &o->arches;
	size_t most = (a->n ? a->n : 1) * (o->kconfigs.n ? o->kconfigs.n : 1);

	*l = (struct build_list){ .builds = xcalloc(most, sizeof(*l->builds)) };
	if (!a->n)
		add_arch_builds(l, o, NULL, env);
	for (size_t i = 0; i < a->n; i++) {
		if (!is_repeated(a, i))
			add_arch_builds(l, o, a->v[i], env);
	}
	make_names_unique(l);

	/* If there are several builds, give each a number and a directory. */
	for (size_t i = 0; l->n_builds > 1 && i < l->n_builds; i++) {
		struct build *b = &l->builds[i];

		b->request.part_number = (unsigned)i + 1;
		b->request.n_parts = (unsigned)l->n_builds;
		b->request.part_name = b->name;
		if (!b->request.output_dir)
			continue;
		b->output_dir = xasprintf("%s/%s", b->request.output_dir,
					  b->name);
		b->request.output_dir = b->output_dir;
	}
}

void build_list_release(struct build_list *l)
{
	for (size_t i = 0; i < l->n_builds; i++) {
		struct build *b = &l->builds[i];

		kernel_plan_release(&b->plan);
		kernel_result_release(&b->result);
		free(b->arch);
		free(b->config);
		free(b->name);
		free(b->output_dir);
		free(b->compiler);
	}
	free(l->builds);
	*l = (struct build_list){ 0 };
}

void build_list_label(struct buf *out, const struct build *b)
{
	if (b->request.n_parts)
		buf_printf(out, "%u/%u %s %s: ", b->request.part_number,
			   b->request.n_parts, b->arch, b->config);
}

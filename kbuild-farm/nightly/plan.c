/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/plan.h"

#include "base/buf.h"
#include "base/vec.h"
#include "kernel/compiler.h"
#include "kernel/place.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DIGITS 8 /* of the digest in a name that two would have */

extern char **environ;

/* ---- the builds ---- */

static char *place_name(const char *word)
{
	struct buf out = { 0 };

	kernel_place_add_name(&out, word);
	return buf_steal(&out);
}

static char *with_digits(char *name, const char *word)
{
	char hex[DIGEST_HEX], *out;
	struct digest d;

	digest_of(bytes_str(word), &d);
	digest_hex(&d, hex);
	out = xasprintf("%s-%.*s", name, DIGITS, hex);
	free(name);
	return out;
}

/* "a/board.config" and "b/board.config" have the same last component. */
static char *list_name(const struct strv *list, const char *word,
		       const char *otherwise)
{
	char *name = place_name(word ? word : otherwise);
	bool shared = false;

	for (size_t i = 0; word && i < list->n; i++) {
		char *other = place_name(list->v[i]);

		shared = shared || (strcmp(list->v[i], word) != 0 &&
				    !strcmp(other, name));
		free(other);
	}
	return shared ? with_digits(name, word) : name;
}

static void add_combination(struct nightly_plans *out,
			    const struct nightly_job *job, const char *arch,
			    const char *kconfig, const char *toolchain)
{
	struct nightly_plan *p = VEC_ADD(out->v, out->n);
	char host[32], *tool;

	kernel_arch_host(host);
	*p = (struct nightly_plan){
		.job = job,
		.arch = arch,
		.kconfig = kconfig,
		.toolchain = toolchain,
		.arch_text = xstrdup(arch ? arch : host),
		.config_text = list_name(&job->kconfigs, kconfig, "defconfig"),
	};
	tool = toolchain ? list_name(&job->toolchains, toolchain, "") : NULL;
	p->name = xasprintf("%s-%s%s%s", p->arch_text, p->config_text,
			    tool ? "-" : "", tool ? tool : "");
	free(tool);
}

/* The list's words, or one NULL. */
static const char *word_at(const struct strv *list, size_t i)
{
	return list->n ? list->v[i] : NULL;
}

static size_t words_in(const struct strv *list)
{
	return list->n ? list->n : 1;
}

void nightly_plans_make(struct nightly_plans *out,
			const struct nightly_job *job)
{
	const struct strv *a = &job->arches, *k = &job->kconfigs,
			  *t = &job->toolchains;
	size_t n_k = words_in(k), n_t = words_in(t);

	*out = (struct nightly_plans){ 0 };
	for (size_t i = 0; i < words_in(a) * n_k * n_t; i++)
		add_combination(out, job, word_at(a, i / n_t / n_k),
				word_at(k, i / n_t % n_k), word_at(t, i % n_t));
}

void nightly_plans_release(struct nightly_plans *plans)
{
	for (size_t i = 0; i < plans->n; i++) {
		free(plans->v[i].arch_text);
		free(plans->v[i].config_text);
		free(plans->v[i].name);
		free(plans->v[i].compiler);
	}
	free(plans->v);
	*plans = (struct nightly_plans){ 0 };
}

void nightly_plans_names(struct strv *out, const struct nightly_job *job)
{
	struct nightly_plans plans;

	nightly_plans_make(&plans, job);
	for (size_t i = 0; i < plans.n; i++)
		strv_add(out, plans.v[i].name);
	nightly_plans_release(&plans);
}

/* ---- what one depends on ---- */

static void digest_word(struct digest_run *run, const char *word)
{
	digest_add(run, bytes_of(word ? word : "", word ? strlen(word) : 0));
	digest_add(run, bytes_of("", 1));
}

static void digest_words(struct digest_run *run, const struct strv *words)
{
	for (size_t i = 0; i < words->n; i++)
		digest_word(run, words->v[i]);
	digest_word(run, "");
}

static void fix_options(struct nightly_plan *p)
{
	struct digest_run *run = digest_new();

	digest_words(run, &p->job->targets);
	digest_words(run, &p->job->variables);
	digest_word(run, p->job->options);
	digest_end(run, &p->options_id);
}

static int fix_config(struct nightly_plan *p, const struct nightly_means *means,
		      struct err *err)
{
	struct digest_run *run = digest_new();
	int ret;

	digest_word(run, p->kconfig);
	digest_words(run, &p->job->kconfig_add);
	ret = means->texts(means->ctx, p->kconfig, &p->job->kconfig_add, run,
			   err);
	digest_end(run, &p->config_id);
	return ret;
}

/* An installed one by what it consists of; one of the system by its driver,
 * which every update of its package replaces. */
static void identify_compiler(struct nightly_plan *p,
			      const struct kernel_compiler *c)
{
	const struct toolchain_installed *t = kernel_installed_owner(
		&c->installed, c->name, c->path);
	struct buf text = { 0 };
	char hex[DIGEST_HEX];
	struct stat st = { 0 };

	p->compiler = xasprintf("%s-%s", c->is_clang ? "clang" : "gcc",
				c->version);
	buf_printf(&text, "%s\n%s\n", c->name, p->compiler);
	if (t) {
		digest_hex(&t->content, hex);
		buf_printf(&text, "%s\n%s\n", t->id, hex);
	} else if (!stat(c->path, &st)) {
		buf_printf(&text, "%s\n%lld\n%lld.%09ld\n", c->path,
			   (long long)st.st_size, (long long)st.st_mtim.tv_sec,
			   st.st_mtim.tv_nsec);
	}
	digest_of(buf_bytes(&text), &p->toolchain_id);
	buf_release(&text);
}

static int fix_toolchain(struct nightly_plan *p,
			 const struct nightly_means *means, struct err *err)
{
	struct kernel_compiler_request request = {
		.toolchain = p->toolchain,
		.variables = &p->job->variables,
		.env = environ,
		.standard = means->standard,
	};
	struct kernel_compiler c = { 0 };
	struct kernel_arch arch;
	int ret = kernel_arch_find(&arch, NULL, p->arch_text, err);

	if (ret)
		return ret;
	ret = kernel_compiler_choose(&c, &arch, &request, err);
	if (!ret)
		identify_compiler(p, &c);
	kernel_compiler_release(&c);
	return ret;
}

int nightly_plan_fix(struct nightly_plan *p, const struct nightly_means *means,
		     struct err *err)
{
	int ret;

	fix_options(p);
	ret = fix_config(p, means, err);
	if (!ret)
		ret = fix_toolchain(p, means, err);
	if (ret)
		err_wrap(err, "%s", p->name);
	return ret;
}

/* ---- whether it changed ---- */

static bool same_id(const struct digest *now, const char *then)
{
	char hex[DIGEST_HEX];

	digest_hex(now, hex);
	return !strcmp(hex, then);
}

/* The newest result of the build; of `tried` the newest that says something. */
static const struct nightly_result *newest_result(
	const struct nightly_plan *p, struct nightly_result *const *v, size_t n,
	bool tried)
{
	while (n-- > 0) {
		if (!strcmp(v[n]->build, p->name) &&
		    (!tried || v[n]->end != NIGHTLY_BROKEN || v[n]->timed_out))
			return v[n];
	}
	return NULL;
}

enum nightly_decision nightly_decide(const struct nightly_plan *p,
				     const char *commit,
				     struct nightly_result *const *all,
				     size_t n, const struct nightly_wish *wish)
{
	const struct nightly_result *was = newest_result(p, all, n, true);

	if (wish->force)
		return NIGHTLY_FORCED;
	if (!was)
		return newest_result(p, all, n, false) ? NIGHTLY_RETRY :
							 NIGHTLY_FIRST;
	if (strcmp(was->commit, commit) != 0)
		return NIGHTLY_COMMIT;
	if (!same_id(&p->config_id, was->config_id))
		return NIGHTLY_CONFIG;
	if (!same_id(&p->toolchain_id, was->toolchain_id))
		return NIGHTLY_TOOLCHAIN;
	if (!same_id(&p->options_id, was->options_id))
		return NIGHTLY_OPTIONS;
	if (wish->retry_failed && was->end != NIGHTLY_GOOD)
		return NIGHTLY_RETRY;
	return NIGHTLY_UNCHANGED;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/build-matrix.h"

#include "base/buf.h"
#include "base/url.h"
#include "base/vec.h"
#include "kernel/builddir.h"
#include "kernel/compiler.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DIGITS 8 /* hex digits of a digest that make a name unique */

extern char **environ;

/* ---- builds ---- */

static char *kconfig_file_name(const char *word)
{
	struct buf out = { 0 };

	kernel_builddir_add_name(&out, word);
	return buf_steal(&out);
}

/*
 * Return a name for `word`, an element of `list`.  If another element has the
 * same name, like "a/board.config" and "b/board.config", a part of the digest
 * of `word` is appended.  If `word` is NULL, the name is made from `otherwise`.
 */
static char *list_name(const struct strv *list, const char *word,
		       const char *otherwise)
{
	char *name = kconfig_file_name(word ? word : otherwise), *unique;
	char hex[DIGEST_HEX];
	bool shared = false;
	struct digest d;

	for (size_t i = 0; word && i < list->n; i++) {
		char *other = kconfig_file_name(list->v[i]);

		shared = shared || (strcmp(list->v[i], word) != 0 &&
				    !strcmp(other, name));
		free(other);
	}
	if (!shared)
		return name;
	digest_bytes(bytes_str(word), &d);
	digest_format(&d, hex);
	unique = xasprintf("%s-%.*s", name, DIGITS, hex);
	free(name);
	return unique;
}

/*
 * Return element `i` of the list.  An empty list counts as a list of one
 * element, which is NULL.
 */
static const char *word_or_null(const struct strv *list, size_t i)
{
	return list->n ? list->v[i] : NULL;
}

static size_t count_or_one(const struct strv *list)
{
	return list->n ? list->n : 1;
}

void nightly_build_matrix_init(struct nightly_build_matrix *out,
			       const struct nightly_job *job)
{
	const struct strv *a = &job->arches, *k = &job->kconfigs,
			  *t = &job->toolchains;
	size_t n_k = count_or_one(k), n_t = count_or_one(t);
	char host[32];

	kernel_arch_host(host);
	*out = (struct nightly_build_matrix){ 0 };
	for (size_t i = 0; i < count_or_one(a) * n_k * n_t; i++) {
		struct nightly_build *p = VEC_ADD(out->builds, out->n_builds);
		char *arch, *tool = NULL;

		*p = (struct nightly_build){
			.job = job,
			.arch = word_or_null(a, i / n_t / n_k),
			.kconfig = word_or_null(k, i / n_t % n_k),
			.toolchain = word_or_null(t, i % n_t),
		};
		p->arch_text = xstrdup(p->arch ? p->arch : host);
		arch = list_name(a, p->arch, host);
		p->config_text = list_name(k, p->kconfig, "defconfig");
		if (p->toolchain)
			tool = list_name(t, p->toolchain, "");
		p->name = xasprintf("%s-%s%s%s", arch, p->config_text,
				    tool ? "-" : "", tool ? tool : "");
		free(tool);
		free(arch);
	}
}

void nightly_build_matrix_release(struct nightly_build_matrix *matrix)
{
	for (size_t i = 0; i < matrix->n_builds; i++) {
		free(matrix->builds[i].arch_text);
		free(matrix->builds[i].config_text);
		free(matrix->builds[i].name);
		free(matrix->builds[i].compiler);
	}
	free(matrix->builds);
	*matrix = (struct nightly_build_matrix){ 0 };
}

void nightly_build_matrix_list_names(struct strv *out,
				     const struct nightly_job *job)
{
	struct nightly_build_matrix matrix;

	nightly_build_matrix_init(&matrix, job);
	for (size_t i = 0; i < matrix.n_builds; i++)
		strv_add(out, matrix.builds[i].name);
	nightly_build_matrix_release(&matrix);
}

/* ---- inputs ---- */

static void digest_word(struct digest_ctx *run, const char *word)
{
	digest_add(run, bytes_of(word ? word : "", word ? strlen(word) : 0));
	digest_add(run, bytes_of("", 1));
}

static void digest_words(struct digest_ctx *run, const struct strv *words)
{
	for (size_t i = 0; i < words->n; i++)
		digest_word(run, words->v[i]);
	digest_word(run, "");
}

/*
 * Set p->compiler and p->toolchain_id.  For an installed toolchain, the id is
 * computed from the manifest digest.  For a system compiler, the id is computed
 * from the size and mtime of the driver file, because every package update
 * replaces this file.
 */
static void identify_compiler(struct nightly_build *p,
			      const struct kernel_compiler *c)
{
	const struct toolchain_installed *t = kernel_toolchains_find_owner(
		&c->toolchains, c->name, c->path);
	struct buf text = { 0 };
	char hex[DIGEST_HEX];
	struct stat st = { 0 };

	p->compiler = xasprintf("%s-%s", c->is_clang ? "clang" : "gcc",
				c->version);
	buf_printf(&text, "%s\n%s\n", c->name, p->compiler);
	if (t) {
		digest_format(&t->manifest_id, hex);
		buf_printf(&text, "%s\n%s\n", t->id, hex);
	} else if (!stat(c->path, &st)) {
		buf_printf(&text, "%s\n%lld\n%lld.%09ld\n", c->path,
			   (long long)st.st_size, (long long)st.st_mtim.tv_sec,
			   st.st_mtim.tv_nsec);
	}
	digest_bytes(buf_bytes(&text), &p->toolchain_id);
	buf_release(&text);
}

int nightly_build_matrix_resolve(struct nightly_build *p,
				 const struct nightly_build_sources *sources,
				 struct err *err)
{
	struct kernel_compiler_request request = {
		.toolchain = p->toolchain,
		.variables = &p->job->variables,
		.default_toolchains = sources->default_toolchains,
	};
	struct strv env = { 0 };
	struct kernel_compiler c = { 0 };
	struct kernel_arch arch;
	struct digest_ctx *run = digest_new();
	int ret;

	digest_words(run, &p->job->targets);
	digest_words(run, &p->job->variables);
	digest_word(run, p->job->options);
	digest_finish(run, &p->options_id);

	run = digest_new();
	digest_word(run, p->kconfig);
	digest_words(run, &p->job->kconfig_add);
	ret = sources->add_config_texts(sources->ctx, p->kconfig,
					&p->job->kconfig_add, run, err);
	digest_finish(run, &p->config_id);

	if (!ret)
		ret = kernel_arch_find(&arch, NULL, p->arch_text, err);
	nightly_build_command_add_env(&env, p->job);
	request.env = strv_list(&env);
	if (!ret)
		ret = kernel_compiler_choose(&c, &arch, &request, err);
	if (!ret)
		identify_compiler(p, &c);
	kernel_compiler_release(&c);
	strv_release(&env);
	return ret;
}

/* ---- decision ---- */

static bool is_same_digest(const struct digest *now, const char *then)
{
	char hex[DIGEST_HEX];

	digest_format(now, hex);
	return !strcmp(hex, then);
}

/*
 * Return the newest result of the build.  If `tried` is true, ignore results of
 * builds that could not be completed, except builds that timed out.
 */
static const struct nightly_result *newest_result(
	const struct nightly_build *p, struct nightly_result *const *v,
	size_t n, bool tried)
{
	while (n-- > 0) {
		if (!strcmp(v[n]->build, p->name) &&
		    (!tried || v[n]->end != NIGHTLY_END_BROKEN ||
		     v[n]->timed_out))
			return v[n];
	}
	return NULL;
}

enum nightly_decision nightly_build_matrix_decide(
	const struct nightly_build *p, const char *commit,
	struct nightly_result *const *all, size_t n,
	const struct nightly_build_request *request)
{
	const struct nightly_result *was = newest_result(p, all, n, true);

	if (request->force)
		return NIGHTLY_DECISION_FORCED;
	if (!was)
		return newest_result(p, all, n, false) ?
			       NIGHTLY_DECISION_RETRY :
			       NIGHTLY_DECISION_FIRST;
	if (strcmp(was->commit, commit) != 0)
		return NIGHTLY_DECISION_COMMIT;
	if (!is_same_digest(&p->config_id, was->config_id))
		return NIGHTLY_DECISION_CONFIG;
	if (!is_same_digest(&p->toolchain_id, was->toolchain_id))
		return NIGHTLY_DECISION_TOOLCHAIN;
	if (!is_same_digest(&p->options_id, was->options_id))
		return NIGHTLY_DECISION_OPTIONS;
	if (request->retry_failed && was->end != NIGHTLY_END_GOOD)
		return NIGHTLY_DECISION_RETRY;
	/*
	 * A result newer than `was` exists only if its build could not be
	 * completed: retry.
	 */
	if (newest_result(p, all, n, false) != was)
		return NIGHTLY_DECISION_RETRY;
	return NIGHTLY_DECISION_UNCHANGED;
}

/*
 * Environment variables that a build does not inherit, because they affect its
 * result or the language of compiler messages.
 */
static const char *const excluded_variables[] = {
	"ARCH",  "CROSS_COMPILE", "LLVM",     "O",      "KBUILD_OUTPUT",
	"KFARM", "MAKEFLAGS",     "LANGUAGE", "LC_ALL",
};

static void add_option_word(struct strv *out, const char *option,
			    const char *value)
{
	if (!value)
		return;
	strv_add(out, option);
	strv_add(out, value);
}

static void add_build_words(struct strv *out, const struct nightly_build *p,
			    const char *commit)
{
	const struct nightly_job *j = p->job;

	strv_add(out, "kfarm");
	strv_add(out, "build");
	add_option_word(out, "--tree", j->tree);
	add_option_word(out, "--rev", commit);
	add_option_word(out, "-a", p->arch);
	add_option_word(out, "-t", p->toolchain);
	add_option_word(out, "-k", p->kconfig);
	for (size_t i = 0; i < j->kconfig_add.n; i++)
		add_option_word(out, "-K", j->kconfig_add.v[i]);
}

void nightly_build_command_add_shown(struct buf *out,
				     const struct nightly_build *p,
				     const char *commit)
{
	struct strv words = { 0 };

	if (p->job->options) {
		buf_add_str(out, "KFARM=");
		buf_add_shell_word(out, p->job->options);
		buf_add_str(out, " ");
	}
	add_build_words(&words, p, commit);
	strv_add_all(&words, strv_list(&p->job->variables));
	strv_add_all(&words, strv_list(&p->job->targets));
	for (size_t i = 0; i < words.n; i++) {
		char *shown = url_redact(words.v[i]);

		buf_add_str(out, i ? " " : "");
		buf_add_shell_word(out, shown);
		free(shown);
	}
	strv_release(&words);
}

void nightly_build_command_add_run(struct strv *out,
				   const struct nightly_build *p,
				   const char *commit,
				   const struct nightly_build_options *options)
{
	char *job = xasprintf("%s%s", p->job->name,
			      options->bisecting ? "/bisect" : "");

	add_build_words(out, p, commit);
	add_option_word(out, "-o", options->dir);
	add_option_word(out, "--nightly", job);
	strv_add(out, "-W");
	add_option_word(out, "--ui", options->progress ? "plain" : "none");
	free(job);
	/* Arguments after "--" are never options. */
	if (p->job->variables.n || p->job->targets.n)
		strv_add(out, "--");
	strv_add_all(out, strv_list(&p->job->variables));
	strv_add_all(out, strv_list(&p->job->targets));
}

void nightly_build_command_add_env(struct strv *out,
				   const struct nightly_job *job)
{
	for (char **e = environ; *e; e++) {
		bool drop = false;

		for (size_t i = 0; i < ARRAY_SIZE(excluded_variables); i++) {
			size_t n = strlen(excluded_variables[i]);

			drop = drop ||
			       (!strncmp(*e, excluded_variables[i], n) &&
				(*e)[n] == '=');
		}
		if (!drop)
			strv_add(out, *e);
	}
	strv_add(out, "LC_ALL=C.UTF-8");
	if (job->options)
		strv_addf(out, "KFARM=%s", job->options);
}

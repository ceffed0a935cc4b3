/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: nightly */
#include "nightly/build-matrix.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "nightly-put.h"

static struct nightly_job job;

static void tear_down(void)
{
	strv_release(&job.arches);
	strv_release(&job.kconfigs);
	strv_release(&job.toolchains);
	strv_release(&job.kconfig_add);
	strv_release(&job.variables);
	strv_release(&job.targets);
	job = (struct nightly_job){ 0 };
}

static char *names_of(const struct nightly_build_matrix *matrix)
{
	struct strv names = { 0 };
	char *out;

	for (size_t i = 0; i < matrix->n_builds; i++)
		strv_add(&names, matrix->builds[i].name);
	out = strv_join(&names, " ");
	strv_release(&names);
	return out;
}

/* The settings of a job, and the names of the resulting builds. */
static const struct combination {
	const char *arches, *kconfigs, *toolchains, *names;
} matrices[] = {
	{ "arm64", "", "", "arm64-defconfig" },
	{ "arm64 riscv", "defconfig", "gcc-13 clang",
	  "arm64-defconfig-gcc-13 arm64-defconfig-clang "
	  "riscv-defconfig-gcc-13 riscv-defconfig-clang" },
	{ "arm64", "tinyconfig a/board.config https://x.org/y/z.config", "",
	  "arm64-tinyconfig arm64-board arm64-z" },
	/* Equal last path components. */
	{ "arm64", "a/board.config b/board.config", "aarch64-linux-gnu-",
	  "arm64-board-e5837909-aarch64-linux-gnu- "
	  "arm64-board-cfc883e9-aarch64-linux-gnu-" },
	/* A name never contains a directory. */
	{ "a/b arm64", "", "/opt/x/bin/nosuch-",
	  "b-defconfig-nosuch- arm64-defconfig-nosuch-" },
};

FIXTURE(NULL, tear_down);

TEST_EACH(each_combination_is_a_build_with_a_name, matrices)
{
	struct nightly_build_matrix matrix;
	char *names;

	strv_split(&job.arches, row->arches, " ");
	strv_split(&job.kconfigs, row->kconfigs, " ");
	strv_split(&job.toolchains, row->toolchains, " ");
	nightly_build_matrix_init(&matrix, &job);
	names = names_of(&matrix);
	ck_assert_str_eq(names, row->names);
	free(names);
	nightly_build_matrix_release(&matrix);
}

/* ---- build decisions ---- */

#define OTHER "9876543210987654321098765432109876543210"

/*
 * Earlier builds, one word each: G good, F failed, B broken or T timed out,
 * then the differences: c commit, k configuration, t toolchain, o options, b
 * another build.
 */
static const struct decision {
	const char *earlier;
	bool force, retry;
	enum nightly_decision wanted;
} decisions[] = {
	{ "", 0, 0, NIGHTLY_DECISION_FIRST },
	{ "Gb Fb", 0, 0, NIGHTLY_DECISION_FIRST },
	{ "G", 0, 0, NIGHTLY_DECISION_UNCHANGED },
	{ "G", 1, 0, NIGHTLY_DECISION_FORCED },
	{ "", 1, 0, NIGHTLY_DECISION_FORCED },
	{ "G", 0, 1, NIGHTLY_DECISION_UNCHANGED },
	{ "F", 0, 0, NIGHTLY_DECISION_UNCHANGED },
	{ "F", 0, 1, NIGHTLY_DECISION_RETRY },
	{ "Gc", 0, 0, NIGHTLY_DECISION_COMMIT },
	{ "Fc", 0, 0, NIGHTLY_DECISION_COMMIT },
	{ "Gk", 0, 0, NIGHTLY_DECISION_CONFIG },
	{ "Gt", 0, 0, NIGHTLY_DECISION_TOOLCHAIN },
	{ "Go", 0, 0, NIGHTLY_DECISION_OPTIONS },
	{ "Fo", 0, 1, NIGHTLY_DECISION_OPTIONS },
	/* The last conclusive build counts: here the branch was reset. */
	{ "G Fc", 0, 0, NIGHTLY_DECISION_COMMIT },
	{ "Gc G", 0, 0, NIGHTLY_DECISION_UNCHANGED },
	/* A build that could not be completed is repeated. */
	{ "B", 0, 0, NIGHTLY_DECISION_RETRY },
	{ "G B", 0, 0, NIGHTLY_DECISION_RETRY },
	{ "F B", 0, 0, NIGHTLY_DECISION_RETRY },
	{ "Gc B", 0, 0, NIGHTLY_DECISION_COMMIT },
	{ "G Bc", 0, 0, NIGHTLY_DECISION_RETRY },
	{ "B G", 0, 0, NIGHTLY_DECISION_UNCHANGED },
	{ "G Bb", 0, 0, NIGHTLY_DECISION_UNCHANGED },
	/* A timeout would recur. */
	{ "Gc T", 0, 0, NIGHTLY_DECISION_UNCHANGED },
	{ "Gc T", 0, 1, NIGHTLY_DECISION_RETRY },
	{ "Tc", 0, 0, NIGHTLY_DECISION_COMMIT },
};

static char *id_of(const struct digest *d, bool other)
{
	char hex[DIGEST_HEX];

	digest_format(d, hex);
	return xstrdup(other ? "other" : hex);
}

static struct nightly_result *earlier_result(const struct nightly_build *p,
					     const char *word)
{
	struct nightly_result *r = xcalloc(1, sizeof(*r));

	r->build = xstrdup(strchr(word, 'b') ? "another" : p->name);
	r->end = word[0] == 'G' ? NIGHTLY_END_GOOD :
		 word[0] == 'F' ? NIGHTLY_END_FAILED :
				  NIGHTLY_END_BROKEN;
	r->timed_out = word[0] == 'T';
	r->commit = xstrdup(strchr(word, 'c') ? OTHER : PUT_COMMIT);
	r->config_id = id_of(&p->config_id, strchr(word, 'k'));
	r->toolchain_id = id_of(&p->toolchain_id, strchr(word, 't'));
	r->options_id = id_of(&p->options_id, strchr(word, 'o'));
	return r;
}

TEST_EACH(the_build_decision_depends_on_the_earlier_results, decisions)
{
	const struct nightly_build_request request = {
		.force = row->force, .retry_failed = row->retry
	};
	struct nightly_result *v[4];
	struct nightly_build_matrix matrix;
	struct strv words = { 0 };

	nightly_build_matrix_init(&matrix, &job);
	strv_split(&words, row->earlier, " ");
	for (size_t i = 0; i < words.n; i++)
		v[i] = earlier_result(&matrix.builds[0], words.v[i]);
	ck_assert_int_eq(nightly_build_matrix_decide(&matrix.builds[0],
						     PUT_COMMIT, v, words.n,
						     &request),
			 row->wanted);
	for (size_t i = 0; i < words.n; i++) {
		nightly_result_release(v[i]);
		free(v[i]);
	}
	strv_release(&words);
	nightly_build_matrix_release(&matrix);
}

/* ---- inputs of a build ---- */

static int add_text(void *ctx, const char *kconfig,
		    const struct strv *kconfig_add, struct digest_ctx *into,
		    struct err *err)
{
	const char *text = ctx;

	(void)kconfig;
	(void)kconfig_add;
	(void)err;
	digest_add(into, bytes_str(text));
	return 0;
}

static void resolve(struct nightly_build *out,
		    struct nightly_build_matrix *matrix, const char *text)
{
	const struct nightly_build_sources sources = {
		.add_config_texts = add_text, .ctx = (void *)(uintptr_t)text
	};
	struct err err = { 0 };

	nightly_build_matrix_init(matrix, &job);
	if (nightly_build_matrix_resolve(&matrix->builds[0], &sources, &err))
		ck_abort_msg("%s", err.text);
	*out = matrix->builds[0];
}

/*
 * Check that a change of the job altered only one part: 'k' configuration, 'o'
 * options, or '-' none.
 */
static void ck_assert_part(const struct nightly_build *before, const char *text,
			   char part)
{
	struct nightly_build changed;
	struct nightly_build_matrix matrix;

	resolve(&changed, &matrix, text);
	ck_assert_int_eq(digest_equal(&before->config_id, &changed.config_id),
			 part != 'k');
	ck_assert_int_eq(digest_equal(&before->options_id, &changed.options_id),
			 part != 'o');
	ck_assert(digest_equal(&before->toolchain_id, &changed.toolchain_id));
	nightly_build_matrix_release(&matrix);
}

TEST(each_setting_changes_only_the_config_id_or_the_options_id)
{
	struct nightly_build_matrix matrix;
	struct nightly_build old_build;

	resolve(&old_build, &matrix, "text");
	text_has(old_build.compiler, "gcc-");
	ck_assert_part(&old_build, "text", '-');
	ck_assert_part(&old_build, "texts", 'k');
	strv_add(&job.kconfig_add, "CONFIG_A=y");
	ck_assert_part(&old_build, "text", 'k');
	strv_release(&job.kconfig_add);
	strv_add(&job.targets, "Image");
	ck_assert_part(&old_build, "text", 'o');
	strv_release(&job.targets);
	strv_add(&job.variables, "W=1");
	ck_assert_part(&old_build, "text", 'o');
	strv_release(&job.variables);
	job.options = (char[]){ "-F" };
	ck_assert_part(&old_build, "text", 'o');
	job.options = NULL;
	ck_assert_part(&old_build, "text", '-');
	nightly_build_matrix_release(&matrix);
}

/* Variables of the user's shell that a build does not inherit. */
static const struct shell_variable {
	const char *name, *value;
} shell_variables[] = {
	{ "LLVM", "1" },
	{ "CROSS_COMPILE", "nosuch-" },
};

TEST_EACH(environment_variables_do_not_select_the_compiler, shell_variables)
{
	struct nightly_build_matrix matrix, after;
	struct nightly_build old_build, new_build;

	resolve(&old_build, &matrix, "");
	setenv(row->name, row->value, 1);
	resolve(&new_build, &after, "");
	unsetenv(row->name);
	ck_assert_str_eq(old_build.compiler, new_build.compiler);
	ck_assert(
		digest_equal(&old_build.toolchain_id, &new_build.toolchain_id));
	nightly_build_matrix_release(&after);
	nightly_build_matrix_release(&matrix);
}

TEST(a_compiler_with_a_new_mtime_gets_a_new_toolchain_id)
{
	struct nightly_build_matrix matrix, after;
	struct nightly_build old_build, new_build;
	char dir[TEMPDIR_SIZE], *gcc, *path, *old = getenv("PATH");
	struct err err = { 0 };

	ck_assert_ptr_nonnull(old);
	tempdir_make(dir);
	/* A compiler for another architecture. */
	gcc = xasprintf("%s/riscv64-linux-gnu-gcc", dir);
	path = xasprintf("%s:%s", dir, old);
	must(fs_copy("/usr/bin/riscv64-linux-gnu-gcc", gcc, &err));
	strv_add(&job.arches, "riscv");
	setenv("PATH", path, 1);
	resolve(&old_build, &matrix, "");
	/* An update of the file without a new version. */
	ck_assert_int_eq(utimensat(-1, gcc,
				   (struct timespec[2]){ { .tv_sec = 5 },
							 { .tv_sec = 5 } },
				   0),
			 0);
	resolve(&new_build, &after, "");
	ck_assert_str_eq(old_build.compiler, new_build.compiler);
	ck_assert(!digest_equal(&old_build.toolchain_id,
				&new_build.toolchain_id));
	setenv("PATH", old, 1);
	nightly_build_matrix_release(&after);
	nightly_build_matrix_release(&matrix);
	free(path);
	free(gcc);
	tempdir_remove(dir);
}

TEST(an_error_names_a_missing_compiler)
{
	const struct nightly_build_sources sources = {
		.add_config_texts = add_text, .ctx = (char[]){ "" }
	};
	struct nightly_build_matrix matrix;
	struct err err = { 0 };

	strv_add(&job.toolchains, "nosuch-");
	nightly_build_matrix_init(&matrix, &job);
	ck_assert_int_lt(
		nightly_build_matrix_resolve(&matrix.builds[0], &sources, &err),
		0);
	ck_assert_str_eq(err.text,
			 "nosuch-gcc: not found in PATH; install it, or "
			 "select another toolchain with -t");
	nightly_build_matrix_release(&matrix);
}

/* ---- the command ---- */

TEST(the_build_command_and_environment_follow_the_job)
{
	struct nightly_build_options command_options = { .dir = "/d" };
	struct nightly_build_matrix matrix;
	struct strv words = { 0 };
	char *text;

	job = (struct nightly_job){ .name = (char[]){ "n" },
				    .tree = (char[]){ "t" },
				    .options = (char[]){ "-F" } };
	strv_add(&job.arches, "arm64");
	strv_add(&job.kconfigs, "defconfig");
	strv_add(&job.toolchains, "gcc-13");
	strv_add(&job.kconfig_add, "CONFIG_A=y");
	strv_add(&job.variables, "W=1");
	strv_add(&job.targets, "-x");
	nightly_build_matrix_init(&matrix, &job);
	nightly_build_command_add_run(&words, &matrix.builds[0], PUT_COMMIT,
				      &command_options);
	text = strv_join(&words, " ");
	ck_assert_str_eq(text, "kfarm build --tree t --rev " PUT_COMMIT
			       " -a arm64 -t gcc-13 -k defconfig -K CONFIG_A=y "
			       "-o /d --nightly n -W --ui none -- W=1 -x");
	free(text);
	strv_release(&words);
	/* A build of a bisection is not compared with nightly builds. */
	command_options.bisecting = command_options.progress = true;
	nightly_build_command_add_run(&words, &matrix.builds[0], PUT_COMMIT,
				      &command_options);
	ck_assert(strv_has(&words, "n/bisect"));
	ck_assert(strv_has(&words, "plain"));
	strv_release(&words);
	setenv("ARCH", "x", 1);
	setenv("KFARM", "--ui plain", 1);
	setenv("ARCHIVE", "y", 1);
	nightly_build_command_add_env(&words, &job);
	ck_assert_str_eq(str_find_env(strv_list(&words), "KFARM"), "-F");
	ck_assert_str_eq(str_find_env(strv_list(&words), "ARCHIVE"), "y");
	ck_assert_ptr_null(str_find_env(strv_list(&words), "ARCH"));
	strv_release(&words);
	nightly_build_matrix_release(&matrix);
}

/* A function in place of kfarm that prints $KFARM and each argument. */
#define PRINT_COMMAND "kfarm() { printf '%s\\n' \"$KFARM\" \"$@\"; }; "

TEST(the_displayed_command_has_quoted_options_and_urls_without_passwords)
{
	struct nightly_build_matrix matrix;
	struct buf command = { 0 }, out = { 0 };
	FILE *shell;

	job = (struct nightly_job){
		.tree = (char[]){ "t" },
		.options = (char[]){ "-K 'CONFIG_CMDLINE=\"a b\"' -F" },
	};
	strv_add(&job.arches, "arm64");
	strv_add(&job.targets, "Image");
	strv_add(&job.kconfigs, "http://joe:secret@example.org/config");
	strv_add(&job.kconfig_add, "http://token@example.org/more");
	nightly_build_matrix_init(&matrix, &job);
	buf_add_str(&command, PRINT_COMMAND);
	nightly_build_command_add_shown(&command, &matrix.builds[0],
					PUT_COMMIT);
	shell = popen(buf_str(&command), "r");
	ck_assert_ptr_nonnull(shell);
	ck_assert_int_ge(buf_read(&out, fileno(shell), 4096), 0);
	ck_assert_int_eq(pclose(shell), 0);
	ck_assert_str_eq(buf_str(&out), "-K 'CONFIG_CMDLINE=\"a b\"' -F\n"
					"build\n--tree\nt\n--rev\n" PUT_COMMIT
					"\n-a\narm64\n-k\n"
					"http://example.org/config\n-K\n"
					"http://example.org/more\nImage\n");
	buf_release(&out);
	buf_release(&command);
	nightly_build_matrix_release(&matrix);
}

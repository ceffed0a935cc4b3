/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: nightly */
#include "nightly/conf.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "conf/conf.h"

static char dir[TEMPDIR_SIZE];
static char *file;
static struct nightly_jobs jobs;

static void set_up(void)
{
	tempdir_make(dir);
	file = xasprintf("%s/config", dir);
	setenv("KFARM_CONFIG", file, 1);
	setenv("XDG_DATA_HOME", dir, 1);
}

static void tear_down(void)
{
	nightly_jobs_release(&jobs);
	tempdir_remove(dir);
	free(file);
}

/* Parse the sections of a file that contains `text`. */
static int load_jobs(const char *text, struct err *err)
{
	struct conf *conf = NULL;
	int ret;

	ck_assert_int_eq(fs_write(file, bytes_str(text), 0644, err), 0);
	ret = conf_load(&conf, NULL, err);
	if (!ret)
		ret = nightly_jobs_load(&jobs, conf, err);
	conf_free(conf);
	return ret;
}

FIXTURE(set_up, tear_down);

TEST(a_section_with_only_a_tree_has_defaults)
{
	struct err err = { 0 };
	const struct nightly_job *j;
	char *results = xasprintf("%s/kfarm/results/a", dir);
	char *where = xasprintf("%s:2", file);

	must(load_jobs("[nightly \"a\"]\ntree = t\n", &err));
	ck_assert_uint_eq(jobs.n_jobs, 1);
	j = &jobs.jobs[0];
	ck_assert_str_eq(j->name, "a");
	ck_assert_str_eq(j->tree, "t");
	ck_assert_str_eq(j->location, where);
	ck_assert_ptr_null(j->rev);
	ck_assert_uint_eq(j->arches.n + j->kconfigs.n + j->toolchains.n, 0);
	ck_assert_uint_eq(j->keep_days, 14);
	ck_assert_uint_eq(j->keep_last, 10);
	ck_assert_uint_eq(j->keep_failures, 30);
	ck_assert_uint_eq(j->keep_free_bytes, UINT64_C(2) << 30);
	ck_assert_uint_eq(j->timeout_s, 8 * 3600);
	ck_assert(!j->bisect && !j->fail_on_warnings);
	ck_assert_uint_eq(j->max_bisect_builds, 16);
	ck_assert_uint_eq(j->max_bisect_s, 8 * 3600);
	ck_assert_str_eq(j->results_dir, results);
	free(where);
	free(results);
}

TEST(all_keys_are_read)
{
	struct err err = { 0 };
	const struct nightly_job *j;

	must(load_jobs("[nightly \"x\"]\ntree = t\n[nightly \"neo4\"]\n"
		       "tree = stable\nrev = origin/linux-6.1.y\n"
		       "arch = arm64\narch = riscv\ntoolchain = gcc-13.3.0\n"
		       "toolchain = clang\nkconfig = defconfig\narch =\n"
		       "kconfig-add = CONFIG_A=y\nkconfig-add = b.config\n"
		       "target = Image\ntarget = modules\nvariable = W=1\n"
		       "options = -F --require-remote 90\nkeep-days = 3\n"
		       "keep-last = 1\nkeep-failures = 0\nkeep-free = 5M\n"
		       "timeout = 90s\nbisect = true\nbisect-builds = 4\n"
		       "bisect-time = 2h\nwarnings = true\n"
		       "mail = a@example.org\nmail = b@example.org\n"
		       "mail-from = c@example.org\ncommand = cat\n",
		       &err));
	ck_assert_uint_eq(jobs.n_jobs, 2);
	j = &jobs.jobs[1];
	ck_assert_str_eq(j->name, "neo4");
	ck_assert_str_eq(j->rev, "origin/linux-6.1.y");
	ck_assert_uint_eq(j->arches.n, 2);
	ck_assert_str_eq(j->arches.v[1], "riscv");
	ck_assert_str_eq(j->toolchains.v[1], "clang");
	ck_assert_str_eq(j->kconfigs.v[0], "defconfig");
	ck_assert_str_eq(j->kconfig_add.v[1], "b.config");
	ck_assert_str_eq(j->targets.v[1], "modules");
	ck_assert_str_eq(j->variables.v[0], "W=1");
	ck_assert_str_eq(j->options, "-F --require-remote 90");
	ck_assert_uint_eq(j->keep_days, 3);
	ck_assert_uint_eq(j->keep_last, 1);
	ck_assert_uint_eq(j->keep_failures, 0);
	ck_assert_uint_eq(j->keep_free_bytes, 5 << 20);
	ck_assert_uint_eq(j->timeout_s, 90);
	ck_assert(j->bisect && j->fail_on_warnings);
	ck_assert_uint_eq(j->max_bisect_builds, 4);
	ck_assert_uint_eq(j->max_bisect_s, 7200);
	ck_assert_uint_eq(j->mail_to.n, 2);
	ck_assert_str_eq(j->mail_from, "c@example.org");
	ck_assert_str_eq(j->command, "cat");
}

/* Invalid sections, and the error message after the name of the file. */
static const struct invalid {
	const char *text, *error;
} invalid[] = {
	{ "[nightly \"a\"]\nrev = v6.1\n",
	  ":2: [nightly \"a\"]: the key `tree` is missing; `kfarm tree list` "
	  "lists the available trees" },
	{ "[nightly \"a\"]\noptions = -F\nkeep-days = 3\n",
	  ":2: [nightly \"a\"]: the key `tree` is missing; `kfarm tree list` "
	  "lists the available trees" },
	{ "[nightly \"a/b\"]\ntree = t\n",
	  ":2: [nightly \"a/b\"]: invalid name: expected up to 64 letters, digits, "
	  "- _ . +, not starting with a dash or dot" },
	{ "[nightly \"..\"]\ntree = t\n",
	  ":2: [nightly \"..\"]: invalid name: expected up to 64 letters, digits, "
	  "- _ . +, not starting with a dash or dot" },
	{ "[nightly \"a\"]\ntree = t\narch = arm\narch = arm64\narch = arm\n",
	  ":2: [nightly \"a\"]: duplicate arch arm" },
	{ "[nightly \"a\"]\n\ntree = t\nvariable = W\n",
	  ":3: [nightly \"a\"]: variable = W is not NAME=VALUE" },
	{ "[nightly \"a\"]\ntree = t\nmail = A <a@example.org>\nmail = b c\n",
	  ":4: [nightly \"a\"]: mail: \"b c\" is not a valid mail address" },
	{ "[nightly \"a\"]\ntree = t\nmail-from = \"a\\nBcc: c\"\n",
	  ":3: [nightly \"a\"]: mail-from: \"a Bcc: c\" is not a valid mail "
	  "address" },
	{ "[nightly \"a\"]\ntree = t\ntarget = --help\n",
	  ":2: [nightly \"a\"]: target = --help is an option, not a target" },
	{ "[nightly \"a\"]\ntree = t\ntimeout = 8\n",
	  ":3: nightly.a.timeout: \"8\" is out of range or "
	  "is not a number followed by s, m, h or d" },
};

TEST_EACH(an_error_names_the_file_and_the_line, invalid)
{
	struct err err = { 0 };

	err_is(load_jobs(row->text, &err), -EINVAL, "%s%s", file, row->error);
}

TEST(the_metrics_path_can_be_empty_or_start_with_a_tilde)
{
	struct err err = { 0 };

	must(load_jobs("[nightly]\nmetrics =\n", &err));
	ck_assert_ptr_null(jobs.metrics_path);
	setenv("HOME", "/home/a", 1);
	must(load_jobs("[nightly]\nmetrics = ~/kfarm.prom\n"
		       "[nightly \"a\"]\ntree = t\n",
		       &err));
	ck_assert_str_eq(jobs.metrics_path, "/home/a/kfarm.prom");
	ck_assert_uint_eq(jobs.n_jobs, 1);
}

static const char *const bad_metrics[] = {
	"kfarm.prom",
	"/var/lib/metrics",
	"/var/lib/kfarm.prom.new",
};

TEST_EACH(a_metrics_path_that_node_exporter_ignores_is_rejected, bad_metrics)
{
	char *text = xasprintf("[nightly]\nmetrics = %s\n", *row);
	struct err err = { 0 };

	err_is(load_jobs(text, &err), -EINVAL,
	       "%s:2: nightly.metrics = %s: expected an absolute path that "
	       "ends in .prom",
	       file, *row);
	free(text);
}

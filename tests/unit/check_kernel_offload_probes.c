/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"

#include "kernel/offload.h"

#include "base/err.h"

static char *dir;
static char *env[] = { "PATH=/usr/bin:/bin", NULL };
static char *no_drivers[] = { NULL };

static void setup(void)
{
	char template[] = "/tmp/check-kernel-probes-XXXXXX";

	dir = xstrdup(mkdtemp(template));
	setenv("XDG_CACHE_HOME", dir, 1);
}

static void teardown(void)
{
	struct err err;

	fs_remove(dir, &err);
	free(dir);
}

FIXTURE(setup, teardown);
TIMEOUT(60);

TEST(the_probe_cache_is_a_private_directory)
{
	struct kernel_offload_probes p = { 0 };
	char *want = xasprintf("%s/kfarm/probes", dir);
	struct stat st;

	kernel_offload_open_probes(&p, no_drivers, env);
	ck_assert_str_eq(p.dir, want);
	ck_assert_int_eq(stat(want, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	kernel_offload_release_probes(&p);
	ck_assert_ptr_null(p.dir);
	free(want);
}

TEST(an_unusable_cache_directory_disables_the_probe_cache)
{
	struct kernel_offload_probes p = { 0 };
	char *file = xasprintf("%s/kfarm", dir);
	struct err err;

	must(fs_write(file, bytes_str(""), 0600, &err));
	kernel_offload_open_probes(&p, no_drivers, env);
	ck_assert_ptr_null(p.dir);
	kernel_offload_release_probes(&p);
	free(file);
}

TEST(the_probe_cache_has_one_file_per_existing_compiler)
{
	char *drivers[] = { "/usr/bin/gcc", "/none", NULL };
	struct kernel_offload_probes p = { 0 };
	struct strv names = { 0 };
	char *path;

	kernel_offload_open_probes(&p, drivers, env);
	path = xstrdup(p.dir);
	kernel_offload_release_probes(&p);
	ck_assert_int_eq(fs_list(path, &names), 0);
	ck_assert_uint_eq(names.n, !access("/usr/bin/gcc", X_OK));
	strv_release(&names);
	free(path);
}

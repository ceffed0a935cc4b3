/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sandbox */
#include "sandbox/internal.h"

#include "base/fs.h"
#include "base/str.h"
#include "suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char top[] = "/tmp/kfarm-hint-XXXXXX";

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(top));
}

static void tear_down(void)
{
	struct err err;

	ck_assert(!fs_remove(top, &err));
}

/* { a sysctl and its value, the layer, the errno, the expected advice } */
static const struct {
	const char *file, *value, *layer;
	int error;
	const char *words;
} cases[] = {
	{ "kernel/unprivileged_userns_clone", "0\n", "user", EPERM,
	  "kernel.unprivileged_userns_clone to 1" },
	{ "kernel/unprivileged_userns_clone", "1\n", "user", EPERM,
	  "security module" },
	{ "user/max_user_namespaces", "0\n", "user", ENOSPC,
	  "user.max_user_namespaces to" },
	{ "user/max_user_namespaces", "100\n", "user", ENOSPC,
	  "raise the sysctl user.max_user_namespaces" },
	{ "user/max_user_namespaces", "100\n", "mount", ENOSPC,
	  "raise the sysctl user.max_mnt_namespaces" },
	{ "kernel/apparmor_restrict_unprivileged_userns", "1\n", "mount",
	  EACCES, "kernel.apparmor_restrict_unprivileged_userns to 0" },
	{ "kernel/apparmor_restrict_unprivileged_userns", "1\n", "user", EPERM,
	  "kernel.apparmor_restrict_unprivileged_userns to 0" },
	{ "kernel/apparmor_restrict_unprivileged_userns", "0\n", "pivot_root",
	  EPERM, "a container" },
	{ "x", "", "net", EINVAL, "CONFIG_NET_NS=y" },
	{ "x", "", "user", EINVAL, "CONFIG_USER_NS=y" },
	{ "x", "", "seccomp", EINVAL, "CONFIG_SECCOMP_FILTER=y" },
	{ "x", "", "pid", ENOMEM, "no sandbox: pid: clone: Cannot allocate" },
};

START_TEST(what_to_do_is_said)
{
	char *path = xasprintf("%s/proc/sys/%s", top, cases[_i].file);
	char *dir = str_dir(path);
	struct err err = { 0 };

	ck_assert(!fs_mkdirs(dir, 0755, &err));
	ck_assert(!fs_write(path, bytes_str(cases[_i].value), 0644, &err));
	ck_assert_int_eq(sandbox_explain(&err, top, cases[_i].layer, "clone",
					 cases[_i].error),
			 -cases[_i].error);
	ck_assert_msg(strstr(err.text, cases[_i].words) != NULL, "%s",
		      err.text);
	ck_assert(str_starts(err.text, "no sandbox: "));
	ck_assert_ptr_nonnull(strstr(err.text, cases[_i].layer));
	free(path);
	free(dir);
}
END_TEST

static Suite *remedy_suite(void)
{
	Suite *s = suite_create("sandbox/remedy");
	TCase *tc = tcase_create("hint");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, what_to_do_is_said, 0,
			    sizeof(cases) / sizeof(*cases));
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return suite_run(remedy_suite());
}

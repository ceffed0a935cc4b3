/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sandbox */
#include "../lib/test.h"

#include "sandbox/internal.h"

static char top[] = "/tmp/kfarm-hint-XXXXXX";

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(top));
}

static void tear_down(void)
{
	struct err err;

	must(fs_remove(top, &err));
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

FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST_EACH(what_to_do_is_said, cases)
{
	char *path = xasprintf("%s/proc/sys/%s", top, row->file);
	char *dir = str_dir(path);
	struct err err = { 0 };

	must(fs_mkdirs(dir, 0755, &err));
	must(fs_write(path, bytes_str(row->value), 0644, &err));
	ck_assert_int_eq(
		sandbox_explain(&err, top, row->layer, "clone", row->error),
		-row->error);
	ck_assert_msg(strstr(err.text, row->words) != NULL, "%s", err.text);
	text_starts(err.text, "no sandbox: ");
	text_has(err.text, row->layer);
	free(path);
	free(dir);
}

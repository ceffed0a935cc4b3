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

/*
 * { a file in /proc and its content, the layer, the errno, the expected advice
 * }
 */
static const struct {
	const char *file, *value, *layer;
	int error;
	const char *advice;
} cases[] = {
	{ "sys/kernel/unprivileged_userns_clone", "0\n", "user", EPERM,
	  "kernel.unprivileged_userns_clone to 1" },
	{ "sys/kernel/unprivileged_userns_clone", "1\n", "user", EPERM,
	  "security module" },
	{ "sys/user/max_user_namespaces", "0\n", "user", ENOSPC,
	  "user.max_user_namespaces to" },
	{ "sys/user/max_user_namespaces", "100\n", "user", ENOSPC,
	  "raise the sysctl user.max_user_namespaces" },
	{ "sys/user/max_user_namespaces", "100\n", "mount", ENOSPC,
	  "raise the sysctl user.max_mnt_namespaces" },
	{ "sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", "mount",
	  EACCES, "kernel.apparmor_restrict_unprivileged_userns to 0" },
	{ "sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", "user",
	  EPERM, "kernel.apparmor_restrict_unprivileged_userns to 0" },
	{ "sys/kernel/apparmor_restrict_unprivileged_userns", "0\n",
	  "pivot_root", EPERM, "a container" },
	{ "sys/x", "", "net", EINVAL, "CONFIG_NET_NS=y" },
	{ "sys/x", "", "user", EINVAL, "CONFIG_USER_NS=y" },
	{ "sys/x", "", "seccomp", EINVAL, "CONFIG_SECCOMP_FILTER=y" },
	{ "sys/x", "", "pid", ENOMEM,
	  "no sandbox: pid: clone: Cannot allocate" },
	{ "self/status", "Name:\tkfarmd\nSeccomp:\t2\n", "user", EPERM,
	  "; a seccomp filter denies it: use --security-opt "
	  "seccomp=unconfined (podman, docker) or "
	  "seccompProfile.type: Unconfined (Kubernetes)" },
	{ "self/status", "Name:\tkfarmd\nSeccomp:\t0\n", "user", EPERM,
	  "denied by a container or security module" },
	{ "self/attr/current", "docker-default (enforce)\n", "mount", EACCES,
	  "; AppArmor denies it: use --security-opt apparmor=unconfined "
	  "(podman, docker) or appArmorProfile.type: Unconfined "
	  "(Kubernetes)" },
	{ "self/attr/current", "unconfined\n", "mount", EACCES,
	  "denied by a container or security module" },
	{ "self/attr/current", "system_u:system_r:container_t:s0:c1,c2",
	  "mount", EACCES,
	  "; SELinux denies it: use --security-opt label=disable (podman, "
	  "docker) or seLinuxOptions.type: spc_t (Kubernetes)" },
};

FIXTURE(set_up, tear_down);
TIMEOUT(120);

/* AppArmor's sysctl does not apply to a process with a container's profile. */
TEST(an_apparmor_profile_precedes_the_sysctl)
{
	struct err err = { 0 };
	char *path = xasprintf("%s/proc/sys/kernel/"
			       "apparmor_restrict_unprivileged_userns",
			       top);
	char *dir = str_dir(path);

	must(fs_mkdirs(dir, 0755, &err));
	must(fs_write(path, bytes_str("1\n"), 0644, &err));
	free(dir);
	free(path);
	path = xasprintf("%s/proc/self/attr", top);
	must(fs_mkdirs(path, 0755, &err));
	free(path);
	path = xasprintf("%s/proc/self/attr/current", top);
	must(fs_write(path, bytes_str("docker-default (enforce)\n"), 0644,
		      &err));
	free(path);
	sandbox_explain(&err, top, "mount", "tmpfs", EACCES);
	text_starts(err.text,
		    "no sandbox: mount: tmpfs: Permission denied; AppArmor");
}

TEST(root_without_capabilities_is_advised_to_use_another_user)
{
	struct err err = { 0 };

	sandbox_explain(&err, top, "user", "setgroups", EPERM);
	text_starts(err.text, "no sandbox: user: setgroups: Operation not "
			      "permitted; root lacks CAP_SETUID or CAP_SETGID: "
			      "use --user 1000 (podman, docker) or runAsUser: "
			      "1000 (Kubernetes)");
}

TEST_EACH(an_error_includes_advice_for_its_cause, cases)
{
	char *path = xasprintf("%s/proc/%s", top, row->file);
	char *dir = str_dir(path);
	struct err err = { 0 };

	must(fs_mkdirs(dir, 0755, &err));
	must(fs_write(path, bytes_str(row->value), 0644, &err));
	ck_assert_int_eq(
		sandbox_explain(&err, top, row->layer, "clone", row->error),
		-row->error);
	ck_assert_msg(strstr(err.text, row->advice) != NULL, "%s", err.text);
	text_starts(err.text, "no sandbox: ");
	text_has(err.text, row->layer);
	free(path);
	free(dir);
}

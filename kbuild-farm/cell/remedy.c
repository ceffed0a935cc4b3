/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cell/remedy.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The number in a file of /proc/sys, -1 where there is none. */
static long sysctl(const char *root, const char *name)
{
	char *path = xasprintf("%s/proc/sys/%s", root, name);
	struct err err = { 0 };
	struct buf b = { 0 };
	long value = -1;

	if (!fs_read(path, 64, &b, &err) && b.len)
		value = strtol(buf_str(&b), NULL, 10);
	buf_release(&b);
	free(path);
	return value;
}

/* What forbids user namespaces, in the order of how often that is. */
static const char *user_remedy(const char *root)
{
	if (sysctl(root, "kernel/unprivileged_userns_clone") == 0)
		return "set the sysctl kernel.unprivileged_userns_clone to 1";
	if (sysctl(root, "user/max_user_namespaces") == 0)
		return "set the sysctl user.max_user_namespaces to 10000 or "
		       "more";
	if (sysctl(root, "kernel/apparmor_restrict_unprivileged_userns") == 1)
		return "set the sysctl "
		       "kernel.apparmor_restrict_unprivileged_userns to 0, or "
		       "give kfarmd an AppArmor profile with `userns,`";
	return NULL;
}

/* A namespace that the kernel lacks, or whose limit is reached. */
static char *namespace_remedy(const char *layer, int error)
{
	static const char *const names[][3] = {
		{ "user", "user", "CONFIG_USER_NS" },
		{ "mount", "mnt", "CONFIG_NAMESPACES" },
		{ "pid", "pid", "CONFIG_PID_NS" },
		{ "ipc", "ipc", "CONFIG_IPC_NS" },
		{ "uts", "uts", "CONFIG_UTS_NS" },
		{ "net", "net", "CONFIG_NET_NS" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(layer, names[i][0]))
			continue;
		if (error == ENOSPC || error == EUSERS)
			return xasprintf("raise the sysctl "
					 "user.max_%s_namespaces",
					 names[i][1]);
		if (error == EINVAL || error == ENOSYS)
			return xasprintf("the kernel needs %s=y", names[i][2]);
	}
	return NULL;
}

static char *find_remedy(const char *root, const char *layer, int error)
{
	bool refused = error == EPERM || error == EACCES;
	const char *user = user_remedy(root);
	char *space = namespace_remedy(layer, error);

	/*
	 * AppArmor lets a process make one, and then refuses all that it is
	 * for.
	 */
	if (user && (refused || !strcmp(layer, "user"))) {
		free(space);
		return xstrdup(user);
	}
	if (space)
		return space;
	if (!strcmp(layer, "seccomp"))
		return xstrdup("the kernel needs CONFIG_SECCOMP_FILTER=y");
	if (refused)
		return xstrdup("a container or a security module forbids it: "
			       "start kfarmd outside, or allow it there");
	return NULL;
}

int cell_remedy(struct err *err, const char *root, const char *layer,
		const char *what, int error)
{
	char *todo = find_remedy(root, layer, error);

	/* Root does without user namespaces. */
	err_set(err, error, "no sandbox: %s: %s: %s%s%s%s", layer, what,
		strerror(error), todo ? "; " : "", todo ? todo : "",
		geteuid() && !strcmp(layer, "user") ?
			"; or start kfarmd as root, which does without" :
			"");
	free(todo);
	return -error;
}

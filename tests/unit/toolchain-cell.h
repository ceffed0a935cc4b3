/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/toolchain-cell.h - A root directory with only a manifest's
 * entries, in which programs run without /proc, /etc and /dev.
 */
#ifndef TESTS_TOOLCHAIN_CELL_H
#define TESTS_TOOLCHAIN_CELL_H

#include "../lib/test.h"
#include "base/spawn.h"
#include "compiler/manifest.h"

#include <sched.h>

/* The output of a compile fits into a pipe. */
#define CELL_OUTPUT_MAX 60000

static void cell_parent(const char *path)
{
	char *dir = str_dir(path);
	struct err err;

	must(fs_mkdirs(dir, 0755, &err));
	free(dir);
}

static void cell_lay(const char *root, const struct compiler_entry *e)
{
	char *path = xasprintf("%s%s", root, e->path);
	struct err err;

	cell_parent(path);
	if (e->kind == COMPILER_ENTRY_SYMLINK)
		ck_assert_int_eq(symlink(e->target, path), 0);
	else if (e->kind == COMPILER_ENTRY_DIR)
		must(fs_mkdirs(path, 0755, &err));
	else
		must(fs_copy(e->path, path, &err));
	free(path);
}

static inline void cell_lay_all(const char *root,
				const struct compiler_entries *list)
{
	for (size_t i = 0; i < list->n; i++)
		cell_lay(root, &list->v[i]);
}

static bool cell_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) > 0;

	if (fd >= 0)
		close(fd);
	return good;
}

/* Directly as root, otherwise in a user namespace. */
static bool cell_enter(const char *root)
{
	char map[64];
	unsigned uid = getuid();

	if (!chroot(root))
		return true;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	return !unshare(CLONE_NEWUSER) &&
	       cell_write("/proc/self/uid_map", map) && !chroot(root);
}

/* Exit status 125: such a root directory is unsupported here. */
static void __attribute__((noreturn))
cell_child(const char *root, const char *cwd, char *const *argv,
	   char *const *env, int out)
{
	int null = open("/dev/null", O_RDONLY);

	dup2(null, 0);
	dup2(out, 1);
	dup2(out, 2);
	if (root && !cell_enter(root))
		_exit(125);
	if (chdir(cwd))
		_exit(124);
	execve(argv[0], argv, env);
	_exit(123);
}

/*
 * Run it locally (root NULL) or in the directory; store its output and return
 * its exit status.
 */
static int cell_run(const char *root, const char *cwd, char *const *argv,
		    char *const *env, struct buf *output)
{
	int out[2], status;
	char text[4096];
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid)
		cell_child(root, cwd, argv, env, out[1]);
	close(out[1]);
	while ((n = read(out[0], text, sizeof(text))) > 0)
		buf_add(output, text, (size_t)n);
	close(out[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Return true if this user can change the root directory; otherwise mark the
 * test as skipped. */
static inline bool cell_possible(void)
{
	char *argv[] = { (char *)"/bin/true", NULL }, *env[] = { NULL };
	struct buf output = { 0 };
	int status = cell_run("/", "/", argv, env, &output);

	buf_release(&output);
	if (status == 125)
		test_skip("neither chroot nor a user namespace");
	return status != 125;
}

#endif

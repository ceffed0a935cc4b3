/* SPDX-License-Identifier: GPL-2.0-or-later */
/* As GNU coreutils 9.1 does it, with the options that kbuild gives. */
#include "shell/utility-kinds.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of directories that are removed; a program has no such end. */
#define DEPTH_MAX 8

/* The first operand behind the words of `options`, none of which is else. */
static char **take_option(char **argv, const char *option)
{
	if (*argv && !strcmp(*argv, option))
		argv++;
	return argv;
}

/* Options may stand anywhere among the operands. */
static bool has_option(char *const *argv)
{
	for (; *argv; argv++) {
		if (**argv == '-')
			return true;
	}
	return false;
}

/* The operands from `done` on are left to do. */
static bool leave_rest(char **operands, char **done)
{
	while ((*operands++ = *done++))
		;
	return false;
}

static bool remove_tree(int at, const char *name, unsigned depth);

static bool remove_entries(int at, const char *name, unsigned depth)
{
	int fd = openat(at, name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	bool done = dir != NULL;

	while (done && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			done = remove_tree(fd, entry->d_name, depth + 1);
	}
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	return done;
}

/* False: something of it is left. */
static bool remove_tree(int at, const char *name, unsigned depth)
{
	if (!unlinkat(at, name, 0) || errno == ENOENT)
		return true;
	if (errno != EISDIR || depth > DEPTH_MAX)
		return false;
	return !unlinkat(at, name, AT_REMOVEDIR) ||
	       (errno == ENOTEMPTY && remove_entries(at, name, depth) &&
		!unlinkat(at, name, AT_REMOVEDIR));
}

/* It refuses to remove / . and .., by whatever name. */
static bool is_removable(const char *path)
{
	const char *last = strrchr(path, '/');

	last = last ? last + 1 : path;
	return *last && strcmp(last, ".") && strcmp(last, "..");
}

bool shell_utility_rm(struct shell *sh, char **argv, int *status)
{
	char **operands = take_option(argv + 1, "-f");
	bool trees = operands == argv + 1;

	(void)sh;
	if (trees)
		operands = take_option(argv + 1, "-rf");
	/* Without -f it asks for what cannot be written. */
	if (operands == argv + 1 || has_option(operands))
		return false;
	for (char **file = operands; *file; file++) {
		if (trees ? !is_removable(*file) ||
				    !remove_tree(AT_FDCWD, *file, 0) :
			    unlink(*file) && errno != ENOENT)
			return leave_rest(operands, file);
	}
	*status = 0;
	return true;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* The directories in front of the last; `path` is as before afterwards. */
static bool make_parents(char *path)
{
	for (char *p = path + 1; *p; p++) {
		bool made;

		if (*p != '/' || p[-1] == '/')
			continue;
		*p = '\0';
		made = !mkdir(path, 0777) || errno == EEXIST;
		*p = '/';
		if (!made)
			return false;
	}
	return true;
}

static bool make_directory(char *path, bool parents)
{
	if (!mkdir(path, 0777))
		return true;
	if (!parents)
		return false;
	if (errno == EEXIST)
		return is_directory(path);
	return errno == ENOENT && *path && make_parents(path) &&
	       (!mkdir(path, 0777) || (errno == EEXIST && is_directory(path)));
}

bool shell_utility_mkdir(struct shell *sh, char **argv, int *status)
{
	char **operands = take_option(argv + 1, "-p");
	bool parents = operands > argv + 1;
	mode_t mask;

	(void)sh;
	if (!*operands || has_option(operands))
		return false;
	mask = umask(0);
	umask(mask);
	/* With -p the owner can enter and write what is between. */
	if (mask & (S_IWUSR | S_IXUSR))
		return false;
	for (char **dir = operands; *dir; dir++) {
		if (!make_directory(*dir, parents))
			return leave_rest(operands, dir);
	}
	*status = 0;
	return true;
}

static bool ends_in_slash(const char *path)
{
	size_t len = strlen(path);

	return !len || path[len - 1] == '/';
}

bool shell_utility_mv(struct shell *sh, char **argv, int *status)
{
	char **operands = take_option(argv + 1, "-f");
	struct stat from, to, behind;

	(void)sh;
	if (has_option(operands) || !operands[0] || !operands[1] || operands[2])
		return false;
	/* Without -f it asks for what cannot be written. */
	if (operands == argv + 1 && !access(operands[1], F_OK) &&
	    access(operands[1], W_OK))
		return false;
	if (ends_in_slash(operands[0]) || ends_in_slash(operands[1]) ||
	    lstat(operands[0], &from) || S_ISDIR(from.st_mode))
		return false;
	if (!lstat(operands[1], &to)) {
		if (!stat(operands[1], &behind) && S_ISDIR(behind.st_mode))
			return false;
		/* rename() leaves two names of one file as they are. */
		if (from.st_dev == to.st_dev && from.st_ino == to.st_ino)
			return false;
	}
	if (rename(operands[0], operands[1]))
		return false;
	*status = 0;
	return true;
}

static bool touch_one(const char *file)
{
	int fd = open(file,
		      O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
		      0666);
	bool done = fd >= 0 && !futimens(fd, NULL);

	if (fd >= 0)
		close(fd);
	return done;
}

bool shell_utility_touch(struct shell *sh, char **argv, int *status)
{
	char **operands = argv + 1;

	(void)sh;
	if (!*operands || has_option(operands))
		return false;
	for (char **file = operands; *file; file++) {
		if (!touch_one(*file))
			return leave_rest(operands, file);
	}
	*status = 0;
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit/step-tool.c - Fake tool steps and compilers, some of them hostile.
 *
 *	tool NAME [ARGUMENT] [OBJECT]
 *	side-KIND
 *
 * The program is linked statically and runs in a sandbox.  As `tool`, it does
 * what NAME selects.  As side-KIND, it acts as a compiler that writes an object
 * and a dependency list, and as side output a directory, a symbolic link, or a
 * file with two hard links.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUT "/.kfarm/out"
#define TMP "/.kfarm/tmp"

static char block[1 << 16];

/* Copy all of stdin to `fd`; -1: discard it. */
static int copy(int fd)
{
	ssize_t n;

	while ((n = read(0, block, sizeof(block))) > 0) {
		if (fd >= 0 && write(fd, block, (size_t)n) != n)
			return 1;
	}
	return n < 0;
}

static int flood(int fd, const char *mib)
{
	memset(block, 'x', sizeof(block));
	for (long i = 0; i < atol(mib) * 16; i++) {
		if (write(fd, block, sizeof(block)) < 0)
			return 1;
	}
	return 0;
}

/* At most 64 MiB, because the directory is in memory. */
static int fill(const char *dir)
{
	char path[64];

	for (int i = 0; i < 4; i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/%d", dir, i);
		fd = open(path, O_WRONLY | O_CREAT, 0600);
		if (fd < 0 || flood(fd, "8"))
			return 1;
		close(fd);
	}
	return 0;
}

/* Leave as many sleeping children as possible, in new sessions. */
static int leave(void)
{
	for (int i = 0; i < 100; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return i < 3;
		if (!pid) {
			setsid();
			for (;;)
				pause();
		}
	}
	return 0;
}

/* Look for the files of another job.  Returns 0 if no such file exists. */
static int look(void)
{
	return getpid() != 1 || !access(OUT "/dep.d", F_OK) ||
	       !access(OUT "/as.d", F_OK) || !kill(2, 0);
}

static int harm_view(const char *path)
{
	return open(path, O_WRONLY) >= 0 || !unlink(path) ||
	       !rename(path, OUT "/x") || !chmod(path, 0777) ||
	       open("/etc/passwd", O_RDONLY) >= 0;
}

static int with_stdin(const char *name, const char *word)
{
	if (!strcmp(name, "cat"))
		return copy(1);
	if (!strcmp(name, "say")) {
		fprintf(stderr, "tool: %s\n", word);
		return copy(-1);
	}
	if (!strcmp(name, "status"))
		return copy(-1) ? 99 : atoi(word);
	if (!strcmp(name, "early"))
		return atoi(word);
	if (!strcmp(name, "closed"))
		return close(0) || sleep(1) || copy(-1) ? 0 : 1;
	if (!strcmp(name, "stdout"))
		return flood(1, word);
	if (!strcmp(name, "stderr"))
		return flood(2, word);
	if (!strcmp(name, "env"))
		return !getenv(word) || puts(getenv(word)) < 0 || copy(-1);
	if (!strcmp(name, "read"))
		return copy(-1) || close(0) || open(word, O_RDONLY) || copy(1);
	return -1;
}

static int with_object(const char *name, const char *object)
{
	int fd;

	if (!strcmp(name, "append")) {
		fd = open(object, O_RDWR | O_APPEND);
		return fd < 0 || write(fd, "tool", 4) != 4;
	}
	if (!strcmp(name, "replace")) {
		fd = open(TMP "/x", O_WRONLY | O_CREAT, 0644);
		return fd < 0 || write(fd, "new", 3) != 3 ||
		       (rename(TMP "/x", object) && errno != EXDEV) ||
		       unlink(object) ||
		       (fd = open(object, O_WRONLY | O_CREAT, 0600)) < 0 ||
		       write(fd, "new", 3) != 3;
	}
	if (!strcmp(name, "remove"))
		return unlink(object);
	if (!strcmp(name, "empty"))
		return truncate(object, 0);
	if (!strcmp(name, "link"))
		return unlink(object) || symlink("/etc/passwd", object);
	/* Like dtc: tree -d LIST TEXT */
	if (!strcmp(name, "tree")) {
		FILE *list = fopen(OUT "/as.d", "w");

		return !list || fprintf(list, "-: %s\n", object) < 0 ||
		       fclose(list) || puts("blob") < 0 ||
		       access(OUT "/dep.d", F_OK) == 0;
	}
	if (!strcmp(name, "list-link"))
		return symlink("/etc/passwd", OUT "/as.d");
	if (!strcmp(name, "list-long"))
		return (fd = open(OUT "/as.d", O_WRONLY | O_CREAT, 0600)) < 0 ||
		       flood(fd, "5");
	if (!strcmp(name, "spoil"))
		return truncate(object, 0) || with_object("tree", object);
	if (!strcmp(name, "second"))
		return link(object, OUT "/second");
	/* mkfifo() must fail where mkdir() succeeds. */
	if (!strcmp(name, "fifo"))
		return unlink(object) || !mkfifo(object, 0600) ||
		       mkdir(object, 0700);
	return -1;
}

static int compile(const char *side)
{
	int object = open(OUT "/out.o", O_WRONLY | O_CREAT, 0600);

	if (object < 0 || write(object, "x", 1) != 1 ||
	    open(OUT "/dep.d", O_WRONLY | O_CREAT, 0600) < 0)
		return 1;
	if (!strcmp(side, "directory"))
		return mkdir(OUT "/side.0", 0700);
	if (!strcmp(side, "symlink"))
		return symlink("dep.d", OUT "/side.0");
	return open(OUT "/x", O_WRONLY | O_CREAT, 0600) < 0 ||
	       link(OUT "/x", OUT "/side.0");
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "", *last = argv[argc - 1];
	const char *side = strstr(argv[0], "side-");
	int ret;

	if (side)
		return compile(side + 5);
	ret = with_stdin(name, argc > 2 ? argv[2] : "");
	if (ret < 0)
		ret = with_object(name, last);
	if (ret >= 0)
		return ret;
	if (!strcmp(name, "none"))
		return 0;
	if (!strcmp(name, "fail"))
		return 3;
	if (!strcmp(name, "abort"))
		abort();
	if (!strcmp(name, "hang"))
		pause();
	if (!strcmp(name, "fill"))
		return fill(OUT) || fill(TMP);
	if (!strcmp(name, "leave"))
		return leave();
	if (!strcmp(name, "look"))
		return look();
	if (!strcmp(name, "harm"))
		return harm_view(argv[2]);
	if (!strcmp(name, "tell"))
		return fprintf(stderr, "%s: warning: tool: odd\n", last) < 0;
	if (!strcmp(name, "betray"))
		return fprintf(stderr, "%s.orig and %s\n", last, last) < 0;
	if (!strcmp(name, "print"))
		return puts("printed") < 0;
	return 98;
}

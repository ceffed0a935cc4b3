/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench/replay.c - The floor of a compile farm: a "compiler" that copies an
 * object which the real compiler made before.
 *
 * It precedes the real compiler in PATH under the same name.  A call with -c of
 * one .c or .S file into one object is a job.  Other calls, and jobs without a
 * record, execute the real compiler.
 *
 *	REPLAY_STORE	the directory of recorded objects
 *	REPLAY_REAL	the directory of the real compilers
 *	REPLAY_RECORD	if set: run the real compiler and record its output
 *
 * A record is named by a hash of the working directory and the command line:
 * HASH.o, HASH.d (only with -Wp,-MMD,F or -Wp,-MD,F), HASH.err.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct job {
	const char *object;
	const char *dep; /* NULL if not requested */
	unsigned sources;
	int compile; /* -c is present */
};

static const char *suffix(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot : "";
}

static void parse(struct job *job, char **argv)
{
	for (int i = 1; argv[i]; i++) {
		const char *a = argv[i];

		if (!strcmp(a, "-c"))
			job->compile = 1;
		else if (!strcmp(a, "-o") && argv[i + 1])
			job->object = argv[++i];
		else if (!strncmp(a, "-Wp,-MMD,", 9))
			job->dep = a + 9;
		else if (!strncmp(a, "-Wp,-MD,", 8))
			job->dep = a + 8;
		else if (a[0] != '-' &&
			 (!strcmp(suffix(a), ".c") || !strcmp(suffix(a), ".S")))
			job->sources++;
	}
}

static uint64_t hash(uint64_t h, const char *text)
{
	/* FNV-1a, including the terminating NUL. */
	do {
		h = (h ^ (uint8_t)*text) * 0x100000001b3;
	} while (*text++);
	return h;
}

static uint64_t key(char **argv)
{
	char cwd[PATH_MAX];
	uint64_t h = 0xcbf29ce484222325;

	if (getcwd(cwd, sizeof(cwd)))
		h = hash(h, cwd);
	for (int i = 1; argv[i]; i++)
		h = hash(h, argv[i]);
	return h;
}

static int copy(const char *from, const char *to)
{
	static char piece[1 << 16];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out;
	ssize_t n;

	if (in < 0)
		return -errno;
	out = to ? open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) :
		   dup(STDERR_FILENO);
	if (out < 0) {
		close(in);
		return -EIO;
	}
	while ((n = read(in, piece, sizeof(piece))) > 0) {
		if (write(out, piece, n) != n) {
			n = -1;
			break;
		}
	}
	close(in);
	return close(out) || n < 0 ? -EIO : 0;
}

static void name(char *out, uint64_t h, const char *kind)
{
	snprintf(out, PATH_MAX, "%s/%016llx.%s", getenv("REPLAY_STORE"),
		 (unsigned long long)h, kind);
}

/* Copy the recorded outputs.  Returns 0, or -ENOENT without a record. */
static int replay(const struct job *job, uint64_t h)
{
	char from[PATH_MAX];
	int ret;

	name(from, h, "o");
	ret = copy(from, job->object);
	if (ret)
		return ret;
	if (job->dep) {
		name(from, h, "d");
		ret = copy(from, job->dep);
		if (ret)
			return ret;
	}
	/* The file exists only if the compiler printed a message. */
	name(from, h, "err");
	copy(from, NULL);
	return 0;
}

static int run(const char *real, char **argv, const char *err)
{
	posix_spawn_file_actions_t fa;
	pid_t pid;
	int status;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, STDERR_FILENO, err,
					 O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (posix_spawn(&pid, real, &fa, NULL, argv, environ))
		return 127;
	posix_spawn_file_actions_destroy(&fa);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return 127;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int record(const char *real, char **argv, const struct job *job,
		  uint64_t h)
{
	char to[PATH_MAX];
	struct stat st;
	int ret;

	name(to, h, "err");
	ret = run(real, argv, to);
	copy(to, NULL);
	if (ret || (!stat(to, &st) && !st.st_size))
		unlink(to);
	if (ret)
		return ret;
	name(to, h, "o");
	if (copy(job->object, to))
		unlink(to);
	name(to, h, "d");
	if (job->dep && copy(job->dep, to))
		unlink(to);
	return 0;
}

int main(int argc, char **argv)
{
	const char *dir = getenv("REPLAY_REAL");
	const char *base = strrchr(argv[0], '/');
	struct job job = { 0 };
	char real[PATH_MAX];

	(void)argc;
	if (!dir || !getenv("REPLAY_STORE"))
		return 127;
	snprintf(real, sizeof(real), "%s/%s", dir, base ? base + 1 : argv[0]);
	argv[0] = real;
	parse(&job, argv);
	if (job.compile && job.object && job.sources == 1) {
		uint64_t h = key(argv);

		if (getenv("REPLAY_RECORD"))
			return record(real, argv, &job, h);
		if (!replay(&job, h))
			return 0;
	}
	execv(real, argv);
	return 127;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench/record-cc.c - A compiler that compiles almost nothing, so that make
 * writes the compile commands and generated headers of a whole kernel in
 * minutes.
 *
 * It precedes the real compiler in PATH under the same name.  For a compile of
 * one of the kernel's .c or .S files into an object, it copies an empty object
 * of the same machine and writes the requested dependency file.  In all other
 * cases it executes the real compiler: probes, -E and -S (asm-offsets and
 * bounds), programs, and objects whose content becomes headers (vdso,
 * realmode).
 *
 *	RECORD_PATH	the PATH of the real compilers
 *	RECORD_DIR	the directory of the empty objects
 *	RECORD_MARK	a prefix of an argument of those compiles (default:
 *			-D__KERNEL__)
 *	RECORD_CMD	if set: write .NAME.o.cmd next to NAME.o, like kbuild
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct job {
	const char *object, *source;
	char dep[PATH_MAX]; /* "" if not requested */
	int compile, marked;
};

static int ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n > m && !strcmp(s + n - m, suffix);
}

static void take_dep(struct job *j, const char *list)
{
	size_t n = strcspn(list, ",");

	if (n < sizeof(j->dep))
		snprintf(j->dep, sizeof(j->dep), "%.*s", (int)n, list);
}

static void parse(struct job *j, char **argv)
{
	const char *mark = getenv("RECORD_MARK");

	mark = mark ? mark : "-D__KERNEL__";
	for (int i = 1; argv[i]; i++) {
		const char *a = argv[i];

		j->marked |= !strncmp(a, mark, strlen(mark));
		if (!strcmp(a, "-c"))
			j->compile = 1;
		else if (!strcmp(a, "-o") && argv[i + 1])
			j->object = argv[++i];
		else if (!strcmp(a, "-include") && argv[i + 1])
			i++;
		else if (!strncmp(a, "-Wp,-MMD,", 9))
			take_dep(j, a + 9);
		else if (!strncmp(a, "-Wp,-MD,", 8))
			take_dep(j, a + 8);
		else if (a[0] != '-' && (ends(a, ".c") || ends(a, ".S")))
			j->source = a;
	}
}

/* Return true if the content of the object is needed later in the build. */
static int is_needed(const char *object)
{
	static const char *const parts[] = { "vdso", "realmode", "purgatory" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (strstr(object, parts[i]))
			return 1;
	}
	return 0;
}

static int is_job(const struct job *j)
{
	return j->compile && j->marked && j->object && j->source &&
	       ends(j->object, ".o") && !is_needed(j->object);
}

/* Return true if the option affects the format of the object. */
static int is_machine(const char *a)
{
	return !strncmp(a, "-m", 2) || !strncmp(a, "--target", 8);
}

static void template_path(char *out, size_t size, const char *name, char **argv)
{
	uint64_t h = 0xcbf29ce484222325; /* FNV-1a */

	for (int i = 0; argv[i]; i++) {
		if (i && !is_machine(argv[i]))
			continue;
		for (const char *s = i ? argv[i] : name; *s; s++)
			h = (h ^ (unsigned char)*s) * 0x100000001b3;
		h = (h ^ ' ') * 0x100000001b3;
	}
	snprintf(out, size, "%s/%016llx.o", getenv("RECORD_DIR"),
		 (unsigned long long)h);
}

static int run(char **argv)
{
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ))
		return -1;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return status ? -1 : 0;
}

/* Create an empty object by the real compiler and keep it for later calls. */
static int make_template(const char *path, char **argv)
{
	static const char *const last[] = { "-fno-pic",  "-fno-pie", "-w",
					    "-x",        "c",        "-c",
					    "/dev/null", "-o" };
	char part[PATH_MAX + 32];
	char **words;
	int n = 0, argc = 0;

	while (argv[argc])
		argc++;
	words = calloc((size_t)argc + 10, sizeof(*words));
	if (!words)
		return -1;
	for (int i = 0; i < argc; i++) {
		if (!i || is_machine(argv[i]))
			words[n++] = argv[i];
	}
	for (size_t i = 0; i < sizeof(last) / sizeof(*last); i++)
		words[n++] = (char *)last[i];
	snprintf(part, sizeof(part), "%s.%d", path, (int)getpid());
	words[n] = part;
	n = run(words);
	free(words);
	return n || rename(part, path) ? -1 : 0;
}

static int copy(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out = -1, ret = -1;
	struct stat st;

	if (in >= 0)
		out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (out >= 0 && !fstat(in, &st) &&
	    sendfile(out, in, NULL, (size_t)st.st_size) == st.st_size)
		ret = 0;
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return ret;
}

static int write_dep(const struct job *j)
{
	FILE *f = j->dep[0] ? fopen(j->dep, "we") : NULL;

	if (!j->dep[0])
		return 0;
	if (!f)
		return -1;
	fprintf(f, "%s: %s\n", j->object, j->source);
	return fclose(f);
}

/* Quote a word for the shell like kbuild. */
static void write_word(FILE *f, const char *s)
{
	fputs(" '", f);
	for (; *s; s++) {
		if (*s == '\'')
			fputs("'\\''", f);
		else if (*s == '#')
			fputs("$(pound)", f);
		else if (*s == '$')
			fputs("$$", f);
		else
			fputc(*s, f);
	}
	fputs("'", f);
}

static int write_cmd(const struct job *j, char **argv)
{
	const char *slash = strrchr(j->object, '/');
	const char *base = slash ? slash + 1 : j->object;
	char path[PATH_MAX];
	FILE *f;

	if (!getenv("RECORD_CMD"))
		return 0;
	snprintf(path, sizeof(path), "%.*s.%s.cmd", (int)(base - j->object),
		 j->object, base);
	f = fopen(path, "we");
	if (!f)
		return -1;
	fprintf(f, "cmd_%s :=", j->object);
	for (; *argv; argv++)
		write_word(f, *argv);
	fprintf(f, "\n\nsource_%s := %s\n", j->object, j->source);
	return fclose(f);
}

static int record(const struct job *j, char **argv)
{
	char path[PATH_MAX];

	/* An unreadable source remains an error, as make would report it. */
	if (access(j->source, R_OK))
		return -1;
	template_path(path, sizeof(path), argv[0], argv);
	if (access(path, R_OK) && make_template(path, argv))
		return -1;
	if (copy(path, j->object) || write_dep(j) || write_cmd(j, argv))
		return -1;
	return 0;
}

int main(int argc, char **argv)
{
	const char *base = argc ? strrchr(argv[0], '/') : NULL;
	const char *path = getenv("RECORD_PATH");
	struct job j = { 0 };

	if (!argc || !path || !getenv("RECORD_DIR") || setenv("PATH", path, 1))
		return 127;
	if (base)
		argv[0] = (char *)base + 1;
	parse(&j, argv);
	if (is_job(&j) && !record(&j, argv))
		return 0;
	execvp(argv[0], argv);
	return 127;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recipe-compiler - A substitute for compilers while recorded recipes run
 * again.
 *
 * It prints its arguments to stderr.  With -o FILE it rewrites FILE with the
 * existing content, or with its arguments if FILE does not exist; -Wp,-MMD,FILE
 * writes a rule for it.  It also prints the environment, except PWD: a
 * line of plain words starts without a shell, both under make with /bin/sh and
 * in kfarm's shell, so that PWD is not set.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Write once, because two programs of a pipe print concurrently. */
static void tell(char **argv)
{
	static char buffer[1 << 20];
	size_t n = 0;

	setvbuf(stderr, buffer, _IOFBF, sizeof(buffer));
	for (char **a = argv; *a; a++)
		fprintf(stderr, "<%s>", *a);
	fputc('\n', stderr);
	while (environ[n])
		n++;
	qsort(environ, n, sizeof(*environ), by_text);
	for (char **e = environ; *e; e++) {
		if (strncmp(*e, "PWD=", 4))
			fprintf(stderr, "{%s}", *e);
	}
	fputc('\n', stderr);
	fflush(stderr);
}

static void write_again(const char *path, char **argv)
{
	static char held[1 << 22];
	FILE *f = fopen(path, "r");
	size_t n = 0;

	if (f) {
		n = fread(held, 1, sizeof(held), f);
		fclose(f);
	}
	for (; !f && *argv && n + strlen(*argv) < sizeof(held) - 1; argv++)
		n += (size_t)sprintf(held + n, "%s\n", *argv);
	f = fopen(path, "w");
	if (!f || fwrite(held, 1, n, f) != n || fclose(f)) {
		perror(path);
		exit(1);
	}
}

static void write_rule(const char *path, const char *object, const char *source)
{
	FILE *f = fopen(path, "w");

	if (!f) {
		perror(path);
		exit(1);
	}
	fprintf(f, "%s: %s\n", object, source);
	fclose(f);
}

/* Read all input, because the writer in a pipe must finish first. */
static void read_all(void)
{
	while (getchar() != EOF)
		;
}

int main(int argc, char **argv)
{
	static const char mmd[] = "-Wp,-MMD,", md[] = "-Wp,-MD,";
	const char *object = NULL, *rule = NULL, *last = "";

	tell(argv);
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-o") && i + 1 < argc)
			object = argv[++i];
		else if (!strncmp(argv[i], mmd, sizeof(mmd) - 1))
			rule = argv[i] + sizeof(mmd) - 1;
		else if (!strncmp(argv[i], md, sizeof(md) - 1))
			rule = argv[i] + sizeof(md) - 1;
		else if (!strcmp(argv[i], "-"))
			read_all();
		else if (argv[i][0] != '-')
			last = argv[i];
	}
	if (object && strcmp(object, "-") && strncmp(object, "/dev/", 5))
		write_again(object, argv);
	else
		for (int i = 1; i < argc; i++)
			puts(argv[i]);
	if (rule)
		write_rule(rule, object ? object : "a.o", last);
	return 0;
}

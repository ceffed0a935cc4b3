/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/counterpart.h"

#include "base/depfile.h"
#include "base/elf.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/which.h"
#include "compiler/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES ((size_t)1 << 20) /* of a file of lines */
#define WORDS_MAX      ((size_t)64 << 10)
#define TIMEOUT_MS     60000 /* for one source, on a busy machine */

/* Whose compiler makes programs for a host. */
static const struct {
	const char *host, *triplet;
} triplets[] = {
	{ "arm64", "aarch64-linux-gnu" },   { "x86_64", "x86_64-linux-gnu" },
	{ "i686", "i686-linux-gnu" },       { "arm", "arm-linux-gnueabihf" },
	{ "ppc64", "powerpc64-linux-gnu" },
};

/* While it is made. */
struct making {
	const struct inputs_counterpart *c;
	char *compiler;
	char *root; /* where make ran */
	struct strv objects; /* ours, as seen from there */
	struct strv made; /* the same for the other machine */
};

/* ----------------------------------------------------- what kbuild did */

/*
 * The words of the command that the .cmd file `path` tells of.  What the shell
 * or make would read as more than a word is not followed.
 */
static int read_command(const char *path, char **target, struct strv *words,
			struct err *err)
{
	struct buf text = { 0 };
	int ret = fs_read(path, LINE_MAX_BYTES, &text, err);
	char *line = NULL, *name = NULL;
	const char *command;

	if (ret) {
		buf_release(&text);
		return ret;
	}
	command = depfile_saved(buf_str(&text), &name);
	if (command)
		line = xstrndup(command, strcspn(command, "\n"));
	buf_release(&text);
	if (!line || strlen(line) > WORDS_MAX ||
	    strpbrk(line, "\\'\"$`;|&<>()*?[]{}#~")) {
		ret = err_set(err, ENOTSUP, "%s has no plain command", path);
		free(name);
	} else {
		strv_split(words, line, " \t");
		*target = name;
	}
	free(line);
	return ret;
}

static bool is_object(const char *word)
{
	return *word != '-' && str_ends(word, ".o");
}

/* Its objects; a library of this machine's is none of another's. */
static int read_link(struct making *k, const struct strv *words,
		     const char *target, struct err *err)
{
	for (size_t i = 1; i < words->n; i++) {
		const char *word = words->v[i];

		if (is_object(word))
			strv_add(&k->objects, word);
		else if (!strcmp(word, "-o"))
			i++;
		else if (*word != '-' || str_starts(word, "-l") ||
			 str_starts(word, "-Wl,"))
			return err_set(err, ENOTSUP, "%s is linked with %s",
				       target, word);
	}
	return k->objects.n ?
		       0 :
		       err_set(err, ENOTSUP, "%s has no objects", target);
}

/* How it was linked, and so from where: the target is named from there. */
static int find_objects(struct making *k, struct err *err)
{
	const char *program = k->c->program;
	char *file = depfile_command_file(program), *target = NULL;
	struct strv words = { 0 };
	size_t len = strlen(program), below;
	int ret = read_command(file, &target, &words, err);

	free(file);
	if (ret || !target)
		return ret;
	below = strlen(target);
	if (len > below + 1 && program[len - below - 1] == '/' &&
	    !strcmp(program + len - below, target)) {
		k->root = xstrndup(program, len - below - 1);
		ret = read_link(k, &words, target, err);
	} else {
		ret = err_set(err, ENOTSUP, "%s was linked as %s", program,
			      target);
	}
	strv_release(&words);
	free(target);
	return ret;
}

/* ------------------------------------------------------------- options */

static bool equals_one_of(const char *word, const char *const *list)
{
	for (; *list; list++) {
		if (!strcmp(word, *list))
			return true;
	}
	return false;
}

static bool starts_one_of(const char *word, const char *const *list)
{
	for (; *list; list++) {
		if (str_starts(word, *list))
			return true;
	}
	return false;
}

/* What the sources mean is the same for any machine; with a value each. */
static const char *const keep_two[] = { "-D",       "-U",      "-I", "-include",
					"-isystem", "-iquote", NULL };
static const char *const keep[] = { "-D", "-U", "-I", "-std=", "-f", NULL };
static const char *const drop_two[] = { "-o", "-MF", "-MT", "-MQ", NULL };
/* How fast it is, what is said of it, and what only this machine knows. */
static const char *const drop[] = { "-c", "-pipe", "-O",   "-g",  "-m", "-W",
				    "-w", "-MD",   "-MMD", "-MP", NULL };

/* -Wp,-DX=1 is for the preprocessor, and no warning. */
static bool is_dropped(const char *word)
{
	return starts_one_of(word, drop) &&
	       (!str_starts(word, "-Wp,") || str_starts(word, "-Wp,-M")) &&
	       !str_starts(word, "-Wa,") && !str_starts(word, "-Wl,");
}

static int keep_options(const struct strv *words, struct strv *out,
			const char **source, struct err *err)
{
	*source = NULL;
	for (size_t i = 1; i < words->n; i++) {
		const char *word = words->v[i];
		bool pair = equals_one_of(word, keep_two);

		if ((pair || equals_one_of(word, drop_two)) &&
		    i + 1 < words->n) {
			i++;
			if (pair) {
				strv_add(out, word);
				strv_add(out, words->v[i]);
			}
		} else if (starts_one_of(word, keep)) {
			strv_add(out, word);
		} else if (*word != '-' && str_ends(word, ".c") && !*source) {
			*source = word;
		} else if (!is_dropped(word)) {
			return err_set(err, ENOTSUP, "it is compiled with %s",
				       word);
		}
	}
	return *source ? 0 : err_set(err, ENOTSUP, "it has no C source");
}

/* ------------------------------------------------------------ compilers */

static int run_cross(const struct making *k, const struct strv *argv,
		     struct err *err)
{
	const struct spawn what = { .argv = argv->v,
				    .env = k->c->env,
				    .cwd = k->root,
				    .fd = { -1, -1, -1 } };
	const struct spawn_limits limits = { .max = 1 << 20,
					     .timeout_ms = TIMEOUT_MS,
					     .stop = k->c->stop };
	struct buf out = { 0 }, said = { 0 };
	int status = 0;
	int ret = spawn_collect(&what, &limits, &out, &said, &status, err);

	if (!ret && status)
		ret = err_set(err, ENOEXEC, "%s: %.*s", k->compiler,
			      (int)strcspn(buf_str(&said), "\n"),
			      buf_str(&said));
	buf_release(&out);
	buf_release(&said);
	return ret;
}

static int compile_words(struct making *k, const struct strv *words,
			 struct err *err)
{
	struct strv argv = { 0 };
	const char *source;
	char *object = xasprintf("%s-%zu.o", k->c->out, k->made.n);
	int ret;

	strv_add(&argv, k->compiler);
	ret = keep_options(words, &argv, &source, err);
	if (!ret) {
		strv_add(&argv, "-O2");
		strv_add(&argv, "-w");
		strv_add(&argv, "-c");
		strv_add(&argv, "-o");
		strv_add(&argv, object);
		strv_add(&argv, source);
		strv_add(&k->made, object);
		ret = run_cross(k, &argv, err);
	}
	strv_release(&argv);
	free(object);
	return ret;
}

static int compile_object(struct making *k, const char *object, struct err *err)
{
	char *path = str_seen_from(k->root, object);
	char *file = depfile_command_file(path), *target = NULL;
	struct strv words = { 0 };
	int ret = read_command(file, &target, &words, err);

	if (!ret)
		ret = compile_words(k, &words, err);
	strv_release(&words);
	free(target);
	free(file);
	free(path);
	return ret;
}

static int link_made(struct making *k, struct err *err)
{
	struct strv argv = { 0 };
	int ret;

	strv_add(&argv, k->compiler);
	strv_add(&argv, "-static");
	strv_add(&argv, "-s");
	strv_add(&argv, "-o");
	strv_add(&argv, k->c->out);
	strv_add_all(&argv, strv_list(&k->made));
	ret = run_cross(k, &argv, err);
	strv_release(&argv);
	return ret;
}

static int check_made(const struct making *k, struct err *err)
{
	struct elf_program e;
	const char *host;
	int ret = elf_program_read(&e, k->c->out, err);

	if (ret)
		return ret;
	host = compiler_host_name(&e);
	if (!host || strcmp(compiler_host_published(host), k->c->host) ||
	    e.loader || e.needed.n)
		ret = err_set(err, ENOEXEC,
			      "%s makes no static programs for %s", k->compiler,
			      k->c->host);
	elf_program_release(&e);
	return ret;
}

static int find_cross_gcc(struct making *k, struct err *err)
{
	const char *triplet = NULL;
	char *name;

	for (size_t i = 0; i < sizeof(triplets) / sizeof(*triplets); i++) {
		if (!strcmp(triplets[i].host, k->c->host))
			triplet = triplets[i].triplet;
	}
	if (!triplet)
		return err_set(err, ENOENT, "no compiler for %s is known",
			       k->c->host);
	name = xasprintf("%s-gcc", triplet);
	k->compiler = which_compiler(name, str_env(k->c->env, "PATH"), NULL);
	free(name);
	return k->compiler ? 0 :
			     err_set(err, ENOENT, "no %s-gcc in PATH", triplet);
}

int inputs_counterpart_make(const struct inputs_counterpart *c, struct err *err)
{
	struct making k = { .c = c };
	int ret = find_cross_gcc(&k, err);

	if (!ret)
		ret = find_objects(&k, err);
	for (size_t i = 0; i < k.objects.n && !ret; i++)
		ret = compile_object(&k, k.objects.v[i], err);
	if (!ret)
		ret = link_made(&k, err);
	if (!ret)
		ret = check_made(&k, err);
	for (size_t i = 0; i < k.made.n; i++)
		unlink(k.made.v[i]);
	if (ret)
		unlink(c->out);
	strv_release(&k.objects);
	strv_release(&k.made);
	free(k.compiler);
	free(k.root);
	return ret;
}

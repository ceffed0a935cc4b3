/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/cross-tool.h"

#include "base/elf.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/which.h"
#include "compiler/host.h"
#include "inputs/saved-command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* For each host, the triplet in the compiler's name, "TRIPLET-gcc". */
static const struct {
	const char *host, *triplet;
} triplets[] = {
	{ "arm64", "aarch64-linux-gnu" },   { "x86_64", "x86_64-linux-gnu" },
	{ "i686", "i686-linux-gnu" },       { "arm", "arm-linux-gnueabihf" },
	{ "ppc64", "powerpc64-linux-gnu" },
};

struct cross_build {
	const struct inputs_cross_tool *request;
	char *compiler;
	char *build_dir; /* working directory of make */
	/* objects for this machine, relative to `build_dir` */
	struct strv native_objects;
	struct strv cross_objects; /* objects for the other machine */
};

/*
 * Collect the objects of a link command.  A command with libraries is rejected,
 * because the libraries of the build host cannot be linked for another machine.
 */
static int read_link_command(struct cross_build *k, const struct strv *words,
			     const char *target, struct err *err)
{
	for (size_t i = 1; i < words->n; i++) {
		const char *word = words->v[i];

		if (*word != '-' && str_ends(word, ".o"))
			strv_add(&k->native_objects, word);
		else if (!strcmp(word, "-o"))
			i++;
		else if (*word != '-' || str_starts(word, "-l") ||
			 str_starts(word, "-Wl,"))
			return err_set(err, ENOTSUP,
				       "%s: unsupported link argument %s",
				       target, word);
	}
	return k->native_objects.n ?
		       0 :
		       err_set(err, ENOTSUP,
			       "%s: no object files in the link command",
			       target);
}

/* Find the build directory and the objects of the tool. */
static int find_objects(struct cross_build *k, struct err *err)
{
	const char *program = k->request->native_path;
	struct inputs_saved_command saved;
	int ret = inputs_saved_command_read(&saved, program, err);

	if (!ret) {
		k->build_dir = xstrdup(saved.build_dir);
		ret = read_link_command(k, &saved.words, program, err);
	}
	inputs_saved_command_release(&saved);
	return ret;
}

static bool starts_one_of(const char *word, const char *const *list)
{
	for (; *list; list++) {
		if (str_starts(word, *list))
			return true;
	}
	return false;
}

/*
 * Options that are passed on to the cross compiler, because they affect the
 * meaning of the sources on any machine.  For the options of the first list,
 * the value can be a separate word.
 */
static const char portable_value_options[] =
	"-D,-U,-I,-include,-isystem,-iquote";
static const char *const portable_options[] = { "-D",    "-U", "-I",
						"-std=", "-f", NULL };
static const char ignored_value_options[] = "-o,-MF,-MT,-MQ";
/*
 * Options that are not passed on to the cross compiler, for example options for
 * optimization, warnings, dependency lists, and the machine of the build host.
 */
static const char *const ignored_options[] = { "-c",   "-pipe", "-O", "-g",
					       "-m",   "-W",    "-w", "-MD",
					       "-MMD", "-MP",   NULL };

/* -Wp,-DX=1 is an option of the preprocessor, not a warning. */
static bool is_ignored_option(const char *word)
{
	return starts_one_of(word, ignored_options) &&
	       (!str_starts(word, "-Wp,") || str_starts(word, "-Wp,-M")) &&
	       !str_starts(word, "-Wa,") && !str_starts(word, "-Wl,");
}

static int select_options(const struct strv *words, struct strv *out,
			  const char **source, struct err *err)
{
	*source = NULL;
	for (size_t i = 1; i < words->n; i++) {
		const char *word = words->v[i];
		bool pair = str_list_has(portable_value_options, ',', word);

		if ((pair || str_list_has(ignored_value_options, ',', word)) &&
		    i + 1 < words->n) {
			i++;
			if (pair) {
				strv_add(out, word);
				strv_add(out, words->v[i]);
			}
		} else if (starts_one_of(word, portable_options)) {
			strv_add(out, word);
		} else if (*word != '-' && str_ends(word, ".c") && !*source) {
			*source = word;
		} else if (!is_ignored_option(word)) {
			return err_set(err, ENOTSUP,
				       "unsupported compiler option %s", word);
		}
	}
	return *source ? 0 :
			 err_set(err, ENOTSUP,
				 "no C source in the saved command");
}

static int run_cross(const struct cross_build *k, const struct strv *argv,
		     struct err *err)
{
	return inputs_saved_command_run(argv, k->build_dir, k->request->env,
					k->request->cancelled, err);
}

static int compile_object(struct cross_build *k, const char *object,
			  struct err *err)
{
	char *path = str_join_path(k->build_dir, object);
	char *cross_object = NULL;
	struct inputs_saved_command saved;
	struct strv argv = { 0 };
	const char *source;
	int ret = inputs_saved_command_read(&saved, path, err);

	if (ret)
		goto out;
	strv_add(&argv, k->compiler);
	ret = select_options(&saved.words, &argv, &source, err);
	if (ret)
		goto out;
	cross_object = xasprintf("%s-%zu.o", k->request->output_path,
				 k->cross_objects.n);
	strv_add(&argv, "-O2");
	strv_add(&argv, "-w");
	strv_add(&argv, "-c");
	strv_add(&argv, "-o");
	strv_add(&argv, cross_object);
	strv_add(&argv, source);
	strv_add(&k->cross_objects, cross_object);
	ret = run_cross(k, &argv, err);
out:
	strv_release(&argv);
	free(cross_object);
	inputs_saved_command_release(&saved);
	free(path);
	return ret;
}

static int check_cross_tool(const struct cross_build *k, struct err *err)
{
	struct elf_program e;
	const char *host;
	int ret = elf_program_read(&e, k->request->output_path, err);

	if (ret)
		return ret;
	host = compiler_host_from_elf(&e);
	if (!host ||
	    strcmp(compiler_host_release_name(host), k->request->host) ||
	    e.interpreter || e.needed.n)
		ret = err_set(err, ENOEXEC,
			      "%s: cannot build static programs for %s",
			      k->compiler, k->request->host);
	elf_program_release(&e);
	return ret;
}

static int find_cross_gcc(struct cross_build *k, struct err *err)
{
	const char *triplet = NULL;
	char *name;

	for (size_t i = 0; i < ARRAY_SIZE(triplets); i++) {
		if (!strcmp(triplets[i].host, k->request->host))
			triplet = triplets[i].triplet;
	}
	if (!triplet)
		return err_set(err, ENOENT, "no known cross compiler for %s",
			       k->request->host);
	name = xasprintf("%s-gcc", triplet);
	k->compiler = which_compiler(
		name, str_find_env(k->request->env, "PATH"), NULL);
	free(name);
	return k->compiler ? 0 :
			     err_set(err, ENOENT, "%s-gcc: not found in PATH",
				     triplet);
}

int inputs_cross_tool_build(const struct inputs_cross_tool *c, struct err *err)
{
	struct cross_build k = { .request = c };
	struct strv argv = { 0 };
	int ret = find_cross_gcc(&k, err);

	if (!ret)
		ret = find_objects(&k, err);
	for (size_t i = 0; i < k.native_objects.n && !ret; i++)
		ret = compile_object(&k, k.native_objects.v[i], err);
	if (!ret) {
		strv_add(&argv, k.compiler);
		strv_add(&argv, "-static");
		strv_add(&argv, "-s");
		strv_add(&argv, "-o");
		strv_add(&argv, c->output_path);
		strv_add_all(&argv, strv_list(&k.cross_objects));
		ret = run_cross(&k, &argv, err);
		strv_release(&argv);
	}
	if (!ret)
		ret = check_cross_tool(&k, err);
	for (size_t i = 0; i < k.cross_objects.n; i++)
		unlink(k.cross_objects.v[i]);
	if (ret)
		unlink(c->output_path);
	strv_release(&k.native_objects);
	strv_release(&k.cross_objects);
	free(k.compiler);
	free(k.build_dir);
	return ret;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gcc's driver names its cc1, its assembler and its headers.  clang's driver
 * is its compiler, and it assembles by itself.  A file "specs" in one of
 * gcc's own directories is read by the driver without being asked.
 */
#include "compiler/parts.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "base/which.h"
#include "compiler/manifest.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX (64u << 10) /* bytes that a question may be answered by */
#define CONFIG_MAX (1u << 20) /* bytes of a configuration file of clang */
#define ASK_MS     9000 /* for all questions together */

/* The questions to one driver. */
struct inquiry {
	struct compiler_parts *out;
	const char *driver;
	char *const *env; /* of the compile */
	const struct compiler_runner *runner; /* or NULL */
	uint64_t deadline; /* clock_ms() */
	struct strv with; /* the environment of a question */
	char *foreign; /* what it named that is not its own, or NULL */
};

/* `path` without ".", ".." and "//", by its words; the caller frees it. */
static char *normalize(const char *path)
{
	char *out = xcalloc(1, strlen(path) + 2);
	size_t n = 0;

	while (*path) {
		size_t len = strcspn(path, "/");

		if (len == 2 && !strncmp(path, "..", 2)) {
			while (n && out[--n] != '/')
				;
		} else if (len && !(len == 1 && *path == '.')) {
			out[n++] = '/';
			memcpy(out + n, path, len);
			n += len;
		}
		path += len;
		path += *path == '/';
	}
	out[n] = '\0';
	return out;
}

/* May a part lie there?  If not, the path is kept for the error. */
static bool may_be_part(struct inquiry *q, const char *path)
{
	const char *within = q->runner ? q->runner->within : NULL;
	char *plain = within ? normalize(path) : NULL;
	bool is = !within || str_below(plain, within);

	free(plain);
	if (!is && !q->foreign)
		q->foreign = xstrdup(path);
	return is;
}

/* What `argv` prints, without the last newline; the caller frees it. */
static int run_driver(struct inquiry *q, char **answer, char *const *argv,
		      struct err *err)
{
	const struct compiler_runner *r = q->runner;
	uint64_t now = clock_ms();
	struct spawn here = {
		.argv = argv, .env = q->with.v, .cwd = "/", .fd = { -1, -1, -1 }
	};
	struct buf output = { 0 };
	int status = 0, ret;
	unsigned left;

	if (now >= q->deadline)
		return err_set(err, ETIMEDOUT, "%s: %s", argv[0],
			       strerror(ETIMEDOUT));
	left = (unsigned)(q->deadline - now);
	if (r)
		ret = r->run(r->ctx, argv, q->with.v, ANSWER_MAX, left, &output,
			     &status, err);
	else
		ret = spawn_capture(&here, ANSWER_MAX, left, &output, &status,
				    err);
	if (!ret && status) {
		char *text = spawn_status_text(status);

		ret = err_set(err, EINVAL, "%s %s: %s", argv[0], argv[1], text);
		free(text);
	}
	while (!ret && output.len && output.data[output.len - 1] == '\n')
		output.len--;
	if (!ret)
		*answer = bytes_dup(buf_bytes(&output));
	buf_release(&output);
	return ret;
}

/* *answer is NULL on failure. */
static int ask_driver(struct inquiry *q, char **answer, const char *one,
		      const char *two, struct err *err)
{
	char *argv[] = { (char *)q->driver, (char *)one, (char *)two, NULL };

	*answer = NULL;
	return run_driver(q, answer, argv, err);
}

/* A word such as a version, of letters, digits and `more`. */
static bool is_version_word(const char *s, const char *more)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || (s[n] && strchr(more, s[n])))
		n++;
	return !s[n] && n > 0 && n < 100;
}

static int ask_names(struct inquiry *q, struct err *err)
{
	struct compiler_parts *p = q->out;
	int ret = ask_driver(q, &p->version, "-dumpfullversion", "-dumpversion",
			     err);

	if (!p->version)
		return ret;
	if (p->version[0] < '0' || p->version[0] > '9' ||
	    !is_version_word(p->version, ".-+"))
		return err_set(err, EINVAL, "%s: said no version", q->driver);
	ret = ask_driver(q, &p->machine, "-dumpmachine", NULL, err);
	if (!p->machine)
		return ret;
	if (!is_version_word(p->machine, "._-"))
		return err_set(err, EINVAL, "%s: said no machine", q->driver);
	return 0;
}

/* Takes over `path`, a file or a directory that is to be there. */
static void add_existing(struct inquiry *q, bool is_dir, char *path)
{
	struct strv *list = is_dir ? &q->out->dirs : &q->out->files;

	if (path[0] == '/' && may_be_part(q, path) && fs_exists(path) &&
	    fs_is_dir(path) == is_dir && !strv_has(list, path))
		strv_own(list, path);
	else
		free(path);
}

static int add_cc1(struct inquiry *q, struct err *err)
{
	char *output;
	int ret = ask_driver(q, &output, "-print-prog-name=cc1", NULL, err);

	if (!output)
		return ret;
	/*
	 * A driver names what it does not have by a path that is not absolute.
	 */
	if (output[0] == '/' && may_be_part(q, output))
		strv_add(&q->out->programs, output);
	else
		ret = err_set(err, ENOENT, "%s: its cc1 is not there",
			      q->driver);
	free(output);
	return ret;
}

/* One that it names without a directory is what PATH has then. */
static int ask_program(struct inquiry *q, const char *what, const char *words,
		       struct err *err)
{
	char *ask = xasprintf("-print-prog-name=%s", what), *output, *path;
	int ret = ask_driver(q, &output, ask, NULL, err);

	free(ask);
	if (!output)
		return ret;
	path = which(output, str_env(q->env, "PATH"));
	if (!path || path[0] != '/' ||
	    (strchr(output, '/') && !may_be_part(q, path))) {
		ret = err_set(err, ENOENT, "%s: its %s %s is not there",
			      q->driver, words, output);
	} else {
		strv_add(&q->out->programs, path);
		if (!strchr(output, '/'))
			strv_add(&q->out->found, path);
	}
	free(path);
	free(output);
	return ret;
}

/* For -gsplit-dwarf alone: a compiler without it is one all the same. */
static int add_objcopy(struct inquiry *q, struct err *err)
{
	int ret = ask_program(q, "objcopy", "copier", err);

	return ret == -ENOENT ? 0 : ret;
}

static int add_headers(struct inquiry *q, struct err *err)
{
	char *output, *dir, *up;
	int ret = ask_driver(q, &output, "-print-file-name=include", NULL, err);

	if (!output)
		return ret;
	/* Beside its headers, and above them, the driver looks for specs. */
	dir = str_dir(output);
	up = str_dir(dir);
	if (output[0] == '/') {
		add_existing(q, false, xasprintf("%s/specs", dir));
		add_existing(q, false, xasprintf("%s/specs", up));
	}
	free(up);
	free(dir);
	add_existing(q, true, output);
	ret = ask_driver(q, &output, "-print-file-name=include-fixed", NULL,
			 err);
	if (output)
		add_existing(q, true, output);
	return ret;
}

/* The driver looks for it through LIBRARY_PATH too, which nodes lack. */
static int check_library_path(struct inquiry *q, const char *specs,
			      struct err *err)
{
	const char *path = str_env(q->env, "LIBRARY_PATH");
	char *output;
	int ret;

	if (!path)
		return 0;
	strv_addf(&q->with, "LIBRARY_PATH=%s", path);
	ret = ask_driver(q, &output, "-print-file-name=specs", NULL, err);
	if (!output) {
		err_wrap(err, "with LIBRARY_PATH");
		return ret;
	}
	if (strcmp(output, specs))
		ret = err_set(err, ENOTSUP, "%s: LIBRARY_PATH has %s",
			      q->driver, output);
	free(output);
	return ret;
}

static int add_specs(struct inquiry *q, struct err *err)
{
	char *output;
	int ret = ask_driver(q, &output, "-print-file-name=specs", NULL, err);

	if (!output)
		return ret;
	ret = check_library_path(q, output, err);
	add_existing(q, false, output);
	return ret;
}

static int ask_gcc(struct inquiry *q, struct err *err)
{
	int ret = add_cc1(q, err);

	if (!ret)
		ret = ask_program(q, "as", "assembler", err);
	if (!ret)
		ret = add_objcopy(q, err);
	if (!ret)
		ret = add_headers(q, err);
	if (!ret)
		ret = add_specs(q, err);
	return ret;
}

/* Which file an include in it means, clang decides by rules of its own. */
static int add_config_file(struct inquiry *q, const char *path, struct err *err)
{
	struct buf text = { 0 };
	int ret = may_be_part(q, path) ? fs_read(path, CONFIG_MAX, &text, err) :
					 -EPERM;

	if (!ret && strchr(buf_str(&text), '@'))
		ret = err_set(err, ENOTSUP, "%s: includes another file", path);
	if (!ret)
		strv_add(&q->out->files, path);
	buf_release(&text);
	return ret;
}

/* `output` is what --version prints; the files of its options are named. */
static int add_configs(struct inquiry *q, char *output, struct err *err)
{
	static const char start[] = "Configuration file: ";
	char *rest = NULL;
	int ret = 0;

	for (char *line = strtok_r(output, "\n", &rest); line && !ret;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (str_starts(line, start))
			ret = add_config_file(q, line + strlen(start), err);
	}
	return ret;
}

/*
 * clang takes some of its defaults from the gcc that it finds: from 9.3.1 on
 * there are outlined atomics for aarch64, and each multilib has an ABI.  It
 * knows one by this file, in /usr or beside itself (clang 14, lib/Driver/
 * ToolChains/Gnu.cpp, GCCInstallationDetector).
 */
static void add_gcc_installations(struct inquiry *q)
{
	static const char inside[] =
		"/lib{,32,64}/gcc{,-cross}/*/*/{,*/}crtbegin.o";
	char *bin = str_dir(q->driver), *real = realpath(q->driver, NULL);
	char *real_bin = str_dir(real ? real : q->driver);
	char *up[] = { xstrdup("/usr"), str_dir(bin), str_dir(real_bin) };
	const char *within = q->runner ? q->runner->within : NULL;

	for (int i = 0; i < 3; i++) {
		char *pattern = xasprintf("%s%s", up[i], inside);
		bool again = (i > 0 && !strcmp(up[i], up[0])) ||
			     (i > 1 && !strcmp(up[i], up[1]));
		glob_t found = { 0 };

		if (!again && (!within || str_below(pattern, within)))
			glob(pattern, GLOB_BRACE, NULL, &found);
		for (size_t j = 0; j < found.gl_pathc; j++)
			strv_add(&q->out->files, found.gl_pathv[j]);
		globfree(&found);
		free(pattern);
	}
	for (int i = 0; i < 3; i++)
		free(up[i]);
	free(real_bin);
	free(real);
	free(bin);
}

static int ask_clang(struct inquiry *q, struct err *err)
{
	struct compiler_parts *p = q->out;
	char *output;
	int ret = ask_driver(q, &output, "-print-resource-dir", NULL, err);

	if (!output)
		return ret;
	/* The lists of what sanitizers leave alone are in share. */
	add_existing(q, true, xasprintf("%s/include", output));
	add_existing(q, true, xasprintf("%s/share", output));
	if (!p->dirs.n)
		ret = err_set(err, ENOENT, "%s: its headers are not there",
			      q->driver);
	add_gcc_installations(q);
	free(output);
	return ret;
}

/* Whether it is gcc or clang decides what else is asked. */
static int ask_parts(struct inquiry *q, struct err *err)
{
	char *output;
	int ret = ask_driver(q, &output, "--version", NULL, err);

	if (!output)
		return ret;
	q->out->is_clang = strstr(output, "clang version") != NULL;
	if (q->out->is_clang)
		ret = add_configs(q, output, err);
	free(output);
	if (ret)
		return ret;
	return q->out->is_clang ? ask_clang(q, err) : ask_gcc(q, err);
}

static int ask_compiler(struct inquiry *q, struct err *err)
{
	int ret = ask_names(q, err);

	if (!ret)
		ret = ask_parts(q, err);
	if (q->foreign)
		ret = err_set(err, EPERM, "%s: names %s, which is not its own",
			      q->driver, q->foreign);
	return ret;
}

int compiler_parts_ask(struct compiler_parts *out, const char *driver,
		       char *const *env, const struct compiler_runner *runner,
		       struct err *err)
{
	const char *path = str_env(env, "PATH");
	const char *libraries = str_env(env, "LD_LIBRARY_PATH");
	struct inquiry q = { .out = out,
			     .driver = driver,
			     .env = env,
			     .runner = runner,
			     .deadline = clock_ms() + ASK_MS };
	int ret;

	*out = (struct compiler_parts){ 0 };
	strv_add(&out->programs, driver);
	strv_addf(&q.with, "PATH=%s", path ? path : TOOLCHAIN_PATH);
	strv_add(&q.with, "LC_ALL=C");
	if (libraries)
		strv_addf(&q.with, "LD_LIBRARY_PATH=%s", libraries);
	ret = ask_compiler(&q, err);
	if (ret)
		compiler_parts_release(out);
	strv_release(&q.with);
	free(q.foreign);
	return ret;
}

void compiler_parts_release(struct compiler_parts *p)
{
	free(p->version);
	free(p->machine);
	strv_release(&p->found);
	strv_release(&p->programs);
	strv_release(&p->files);
	strv_release(&p->dirs);
	*p = (struct compiler_parts){ 0 };
}

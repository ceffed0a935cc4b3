/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gcc's driver reports its cc1, its assembler and its headers, and reads a file
 * "specs" in one of gcc's directories.  clang's driver contains the compiler
 * and the assembler.  For both compilers, PATH can lead to a program that is
 * not the driver itself but executes the driver.
 */
#include "compiler/driver-parts.h"

#include "base/fs.h"
#include "base/spawn.h"
#include "base/which.h"
#include "compiler/manifest.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DRIVER_OUTPUT_BYTES_MAX (64u << 10) /* of one query */
#define CLANG_CONFIG_BYTES_MAX  (1u << 20)
#define DRIVER_QUERY_MS         9000 /* working time of one query */

/* The queries to one driver. */
struct parts_query {
	struct compiler_driver_parts *out;
	const char *driver;
	char *const *env; /* of the compile */
	const struct compiler_runner *runner; /* or NULL */
	struct strv query_env; /* the environment of a query */
	struct strv program_dirs; /* where gcc searches, including PATH */
	char *outside_path; /* a reported path outside allowed_dir, or NULL */
};

/* Remove ".", ".." and "//" lexically.  The caller frees the result. */
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

/*
 * Return true if a part of the compiler is allowed to be at `path`.  Record the
 * first path that is not allowed for the error message.
 */
static bool is_allowed_part(struct parts_query *q, const char *path)
{
	const char *within = q->runner ? q->runner->allowed_dir : NULL;
	char *plain = within ? normalize(path) : NULL;
	bool is = !within || str_skip_dir(plain, within);

	free(plain);
	if (!is && !q->outside_path)
		q->outside_path = xstrdup(path);
	return is;
}

/*
 * Run the driver.  Appends its stdout to `output` and, without a runner, its
 * stderr to `messages`.  Either can be NULL if it is not used.
 */
static int run_driver(struct parts_query *q, char *const *argv,
		      struct buf *output, struct buf *messages, struct err *err)
{
	const struct compiler_runner *r = q->runner;
	struct spawn what = { .argv = argv,
			      .env = q->query_env.v,
			      .cwd = "/",
			      .stdio_fds = { -1, -1, -1 } };
	const struct spawn_limits limits = { DRIVER_OUTPUT_BYTES_MAX,
					     DRIVER_QUERY_MS, NULL };
	int status = 0, ret;

	if (r)
		ret = r->run(r->ctx, argv, q->query_env.v, limits.max_bytes,
			     limits.timeout_ms, output, &status, err);
	else
		ret = spawn_collect(&what, &limits, output, messages, &status,
				    err);
	if (!ret && status) {
		char *text = spawn_status_text(status);

		ret = err_set(err, EINVAL, "%s %s: %s", argv[0], argv[1], text);
		free(text);
	}
	return ret;
}

/*
 * Run the driver with the option `one` and, unless `two` is NULL, the option
 * `two`.  `answer` receives the driver's output without trailing newlines, or
 * NULL on failure.
 */
static int query_driver_line(struct parts_query *q, char **answer,
			     const char *one, const char *two, struct err *err)
{
	char *argv[] = { (char *)q->driver, (char *)one, (char *)two, NULL };
	struct buf output = { 0 };
	int ret = run_driver(q, argv, &output, NULL, err);

	*answer = NULL;
	while (!ret && output.len && output.data[output.len - 1] == '\n')
		output.len--;
	if (!ret)
		*answer = bytes_dup(buf_bytes(&output));
	buf_release(&output);
	return ret;
}

/*
 * Return true if `s` has 1 to 99 characters, each a letter, a digit or one of
 * `more`.
 */
static bool is_version_word(const char *s, const char *more)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || (s[n] && strchr(more, s[n])))
		n++;
	return !s[n] && n > 0 && n < 100;
}

static int query_version(struct parts_query *q, struct err *err)
{
	struct compiler_driver_parts *p = q->out;
	int ret = query_driver_line(q, &p->version, "-dumpfullversion",
				    "-dumpversion", err);

	if (!p->version)
		return ret;
	if (p->version[0] < '0' || p->version[0] > '9' ||
	    !is_version_word(p->version, ".-+"))
		return err_set(err, EINVAL, "%s: invalid version reported",
			       q->driver);
	ret = query_driver_line(q, &p->machine, "-dumpmachine", NULL, err);
	if (!p->machine)
		return ret;
	if (!is_version_word(p->machine, "._-"))
		return err_set(err, EINVAL,
			       "%s: invalid target machine reported",
			       q->driver);
	return 0;
}

/*
 * Add a file or directory to the parts if it exists, otherwise to the absent
 * paths.  Ignores a relative path, a path outside allowed_dir, a dangling link,
 * a file if `is_dir` is true, and a directory if `is_dir` is false.  Takes
 * ownership of `path`.
 */
static void add_existing_part(struct parts_query *q, bool is_dir, char *path)
{
	struct strv *list = is_dir ? &q->out->dirs : &q->out->files;
	struct stat st;

	if (path[0] != '/' || !is_allowed_part(q, path))
		goto out;
	if (lstat(path, &st))
		list = &q->out->absent;
	else if (!fs_exists(path) || fs_is_dir(path) != is_dir)
		goto out;
	if (!strv_has(list, path)) {
		strv_own(list, path);
		return;
	}
out:
	free(path);
}

/*
 * The driver searches `program_dirs` for the program `name` and finds `found`.
 * Add the paths that precede `found` in this search to the absent paths,
 * because a new program at such a path would replace `found`.
 */
static void add_absent_programs(struct parts_query *q, const char *name,
				const char *found)
{
	struct stat st;

	for (size_t i = 0; i < q->program_dirs.n; i++) {
		const char *dir = q->program_dirs.v[i];
		char *path = xasprintf("%s%s%s", dir,
				       str_ends(dir, "/") ? "" : "/", name);
		bool reached = !strcmp(path, found);

		if (!reached && path[0] == '/' && lstat(path, &st) &&
		    !strv_has(&q->out->absent, path))
			strv_own(&q->out->absent, path);
		else
			free(path);
		if (reached)
			break;
	}
}

/*
 * Query the directories in which gcc searches for programs, and append the
 * directories of PATH.  For an untrusted driver, the list stays empty.
 */
static int query_program_dirs(struct parts_query *q, struct err *err)
{
	static const char programs[] = "programs: =";
	const char *path = str_find_env(q->env, "PATH");
	char *output, *at;
	int ret;

	if (q->runner)
		return 0;
	ret = query_driver_line(q, &output, "-print-search-dirs", NULL, err);
	if (!output)
		return ret;
	at = strstr(output, programs);
	if (at) {
		at += strlen(programs);
		at[strcspn(at, "\n")] = '\0';
		strv_split(&q->program_dirs, at, ":");
		strv_split(&q->program_dirs,
			   path ? path : COMPILER_TOOLCHAIN_PATH, ":");
	}
	free(output);
	return 0;
}

static int add_cc1(struct parts_query *q, struct err *err)
{
	char *output;
	int ret = query_driver_line(q, &output, "-print-prog-name=cc1", NULL,
				    err);

	if (!output)
		return ret;
	/* For a missing part, a driver prints a name without a directory. */
	if (output[0] == '/' && is_allowed_part(q, output)) {
		strv_add(&q->out->programs, output);
		add_absent_programs(q, "cc1", output);
	} else {
		ret = err_set(err, ENOENT, "%s: cc1 not found", q->driver);
	}
	free(output);
	return ret;
}

/*
 * Query the path of a program.  If the driver reports a bare name, search PATH
 * for it.
 */
static int query_program_path(struct parts_query *q, const char *what,
			      const char *words, struct err *err)
{
	char *option = xasprintf("-print-prog-name=%s", what), *output, *path;
	int ret = query_driver_line(q, &output, option, NULL, err);

	free(option);
	if (!output)
		return ret;
	path = which(output, str_find_env(q->env, "PATH"));
	if (!path || path[0] != '/' ||
	    (strchr(output, '/') && !is_allowed_part(q, path))) {
		ret = err_set(err, ENOENT, "%s: %s not found: %s", q->driver,
			      words, output);
	} else {
		strv_add(&q->out->programs, path);
		add_absent_programs(q, what, path);
		if (!strchr(output, '/'))
			strv_add(&q->out->path_programs, path);
	}
	free(path);
	free(output);
	return ret;
}

static int add_headers(struct parts_query *q, struct err *err)
{
	char *output, *dir, *up;
	int ret = query_driver_line(q, &output, "-print-file-name=include",
				    NULL, err);

	if (!output)
		return ret;
	/* The driver looks for specs in the two directories above include. */
	dir = str_dir(output);
	up = str_dir(dir);
	if (output[0] == '/') {
		add_existing_part(q, false, xasprintf("%s/specs", dir));
		add_existing_part(q, false, xasprintf("%s/specs", up));
	}
	free(up);
	free(dir);
	add_existing_part(q, true, output);
	ret = query_driver_line(q, &output, "-print-file-name=include-fixed",
				NULL, err);
	if (output)
		add_existing_part(q, true, output);
	return ret;
}

static int add_specs(struct parts_query *q, struct err *err)
{
	static const char option[] = "-print-file-name=specs";
	const char *path = str_find_env(q->env, "LIBRARY_PATH");
	char *specs, *other;
	int ret = query_driver_line(q, &specs, option, NULL, err);

	if (!specs)
		return ret;
	/*
	 * Nodes do not set LIBRARY_PATH, so the driver must find the same specs
	 * with and without it.
	 */
	if (path) {
		strv_addf(&q->query_env, "LIBRARY_PATH=%s", path);
		ret = query_driver_line(q, &other, option, NULL, err);
		if (!other)
			err_wrap(err, "with LIBRARY_PATH");
		else if (strcmp(other, specs))
			ret = err_set(
				err, ENOTSUP,
				"%s: LIBRARY_PATH changes the specs that the "
				"compiler uses: %s",
				q->driver, other);
		free(other);
	}
	add_existing_part(q, false, specs);
	return ret;
}

static int query_gcc(struct parts_query *q, struct err *err)
{
	int ret = query_program_dirs(q, err);

	if (!ret)
		ret = add_cc1(q, err);
	if (ret)
		return ret;
	ret = query_program_path(q, "as", "assembler", err);
	if (ret)
		return ret;
	/* Only -gsplit-dwarf needs objcopy, so objcopy can be missing. */
	ret = query_program_path(q, "objcopy", "objcopy", err);
	if (ret && ret != -ENOENT)
		return ret;
	ret = add_headers(q, err);
	return ret ? ret : add_specs(q, err);
}

/*
 * Add a configuration file of clang.  A file with includes ('@') is rejected,
 * because kfarm does not implement clang's search for included files.
 */
static int add_config_file(struct parts_query *q, const char *path,
			   struct err *err)
{
	struct buf text = { 0 };
	int ret = is_allowed_part(q, path) ?
			  fs_read(path, CLANG_CONFIG_BYTES_MAX, &text, err) :
			  -EPERM;

	if (!ret && strchr(buf_str(&text), '@'))
		ret = err_set(
			err, ENOTSUP,
			"%s: includes of other files (@FILE) are not supported",
			path);
	if (!ret)
		strv_add(&q->out->files, path);
	buf_release(&text);
	return ret;
}

/*
 * Add the files by which clang detects gcc installations.  clang derives some
 * defaults from the gcc that it finds: outlined atomics for aarch64 from gcc
 * 9.3.1 on, and the ABI of each multilib.  clang looks for gcc's crtbegin.o in
 * /usr and next to clang itself (clang 14, lib/Driver/ToolChains/Gnu.cpp,
 * GCCInstallationDetector).
 */
static void add_gcc_installations(struct parts_query *q)
{
	static const char inside[] =
		"/lib{,32,64}/gcc{,-cross}/*/*/{,*/}crtbegin.o";
	char *bin = str_dir(q->driver), *real = realpath(q->driver, NULL);
	char *real_bin = str_dir(real ? real : q->driver);
	char *up[] = { xstrdup("/usr"), str_dir(bin), str_dir(real_bin) };
	const char *within = q->runner ? q->runner->allowed_dir : NULL;

	for (int i = 0; i < 3; i++) {
		char *pattern = xasprintf("%s%s", up[i], inside);
		bool again = (i > 0 && !strcmp(up[i], up[0])) ||
			     (i > 1 && !strcmp(up[i], up[1]));
		glob_t found = { 0 };

		if (!again && (!within || str_skip_dir(pattern, within)))
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

static int query_clang(struct parts_query *q, struct err *err)
{
	struct compiler_driver_parts *p = q->out;
	char *output;
	int ret = query_driver_line(q, &output, "-print-resource-dir", NULL,
				    err);

	if (!output)
		return ret;
	/* The directory share contains the ignore lists of sanitizers. */
	add_existing_part(q, true, xasprintf("%s/include", output));
	add_existing_part(q, true, xasprintf("%s/share", output));
	if (!p->dirs.n)
		ret = err_set(err, ENOENT, "%s: compiler headers not found",
			      q->driver);
	add_gcc_installations(q);
	free(output);
	return ret;
}

/*
 * Return the name under which the compiler itself was executed.  With -###, gcc
 * prints it as COLLECT_GCC, and clang as the program of its cc1 command.
 * Returns NULL if `messages` contains neither.  The caller frees the name.
 */
static char *find_executed_name(const char *messages)
{
	static const char gcc[] = "COLLECT_GCC=", clang[] = "\" \"-cc1\"";
	struct strv lines = { 0 };
	char *name = NULL;

	strv_split(&lines, messages, "\n");
	for (size_t i = 0; i < lines.n && !name; i++) {
		const char *line = lines.v[i], *end = strstr(line, clang);

		if (str_starts(line, gcc))
			name = xstrdup(line + strlen(gcc));
		else if (str_starts(line, " \"") && end)
			name = xstrndup(line + 2, (size_t)(end - line) - 2);
	}
	strv_release(&lines);
	return name;
}

static bool is_same_program(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/*
 * If the driver is a program that executes the compiler's real driver, such as
 * buildroot's toolchain-wrapper, add the real driver.  With a runner, do not
 * search for a real driver: the runner's sandbox has no other driver, so all
 * queries to a program that executes another driver fail.
 */
static int add_real_driver(struct parts_query *q, struct err *err)
{
	char *argv[] = { (char *)q->driver, (char *)"-###",      (char *)"-E",
			 (char *)"-xc",     (char *)"/dev/null", NULL };
	struct buf messages = { 0 };
	char *name;
	int ret;

	if (q->runner)
		return 0;
	ret = run_driver(q, argv, NULL, &messages, err);
	name = ret ? NULL : find_executed_name(buf_str(&messages));
	/*
	 * Do not search PATH for the name: the search could find a program
	 * other than the executed one.
	 */
	if (name && name[0] != '/')
		ret = err_set(err, ENOTSUP,
			      "%s: executes another driver, whose directory is "
			      "unknown: %s",
			      q->driver, name);
	else if (name && !is_same_program(name, q->driver))
		strv_add(&q->out->programs, name);
	free(name);
	buf_release(&messages);
	return ret;
}

static int query_compiler_parts(struct parts_query *q, struct err *err)
{
	static const char config[] = "Configuration file: ";
	char *output, *line, *rest = NULL;
	int ret = query_driver_line(q, &output, "--version", NULL, err);

	if (!output)
		return ret;
	q->out->is_clang = strstr(output, "clang version") != NULL;
	line = q->out->is_clang ? strtok_r(output, "\n", &rest) : NULL;
	for (; line && !ret; line = strtok_r(NULL, "\n", &rest)) {
		if (str_starts(line, config))
			ret = add_config_file(q, line + strlen(config), err);
	}
	free(output);
	if (ret)
		return ret;
	return q->out->is_clang ? query_clang(q, err) : query_gcc(q, err);
}

int compiler_driver_parts_query(struct compiler_driver_parts *out,
				const char *driver, char *const *env,
				const struct compiler_runner *runner,
				struct err *err)
{
	const char *path = str_find_env(env, "PATH");
	const char *libraries = str_find_env(env, "LD_LIBRARY_PATH");
	struct parts_query q = {
		.out = out, .driver = driver, .env = env, .runner = runner
	};
	int ret;

	*out = (struct compiler_driver_parts){ 0 };
	strv_add(&out->programs, driver);
	strv_addf(&q.query_env, "PATH=%s",
		  path ? path : COMPILER_TOOLCHAIN_PATH);
	strv_add(&q.query_env, "LC_ALL=C");
	if (libraries)
		strv_addf(&q.query_env, "LD_LIBRARY_PATH=%s", libraries);
	ret = query_version(&q, err);
	if (!ret)
		ret = query_compiler_parts(&q, err);
	if (!ret)
		ret = add_real_driver(&q, err);
	if (q.outside_path)
		ret = err_set(
			err, EPERM,
			"%s: reports a path outside its own directory: %s",
			driver, q.outside_path);
	if (ret)
		compiler_driver_parts_release(out);
	strv_release(&q.query_env);
	strv_release(&q.program_dirs);
	free(q.outside_path);
	return ret;
}

void compiler_driver_parts_release(struct compiler_driver_parts *p)
{
	free(p->version);
	free(p->machine);
	strv_release(&p->path_programs);
	strv_release(&p->programs);
	strv_release(&p->files);
	strv_release(&p->dirs);
	strv_release(&p->absent);
	*p = (struct compiler_driver_parts){ 0 };
}

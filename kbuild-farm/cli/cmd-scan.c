/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/which.h"
#include "cli/cmd.h"
#include "cli/scan.h"
#include "compiler/manifest.h"
#include "cpp/cpp.h"
#include "options/command.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A scanned unit; all pointers are borrowed. */
struct cli_scan_result {
	const char *name; /* as the user wrote it */
	const char *cwd;
	const char *compiler;
	const struct cpp_closure *closure;
	uint64_t elapsed_us;
};

/* Print a unit as one line of JSON. */
static void cli_scan_print_json(const struct cli_scan_result *r)
{
	static const char *const kinds[] = {
		[CPP_FILE_SOURCE] = "source",
		[CPP_FILE_HEADER] = "header",
		[CPP_FILE_SYSTEM_HEADER] = "system",
		[CPP_FILE_INPUT] = "input",
		[CPP_FILE_PROBED] = "probed",
	};
	const struct cpp_closure *c = r->closure;
	json_t *made = json_object();

	json_object_set_new(made, "unit", json_text(r->name));
	json_object_set_new(made, "cwd", json_text(r->cwd));
	json_object_set_new(made, "compiler", json_text(r->compiler));
	json_object_set_new(made, "ms",
			    json_real((double)r->elapsed_us / 1000));
	json_object_set_new(made, "scannable", json_boolean(!c->reason));
	if (c->reason) {
		json_object_set_new(made, "reason",
				    json_text(reason_text(c->reason)));
		if (c->detail)
			json_object_set_new(made, "detail",
					    json_text(c->detail));
	} else {
		json_t *files = json_array();

		for (size_t i = 0; i < c->n_files; i++) {
			const struct cpp_file *f = &c->files[i];
			json_t *o = json_object();

			json_object_set_new(o, "path", json_text(f->path));
			json_object_set_new(o, "kind",
					    json_string(kinds[f->kind]));
			json_array_append_new(files, o);
			if (f->kind == CPP_FILE_SOURCE)
				continue;
			/* Add the directive through which `f` was found. */
			json_object_set_new(
				o, "from",
				json_integer((json_int_t)f->includer));
			json_object_set_new(o, "line", json_integer(f->line));
			if (f->definitions)
				json_object_set_new(o, "definitions",
						    json_text(f->definitions));
		}
		json_object_set_new(made, "files", files);
		json_object_set_new(made, "absent", json_texts(&c->absent));
		json_object_set_new(made, "dirs", json_texts(&c->dirs));
	}
	json_dumpf(made, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(made);
}

/*
 * Find a header in the closure, which consists of the files that the unit can
 * read.  Search first for a file with the path `header`, then for a file with
 * the same inode, then for a file whose path ends in "/" and `header`.  Returns
 * the index of the file, or n_files if the closure lacks the header.
 */
static size_t find_in_closure(const struct cli_scan_result *r,
			      const char *header)
{
	const struct cpp_closure *c = r->closure;
	size_t len = strlen(header);
	struct stat wanted, st;
	bool exists;

	for (size_t i = 0; i < c->n_files; i++) {
		if (!strcmp(c->files[i].path, header))
			return i;
	}
	exists = !stat(header, &wanted);
	for (size_t i = 0; exists && i < c->n_files; i++) {
		char *full = str_join_path(r->cwd, c->files[i].path);
		bool same = !stat(full, &st) && st.st_dev == wanted.st_dev &&
			    st.st_ino == wanted.st_ino;

		free(full);
		if (same)
			return i;
	}
	for (size_t i = 0; i < c->n_files; i++) {
		const char *path = c->files[i].path;
		size_t n = strlen(path);

		if (n > len && path[n - len - 1] == '/' &&
		    !strcmp(path + n - len, header))
			return i;
	}
	return c->n_files;
}

/* Print the chain of includes from the unit to file `i`, one per line. */
static void print_chain(const struct cpp_closure *c, size_t i)
{
	const struct cpp_file *f = &c->files[i];

	/*
	 * Files are in the order of opening, so an including file precedes the
	 * files that it includes.
	 */
	if (f->includer >= i)
		return;
	print_chain(c, f->includer);
	if (f->line)
		printf("%s:%u: %s\n", c->files[f->includer].path, f->line,
		       f->path);
	else
		printf("the command line: %s\n", f->path);
}

/* The compiler that `name` denotes in the directory `cwd`. */
struct entry {
	TAILQ_ENTRY(entry) next;
	char *cwd, *name;
	struct cli_scan_tool tool;
};

struct cli_scan_tools {
	pthread_mutex_t lock;
	TAILQ_HEAD(, entry) entries;
};

struct cli_scan_tools *cli_scan_tools_new(void)
{
	struct cli_scan_tools *t = xcalloc(1, sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	TAILQ_INIT(&t->entries);
	return t;
}

void cli_scan_tools_free(struct cli_scan_tools *t)
{
	struct entry *e;

	if (!t)
		return;
	while ((e = TAILQ_FIRST(&t->entries))) {
		TAILQ_REMOVE(&t->entries, e, next);
		free(e->cwd);
		free(e->name);
		free(e->tool.path);
		free(e->tool.version);
		free(e->tool.error_text);
		free(e);
	}
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* Find the compiler `name` and compute the id of its manifest. */
static void identify_tool(struct cli_scan_tool *tool, const char *cwd,
			  const char *name)
{
	struct compiler_manifest manifest = { 0 };
	struct err err = { 0 };
	char *path = strchr(name, '/') && name[0] != '/' ?
			     xasprintf("%s/%s", cwd, name) :
			     which_compiler(name, getenv("PATH"), NULL);

	if (!path) {
		tool->error_text = xasprintf("%s: not found in PATH", name);
	} else if (compiler_manifest_make(&manifest, path, environ, &err)) {
		tool->error_text = xstrdup(err.text);
	} else {
		tool->id = manifest.id;
		tool->version = xstrdup(manifest.version);
		tool->is_clang = manifest.is_clang;
		tool->path = path;
		path = NULL;
	}
	compiler_manifest_release(&manifest);
	free(path);
}

const struct cli_scan_tool *cli_scan_tools_get(struct cli_scan_tools *t,
					       const char *cwd,
					       const char *name)
{
	struct entry *e;

	pthread_mutex_lock(&t->lock);
	list_for_each(e, &t->entries, next) {
		if (!strcmp(e->name, name) && !strcmp(e->cwd, cwd))
			break;
	}
	if (!e) {
		e = xcalloc(1, sizeof(*e));
		e->cwd = xstrdup(cwd);
		e->name = xstrdup(name);
		identify_tool(&e->tool, cwd, name);
		TAILQ_INSERT_HEAD(&t->entries, e, next);
	}
	pthread_mutex_unlock(&t->lock);
	return &e->tool;
}

/* The command line of `kfarm scan`. */
struct request {
	struct strv files;
	char *const *line; /* the compile line after "--", or NULL */
	const char *build, *why;
	bool json;
};

#define AT(member) offsetof(struct request, member)

static const struct args_option options[] = {
	{ 'b', "build-dir", "DIR",
	  "build directory (or O=DIR; default: $KBUILD_OUTPUT or .)", args_text,
	  AT(build), 0 },
	{ 'w', "why", "HEADER", "print only the includes that lead to HEADER",
	  args_text, AT(why), 0 },
	{ 0, "json", NULL, "print JSON, a line for each unit", args_flag,
	  AT(json), 0 },
	{ 0 },
};

/* State shared by the units of one command. */
struct session {
	const struct request *request;
	char *build; /* absolute build directory */
	struct cli_scan_tools *tools;
	struct cpp_scanner *scan;
};

/* Parse the command line; the words after "--" are a compile line. */
static int parse_scan_line(struct request *r, char *const *argv,
			   struct err *err)
{
	struct args args;
	int got;

	args_init(&args, options, argv);
	args.variables_allowed = true;
	while ((got = args_read(&args, r, err)) > 0 && !args.options_ended) {
		/*
		 * Ignore all variables except O=, because $KFARM can contain
		 * variables for `kfarm build`.  A word with "=" can also be
		 * the path of a file.
		 */
		if (got == ARGS_WORD || fs_exists(args.value))
			strv_add(&r->files, args.value);
		else if (str_starts(args.value, "O=") && !r->build)
			r->build = args.value + 2;
	}
	if (got < 0)
		return got;
	/* args_read() has already returned the first word after "--". */
	if (args.options_ended)
		r->line = args_rest(&args) - (got != ARGS_END);
	if (!r->build)
		r->build = getenv("KBUILD_OUTPUT");

	if (r->json && r->why)
		return err_set(err, EINVAL,
			       "--json and --why are mutually exclusive");
	if (!r->line && !r->files.n)
		return err_set(err, EINVAL, "missing FILE");
	if (r->line && !r->line[0])
		return err_set(err, EINVAL, "missing compile command after --");
	return 0;
}

/* Print the result for one unit; return the exit status. */
static int print_closure(const struct cli_scan_result *r,
			 const struct request *req)
{
	const struct cpp_closure *c = r->closure;

	if (req->json)
		cli_scan_print_json(r);
	if (c->reason) {
		log_error("scan: %s: not scannable: %s%s%s", r->name,
			  reason_text(c->reason), c->detail ? ": " : "",
			  c->detail ? c->detail : "");
		return EXIT_BUILD;
	}
	if (req->json)
		return EXIT_OK;
	if (req->why) {
		size_t i = find_in_closure(r, req->why);

		if (i == c->n_files) {
			log_error("scan: %s does not read %s", r->name,
				  req->why);
			return EXIT_USAGE;
		}
		if (c->files[i].kind == CPP_FILE_SOURCE)
			printf("%s is the unit itself\n", req->why);
		print_chain(c, i);
		return EXIT_OK;
	}
	if (req->files.n > 1)
		printf("%s:\n", r->name);
	for (size_t i = 0; i < c->n_files; i++)
		printf("%s\n", c->files[i].path);
	return EXIT_OK;
}

/*
 * Scan the unit of a compile line.  Returns an exit status, or -errno with
 * `err` set.
 */
static int scan_line(struct session *s, const struct cli_scan_line *l,
		     const char *name, struct err *err)
{
	const struct cli_scan_tool *tool = cli_scan_tools_get(s->tools, l->cwd,
							      l->argv.v[0]);
	struct cpp_unit unit = { .cwd = l->cwd,
				 .compiler = tool->path,
				 .toolchain = &tool->id,
				 .command = &l->command,
				 .env = environ };
	struct cpp_closure closure = { 0 };
	struct cli_scan_result r = { .name = name,
				     .cwd = l->cwd,
				     .compiler = tool->path,
				     .closure = &closure };
	int status;

	if (!tool->path)
		return err_set(err, ENOENT, "%s", tool->error_text);
	r.elapsed_us = clock_us();
	cpp_closure_find(s->scan, &unit, &closure);
	r.elapsed_us = clock_us() - r.elapsed_us;
	status = print_closure(&r, s->request);
	cpp_closure_release(&closure);
	return status;
}

/*
 * Scan a unit of the build directory.  Returns an exit status, or -errno with
 * `err` set.
 */
static int scan_built_files(struct session *s, const char *name,
			    struct err *err)
{
	struct cli_scan_line l;
	char *file;
	struct err find_err;
	int ret = cli_scan_line_find(&file, s->build, name, &find_err);

	if (ret)
		return err_set(err, -ret, "%s, or the compile command after --",
			       find_err.text);
	ret = cli_scan_line_read(&l, s->build, file, err);
	if (!ret) {
		ret = scan_line(s, &l, name, err);
		cli_scan_line_release(&l);
	}
	free(file);
	return ret;
}

/*
 * Scan the compile line after "--".  `name` is its source, or NULL if the line
 * contains the source.  Returns an exit status, or -errno with `err` set.
 */
static int scan_given_files(struct session *s, const char *name,
			    struct err *err)
{
	struct cli_scan_line l = { .cwd = s->build };
	int ret;

	strv_add_all(&l.argv, s->request->line);
	if (name && !strv_has(&l.argv, name))
		strv_add(&l.argv, name);
	options_command_parse(&l.command, l.argv.v);
	if (!name)
		name = l.command.source ? l.command.source :
					  l.argv.v[l.argv.n - 1];
	ret = scan_line(s, &l, name, err);
	options_command_release(&l.command);
	strv_release(&l.argv);
	return ret;
}

/*
 * Scan all units.  Returns the worst status, or -ENOENT with `err` set if the
 * build directory does not exist.
 */
static int scan_files(const struct request *r, struct err *err)
{
	const char *build = r->build && *r->build ? r->build : ".";
	char *cache = fs_cache_home(), *dir = xasprintf("%s/scan", cache);
	const struct cpp_setup setup = { .query = capture_run,
					 .cache_dir = dir,
					 .selects_definitions = r->json };
	struct session s = { .request = r, .build = realpath(build, NULL) };
	size_t n = r->files.n ? r->files.n : 1;
	int worst = EXIT_OK;

	if (!s.build || !fs_is_dir(s.build)) {
		worst = err_set(err, ENOENT, "%s: not a directory", build);
		goto out;
	}
	s.tools = cli_scan_tools_new();
	s.scan = cpp_scanner_new(&setup);
	for (size_t i = 0; i < n; i++) {
		const char *name = r->files.n ? r->files.v[i] : NULL;
		struct err scan_err = { 0 };
		int status = r->line ? scan_given_files(&s, name, &scan_err) :
				       scan_built_files(&s, name, &scan_err);

		if (status < 0) {
			log_error("scan: %s", scan_err.text);
			status = EXIT_USAGE;
		}
		if (status > worst)
			worst = status;
	}
	cpp_scanner_free(s.scan);
	cli_scan_tools_free(s.tools);
out:
	free(s.build);
	free(dir);
	free(cache);
	return worst;
}

static int scan_main(char *const *argv)
{
	struct request r = { 0 };
	struct err err = { 0 };
	int status = parse_scan_line(&r, argv, &err);

	if (!status)
		status = scan_files(&r, &err);
	if (status < 0) {
		log_error("scan: %s", err.text);
		status = EXIT_USAGE;
	}
	strv_release(&r.files);
	return status;
}

const struct cmd cmd_scan = {
	.name = "scan",
	.usage =
		"[-b DIR] [--json | --why HEADER] FILE... |\n"
		"                  [-b DIR] [--json | --why HEADER] [FILE]... --\n"
		"                  COMPILER ARGUMENT...",
	.help = "list the files that a compile reads",
	.options = options,
	.takes_variables = true,
	.extra_help =
		"FILE is a source or an object.  Its command is read from "
		"kbuild's .cmd file.\n",
	.run = scan_main,
};

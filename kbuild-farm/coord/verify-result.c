/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/verify-result.h"

#include "base/clock.h"
#include "base/depfile.h"
#include "base/fs.h"
#include "base/printable.h"
#include "base/spawn.h"
#include "base/str.h"
#include "inputs/object-format.h"
#include "inputs/tool.h"
#include "options/rewrite.h"
#include "wire/cc.h"
#include "wire/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOOL_TIMEOUT_MS 120000 /* per program, on a busy machine */

/* Run a program and collect its stdout and stderr in `streams`. */
static int run_local_tool(const struct coord_genksyms_check *p,
			  const struct strv *argv, int in,
			  struct buf streams[static 2], int *status,
			  struct err *err)
{
	const struct spawn what = { .argv = argv->v,
				    .env = strv_list(&p->job_request->env),
				    .cwd = p->job_request->cwd,
				    .stdio_fds = { in, -1, -1 } };
	const struct spawn_limits limits = { .max_bytes = WIRE_CC_DIAG_MAX,
					     .timeout_ms = TOOL_TIMEOUT_MS,
					     .stop = p->cancel };

	return spawn_collect(&what, &limits, &streams[0], &streams[1], status,
			     err);
}

static int run_genksyms(const struct coord_genksyms_check *p,
			struct buf streams[static 2], int *status,
			struct err *err)
{
	struct strv argv = { 0 };
	int fd = open(p->text_path, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return err_errno(err, "%s", p->text_path);
	strv_add(&argv, p->step->program);
	strv_add_all(&argv, strv_list(&p->step->args));
	ret = run_local_tool(p, &argv, fd, streams, status, err);
	close(fd);
	strv_release(&argv);
	return ret;
}

/*
 * Compare a node's result with the stdout and stderr of the local tool.  The
 * node's stderr must end with the local tool's stderr.  The preceding text is
 * not compared, because it comes from the compiler and depends on paths and on
 * the locale.  check_diagnostics() checks this text.
 */
static bool is_genksyms_equal(const struct peer_job_result *a,
			      const struct buf streams[static 2],
			      struct err *err)
{
	struct bytes all = buf_bytes(&a->streams[WIRE_OUTPUT_STDERR]);
	struct bytes ours = buf_bytes(&streams[1]);
	const char *what = NULL;

	if (a->wire.wait_status)
		what = "exit status";
	else if (!bytes_equal(buf_bytes(&a->streams[WIRE_OUTPUT_STDOUT]),
			      buf_bytes(&streams[0])))
		what = "stdout";
	else if (all.len < ours.len ||
		 (ours.len &&
		  memcmp(all.data + all.len - ours.len, ours.data, ours.len)))
		what = "stderr";
	if (what)
		err_set(err, EBADMSG, "genksyms: %s differs from the local run",
			what);
	return !what;
}

enum coord_genksyms_verdict coord_verify_genksyms(
	const struct coord_genksyms_check *p, const struct peer_job_result *a,
	struct err *err)
{
	enum coord_genksyms_verdict is = COORD_GENKSYMS_VERDICT_UNKNOWN;
	struct strv preprocess = { 0 };
	struct buf local[2] = { 0 }, ignored[2] = { 0 };
	int status = 0;

	if (p->outdated)
		return COORD_GENKSYMS_VERDICT_UNKNOWN;
	if (atomic_load(p->tool_n_right) >= COORD_VERIFY_GENKSYMS_PER_TOOL &&
	    atomic_load(p->node_n_right) >= COORD_VERIFY_GENKSYMS_PER_NODE)
		return COORD_GENKSYMS_VERDICT_TRUSTED;
	options_rewrite_outputs(&preprocess, p->command,
				p->job_request->compiler, p->text_path, NULL);
	if (!run_local_tool(p, &preprocess, -1, ignored, &status, err) &&
	    !status && !run_genksyms(p, local, &status, err) && !status)
		is = is_genksyms_equal(a, local, err) ?
			     COORD_GENKSYMS_VERDICT_RIGHT :
			     COORD_GENKSYMS_VERDICT_WRONG;
	unlink(p->text_path);
	strv_release(&preprocess);
	for (int i = 0; i < 2; i++) {
		buf_release(&ignored[i]);
		buf_release(&local[i]);
	}
	return is;
}

static bool set_local_verdict(struct coord_verify_result_job *e,
			      enum reason why)
{
	e->verdict = SCHED_VERDICT_UNUSABLE;
	e->reason = why;
	return false;
}

static bool set_wrong_verdict(struct coord_verify_result_job *e)
{
	e->verdict = SCHED_VERDICT_WRONG;
	return false;
}

/* -------------------------------------------------------- dependencies */

/*
 * Comparison of the preprocessor's dependency list with the closure (the files
 * that the scanner found).
 */
struct dep_check {
	struct coord_verify_result_job *job;
	size_t cursor; /* position in the closure after the last match */
	bool *listed; /* per file of the closure: true if it is in the list */
	bool has_unknown; /* a listed file is not in the closure */
};

/*
 * Find a file of the preprocessor's list in the closure, and mark it as listed.
 * Returns true if the local compiler would omit this file from its dependency
 * list (-MM, -MMD).
 */
static bool is_omitted_header(void *ctx, const char *name)
{
	struct dep_check *r = ctx;
	const struct inputs_manifest *m = r->job->manifest;

	if (!inputs_manifest_find_spelling(m, name, &r->cursor) &&
	    !inputs_manifest_find_file(m, r->job->cwd, name, &r->cursor)) {
		if (!r->has_unknown)
			err_set(&r->job->err, ENOENT, "%s", name);
		r->has_unknown = true;
		return false;
	}
	r->listed[r->cursor - 1] = true;
	return r->job->command->omits_system_headers &&
	       m->closure.files[r->cursor - 1].kind == CPP_FILE_SYSTEM_HEADER;
}

/*
 * Return true if the list contains file `i` under any of its names.  The
 * compiler lists only the first name of a file.
 */
static bool is_listed(const struct dep_check *r, size_t i)
{
	const struct inputs_manifest *m = r->job->manifest;

	if (r->listed[i])
		return true;
	for (size_t k = 0; k < m->closure.n_files; k++) {
		if (r->listed[k] && m->files[k].entry == m->files[i].entry)
			return true;
	}
	return false;
}

/* Check that the list contains every file that the compiler must have read. */
static bool check_listed_files(const struct dep_check *r)
{
	const struct cpp_closure *c = &r->job->manifest->closure;

	for (size_t i = 0; i < c->n_files; i++) {
		enum cpp_file_kind kind = c->files[i].kind;

		if ((kind != CPP_FILE_SOURCE && kind != CPP_FILE_HEADER &&
		     kind != CPP_FILE_SYSTEM_HEADER) ||
		    is_listed(r, i))
			continue;
		err_set(&r->job->err, EBADMSG, "depfile: no entry for input %s",
			c->files[i].path);
		return false;
	}
	return true;
}

/* Skip each leading "./" of a target's name, because gcc does not write it. */
static const char *skip_current_dir(const char *name)
{
	while (name[0] == '.' && name[1] == '/')
		name += 1 + strspn(name + 1, "/");
	return name;
}

/*
 * Append to `out` the targets that the rule in the dependency list must have,
 * as the compiler spells them.  Returns false if a target contains characters
 * that compilers quote differently, so that the spelling is uncertain.
 */
static bool list_targets(const struct coord_verify_result_job *e,
			 struct strv *out)
{
	const char *base = str_base(e->command->source);
	const char *dot = strrchr(base, '.');
	bool plain = true;
	char *name;

	for (size_t i = 0; i < e->flags->n_flags; i++) {
		const struct options_flag *f = &e->flags->flags[i];
		const char *value = f->value ? f->value : "";

		if (!e->command->is_clang)
			value = skip_current_dir(value);
		if (!strcmp(f->name, "-MT"))
			strv_add(out, value);
		else if (!strcmp(f->name, "-MQ"))
			strv_own(out, depfile_quote_target(value));
		else
			continue;
		plain &= depfile_is_unescaped(value);
	}
	/* Without -MT and -MQ, cc1 uses this target. */
	if (!out->n) {
		name = xasprintf(
			"%.*s.o",
			(int)(dot ? (size_t)(dot - base) : strlen(base)), base);
		strv_own(out, depfile_quote_target(name));
		plain = depfile_is_unescaped(name);
		free(name);
	}
	return plain;
}

/*
 * make reads the dependency list as a makefile.  It would execute a command if
 * a target contained $(shell ...), and would read another makefile if a line
 * began with "include".  The targets must therefore be exactly those of a local
 * compile.
 */
static bool check_depfile_target(struct coord_verify_result_job *e,
				 struct bytes full)
{
	struct strv want = { 0 };
	bool plain = list_targets(e, &want);
	bool good = depfile_has_targets(full, &want);

	if (!good)
		err_set(&e->err, EBADMSG, "depfile: wrong target: expected %s",
			want.v[0]);
	strv_release(&want);
	if (good)
		return true;
	return plain ? set_wrong_verdict(e) :
		       set_local_verdict(e, REASON_BAD_DEPS);
}

/*
 * Check the preprocessor's dependency list, and write to `dep` the list that
 * the local compiler would have written.
 */
static bool check_depfile(struct coord_verify_result_job *e, struct buf *dep)
{
	struct bytes full = buf_bytes(&e->result->streams[WIRE_OUTPUT_DEPS]);
	struct dep_check r = { .job = e };
	bool from_stdin = e->command->from_stdin && e->dep_tmp;
	struct buf list = { 0 };
	bool good = false;

	/* For plain assembly, only the assembler writes a list. */
	if (e->command->lang == OPTIONS_LANG_ASM)
		return true;
	if (!full.len)
		return set_local_verdict(e, REASON_NO_DEPS);
	r.listed = xcalloc(e->manifest->closure.n_files + 1, sizeof(*r.listed));
	if (depfile_filter(dep, full, is_omitted_header, &r))
		set_local_verdict(e, REASON_BAD_DEPS);
	else if (r.has_unknown)
		set_local_verdict(e, REASON_UNKNOWN_DEP);
	else if (!check_listed_files(&r))
		set_wrong_verdict(e);
	else if (from_stdin && depfile_remove_source(&list, buf_bytes(dep)))
		set_local_verdict(e, REASON_BAD_DEPS);
	else
		good = !e->dep_tmp || check_depfile_target(e, full);
	/*
	 * A local compiler does not list stdin, so the temporary source was
	 * removed from the list.
	 */
	if (from_stdin) {
		buf_release(dep);
		*dep = list;
	}
	free(r.listed);
	return good;
}

/*
 * Return true for a file that cc1 wrote for the assembler in the job's private
 * directory.
 */
static bool is_compiler_temporary(const char *name)
{
	static const char start[] = WIRE_JOB_TMP "/cc";

	return str_starts(name, start) && str_ends(name, ".s") &&
	       !strchr(name + strlen(start), '/');
}

/*
 * Return true if the assembler can have read the file `name`, which is in its
 * dependency list.  The list also contains names of files that the assembler
 * did not find.  For C, it contains the name in gcc's ".file" directive, which
 * is the source without its directory.  A name without a slash refers to the
 * working directory, so the assembler cannot have read a file that is missing
 * there.
 */
static bool is_existing_file(const struct coord_verify_result_job *e,
			     const char *name)
{
	const struct strv *absent = &e->manifest->closure.absent;
	char *path;
	bool there;

	if (e->command->lang == OPTIONS_LANG_C &&
	    !strcmp(name, str_base(e->command->source)))
		return false;
	/*
	 * The scanner found no file for a name in `absent`, so no node has such
	 * a file.
	 */
	for (size_t i = 0; i < absent->n; i++) {
		if (!strcmp(absent->v[i], name) ||
		    str_skip_dir(name, absent->v[i]))
			return false;
	}
	path = str_join_path(e->cwd, name);
	there = strchr(name, '/') || fs_exists(path);
	free(path);
	return there;
}

/*
 * Check that the assembler's list contains the source.  clang's assembler
 * writes no list.
 */
static bool check_assembled_source(struct coord_verify_result_job *e,
				   const struct strv *read)
{
	if (e->command->lang != OPTIONS_LANG_ASM || e->command->is_clang ||
	    strv_has(read, e->command->source))
		return true;
	if (!depfile_is_unescaped(e->command->source))
		return set_local_verdict(e, REASON_BAD_AS_DEPS);
	err_set(&e->err, EBADMSG, "assembler depfile: no entry for input %s",
		e->command->source);
	return set_wrong_verdict(e);
}

static bool check_assembler_deps(struct coord_verify_result_job *e)
{
	struct strv read = { 0 };
	size_t cursor = 0;
	bool known = true;

	if (depfile_parse(&read,
			  buf_bytes(&e->result->streams[WIRE_OUTPUT_AS_DEPS])))
		return set_local_verdict(e, REASON_BAD_AS_DEPS);
	for (size_t i = 0; i < read.n && known; i++) {
		known = is_compiler_temporary(read.v[i]) ||
			inputs_manifest_find_spelling(e->manifest, read.v[i],
						      &cursor) ||
			!is_existing_file(e, read.v[i]);
		if (!known)
			err_set(&e->err, ENOENT, "%s", read.v[i]);
	}
	known = known ? check_assembled_source(e, &read) :
			set_local_verdict(e, REASON_UNKNOWN_AS_DEP);
	strv_release(&read);
	return known;
}

static bool check_inputs_unchanged(struct coord_verify_result_job *e)
{
	const char *path = inputs_manifest_find_changed(e->manifest, e->cwd);

	if (!path && e->tool)
		path = inputs_tool_find_changed(e->tool);
	if (!path)
		return true;
	e->verdict = SCHED_VERDICT_INPUTS_CHANGED;
	err_set(&e->err, ESTALE, "%s", path);
	return false;
}

static bool check_tool_deps(struct coord_verify_result_job *e)
{
	/* dtc lists its output (here "-", stdout) and every file it read. */
	static const char alone[] = "-: " WIRE_JOB_OBJECT "\n";

	if (!e->devicetree)
		return !e->object_tmp || check_assembler_deps(e);
	return bytes_equal(buf_bytes(&e->result->streams[WIRE_OUTPUT_AS_DEPS]),
			   bytes_str(alone)) ||
	       set_local_verdict(e, REASON_TREE_READS);
}

/* --------------------------------------------------------------- outputs */

/* Return true if a node's output can be displayed on the user's terminal. */
static bool is_printable(const struct buf *b)
{
	return printable_is_safe(buf_bytes(b),
				 PRINTABLE_WHITESPACE | PRINTABLE_COLOURS);
}

static bool contains(const struct buf *b, const char *text)
{
	return b->len && memmem(b->data, b->len, text, strlen(text));
}

/*
 * Return true if the messages of a local gcc can differ from those of the node,
 * because gcc reads a variable that is not sent to nodes.  GCC_COLORS, even if
 * it is empty, affects only coloured messages.  GCC_URLS and TERM_URLS need no
 * check, because they affect only messages with links, which is_printable()
 * rejects.
 */
static bool depends_on_variable(const struct coord_verify_result_job *e)
{
	const struct buf *text = &e->result->streams[WIRE_OUTPUT_STDERR];
	const char *extra = str_find_env(e->env, "GCC_EXTRA_DIAGNOSTIC_OUTPUT");

	if (e->trusted || e->command->is_clang || !text->len)
		return false;
	return (extra && *extra) ||
	       (str_find_env(e->env, "GCC_COLORS") && contains(text, "\033"));
}

/* The compiler or the tool has failed on the node. */
static bool set_failed_verdict(struct coord_verify_result_job *e)
{
	static const enum reason reasons[] = {
		[WIRE_STEP_SYMBOLS] = REASON_GENKSYMS_FAILED,
		[WIRE_STEP_OBJECT] = REASON_OBJTOOL_FAILED,
		[WIRE_STEP_DEVICETREE] = REASON_DTC_FAILED,
	};

	/*
	 * For genksyms and dtc, the compiler only preprocesses, so a failure of
	 * the compiler counts as a failure of the step.
	 */
	if (e->tool && (e->step_kind != WIRE_STEP_OBJECT ||
			e->result->wire.wait_status & WIRE_STATUS_FROM_TOOL)) {
		e->failed = coord_sched_step(e->step_kind);
		return set_local_verdict(e, reasons[e->step_kind]);
	}
	e->failed = SCHED_COMPILER;
	return set_local_verdict(e, REASON_COMPILE_ERROR);
}

/* Check whether the diagnostics can be passed on unchanged. */
static bool check_diagnostics(struct coord_verify_result_job *e)
{
	const struct buf *stream = e->result->streams;
	const struct buf *text = &stream[WIRE_OUTPUT_STDERR];
	size_t out = stream[WIRE_OUTPUT_STDOUT].len, err = text->len;

	/*
	 * The scanner does not follow dtc's own include syntax, so a file that
	 * dtc includes can be missing on the node.
	 */
	if (e->result->wire.wait_status && e->devicetree &&
	    contains(text, "FATAL ERROR: Couldn't open "))
		return set_local_verdict(e, REASON_TREE_READS);
	if (e->result->wire.wait_status)
		return set_failed_verdict(e);
	/*
	 * dtc's warnings contain the path of the preprocessed text, which
	 * differs on the node.
	 */
	if (e->devicetree)
		return !err || set_local_verdict(e, REASON_TREE_WARNINGS);
	if (!out && !err)
		return true;
	/*
	 * The compiler formats diagnostics differently for a terminal.  Without
	 * an object, stdout is text such as the output of -E, whose format does
	 * not depend on the terminal.
	 */
	if (e->to_terminal && (err || e->object_tmp))
		return set_local_verdict(e, REASON_TERMINAL);
	/*
	 * The node replaces the path that the object has in the sandbox.  If
	 * the text still contains this path, the node missed an occurrence.
	 */
	if (e->tool && contains(text, WIRE_JOB_OBJECT))
		return set_local_verdict(e, REASON_RESULT_VOID);
	if (out > WIRE_CC_DIAG_MAX || err > WIRE_CC_DIAG_MAX)
		return set_local_verdict(e, REASON_LONG_DIAGNOSTICS);
	if (depends_on_variable(e))
		return set_local_verdict(e, REASON_MESSAGE_VARIABLE);
	if (!is_printable(&stream[WIRE_OUTPUT_STDOUT]) || !is_printable(text))
		return set_local_verdict(e, REASON_CONTROL_CHARACTERS);
	return true;
}

/* Check the result of a cross-built genksyms, unless it is trusted. */
static bool check_genksyms(struct coord_verify_result_job *e)
{
	if (!e->genksyms_check)
		return true;
	e->genksyms_verdict = coord_verify_genksyms(e->genksyms_check,
						    e->result, &e->err);
	if (e->genksyms_verdict == COORD_GENKSYMS_VERDICT_WRONG)
		return set_local_verdict(e, REASON_STEP_DIFFERS);
	/*
	 * If the check was not possible, compile locally.  If it was not
	 * possible because the local tool failed, the local compile reports
	 * that failure.
	 */
	return e->genksyms_verdict != COORD_GENKSYMS_VERDICT_UNKNOWN ||
	       set_local_verdict(e, REASON_STEP_NOT_PROVEN);
}

static bool has_start(struct bytes in, const char *start)
{
	size_t len = strlen(start);

	return in.len >= len && !memcmp(in.data, start, len);
}

/* Accept "#SYMVER NAME 0x..." or, for the linker, "__crc_NAME = 0x...;". */
static bool is_symver_line(struct bytes line)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_.= ;";

	if (has_start(line, "#"))
		return !memchr(line.data, '\\', line.len);
	if (!has_start(line, "__crc_"))
		return false;
	for (size_t i = 0; i < line.len; i++) {
		if (!line.data[i] || !strchr(plain, line.data[i]))
			return false;
	}
	return true;
}

/*
 * Accept only lines in the format of genksyms, because make stores the lines in
 * the saved command (.NAME.cmd).
 */
static bool are_symver_lines(struct bytes text)
{
	while (text.len) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : 0;

		if (!end || !is_symver_line(bytes_of(text.data, len)))
			return false;
		text = bytes_of(end + 1, text.len - len - 1);
	}
	return true;
}

static uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/*
 * A flattened device tree starts with its magic number and total size
 * (Devicetree Specification 0.4, 5.2).
 */
static bool check_dtb(struct coord_verify_result_job *e)
{
	const struct buf *text = &e->result->streams[WIRE_OUTPUT_OBJECT];
	const struct buf *blob = &e->result->streams[WIRE_OUTPUT_STDOUT];

	if (!text->len || memchr(text->data, 0, text->len)) {
		err_set(&e->err, EBADMSG, "%s: not a text file",
			e->devicetree->source);
		return set_wrong_verdict(e);
	}
	if (blob->len >= 40 && get_be32(blob->data) == 0xd00dfeed &&
	    get_be32(blob->data + 4) == blob->len)
		return true;
	err_set(&e->err, EBADMSG, "%s: not a flattened device tree",
		e->devicetree->blob);
	return set_wrong_verdict(e);
}

static bool check_object_format(struct coord_verify_result_job *e)
{
	const struct buf *object = &e->result->streams[WIRE_OUTPUT_OBJECT];

	if (e->devicetree)
		return check_dtb(e);
	if (!e->object_tmp && object->len) {
		err_set(&e->err, EBADMSG, "unexpected object file");
		return set_wrong_verdict(e);
	}
	if (!e->object_tmp)
		return !e->tool ||
		       are_symver_lines(buf_bytes(
			       &e->result->streams[WIRE_OUTPUT_STDOUT])) ||
		       set_local_verdict(e, REASON_RESULT_VOID);
	return !inputs_object_format_compare(buf_bytes(object),
					     e->reference_object, &e->err) ||
	       set_wrong_verdict(e);
}

/*
 * Return true if a side output has the format of its kind.  A side output whose
 * kind has no specific format must be text.
 */
static bool is_side_output(enum options_side_kind kind, struct bytes in,
			   struct bytes reference)
{
	bool text = !memchr(in.data, 0, in.len);

	switch (kind) {
	case OPTIONS_SIDE_DWO:
		return inputs_object_format_is_same_machine(in, reference);
	case OPTIONS_SIDE_GCNO:
		return has_start(in, "oncg") || has_start(in, "gcno");
	case OPTIONS_SIDE_CI:
		return text && has_start(in, "graph: {");
	case OPTIONS_SIDE_DATABASE:
		return text && has_start(in, "{ \"directory\": ");
	case OPTIONS_SIDE_RECORD:
		return text || has_start(in, "\x1f\x8b");
	default:
		return text;
	}
}

/*
 * Check the side outputs (files besides the object), whose number has been
 * verified.
 */
static bool check_side_outputs(struct coord_verify_result_job *e)
{
	for (size_t i = 0;
	     !e->devicetree && e->side_outputs && i < e->side_outputs->n; i++) {
		const struct buf *side =
			&e->result->streams[WIRE_OUTPUT_SIDE + i];

		if (!side->len && e->side_outputs->kind[i] == OPTIONS_SIDE_SU &&
		    !inputs_object_format_has_functions(
			    buf_bytes(&e->result->streams[WIRE_OUTPUT_OBJECT])))
			continue;
		/*
		 * Reject an empty side output: it is rarely correct, and its
		 * content may have been lost on the node.
		 */
		if (!side->len)
			return set_local_verdict(e, REASON_RESULT_VOID);
		if (is_side_output(e->side_outputs->kind[i], buf_bytes(side),
				   e->reference_object))
			continue;
		err_set(&e->err, EBADMSG, "%s: wrong file format",
			e->side_outputs->path[i]);
		return set_wrong_verdict(e);
	}
	return true;
}

/* Write a new file.  Fails if `tmp` exists: another process then owns it. */
static int write_output(struct coord_verify_result_job *e, const char *tmp,
			struct bytes content)
{
	char *path = str_join_path(e->cwd, tmp);
	int fd = open(path,
		      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		      0666);
	int ret;

	if (fd < 0) {
		ret = err_errno(&e->err, "%s", path);
		free(path);
		return ret;
	}
	ret = bytes_write(fd, content);
	if (close(fd) && !ret)
		ret = -errno;
	if (ret) {
		unlink(path);
		err_set(&e->err, -ret, "%s: %s", path, strerror(-ret));
	}
	free(path);
	return ret;
}

static void write_outputs(struct coord_verify_result_job *e,
			  const struct buf *dep)
{
	const struct options_side_outputs *sides = e->side_outputs;
	const struct buf *stream = e->result->streams;
	enum wire_output object = e->devicetree ? WIRE_OUTPUT_STDOUT :
						  WIRE_OUTPUT_OBJECT;
	struct buf list = { 0 };
	int ret = 0;

	if (e->devicetree) {
		/*
		 * Replace dtc's dependency list, which contains the names that
		 * the blob and its source have on the node, by a list with
		 * their local names.
		 */
		buf_printf(&list, "%s: %s\n", e->devicetree->blob,
			   e->devicetree->source);
		ret = write_output(
			e, e->side_tmp[OPTIONS_DEVICETREE_OUTPUT_SOURCE],
			buf_bytes(&stream[WIRE_OUTPUT_OBJECT]));
		if (!ret)
			ret = write_output(
				e,
				e->side_tmp[OPTIONS_DEVICETREE_OUTPUT_DEPFILE],
				buf_bytes(&list));
		buf_release(&list);
	}
	for (size_t i = 0; !e->devicetree && sides && i < sides->n && !ret; i++)
		ret = write_output(e, e->side_tmp[i],
				   buf_bytes(&stream[WIRE_OUTPUT_SIDE + i]));
	if (!ret && e->dep_tmp)
		ret = write_output(e, e->dep_tmp, buf_bytes(dep));
	if (!ret && e->object_tmp)
		ret = write_output(e, e->object_tmp,
				   buf_bytes(&stream[object]));
	if (ret)
		set_local_verdict(e, REASON_NOT_WRITTEN);
}

void coord_verify_result(struct coord_verify_result_job *e)
{
	uint64_t began = clock_cpu_us();
	struct buf dep = { 0 };

	e->verdict = SCHED_VERDICT_VALID;
	/*
	 * Check the inputs before the outputs, because a difference caused by a
	 * changed input is not the node's fault.
	 */
	if (!e->trusted && peer_job_result_check(e->result, &e->err))
		set_wrong_verdict(e);
	else if (check_inputs_unchanged(e) && check_genksyms(e) &&
		 check_diagnostics(e) &&
		 (e->trusted ?
			  !e->devicetree || check_dtb(e) :
			  check_object_format(e) && check_side_outputs(e)) &&
		 check_depfile(e, &dep) && check_tool_deps(e))
		write_outputs(e, &dep);
	buf_release(&dep);
	e->cpu_us = (uint32_t)(clock_cpu_us() - began);
}

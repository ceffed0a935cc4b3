/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/examine.h"

#include "base/clock.h"
#include "base/depfile.h"
#include "base/fs.h"
#include "base/printable.h"
#include "base/str.h"
#include "inputs/object.h"
#include "inputs/tool.h"
#include "wire/cc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool stays_local(struct coord_examination *e, enum reason why)
{
	e->is = SCHED_ANSWER_LOCAL;
	e->why = why;
	return false;
}

static bool is_wrong(struct coord_examination *e)
{
	e->is = SCHED_ANSWER_WRONG;
	return false;
}

/* ------------------------------------------------------ the lists of files */

/* A list of what the preprocessor read, while it is gone through. */
struct reading {
	struct coord_examination *e;
	size_t cursor; /* in the closure: behind the last one */
	bool *listed; /* of each file of the closure */
	bool unknown; /* one was no file of the closure */
};

static bool is_in_closure(struct reading *r, const char *name)
{
	const struct inputs_manifest *m = r->e->manifest;

	if (inputs_manifest_has(m, name, &r->cursor) ||
	    inputs_manifest_has_file(m, r->e->cwd, name, &r->cursor)) {
		r->listed[r->cursor - 1] = true;
		return true;
	}
	if (!r->unknown)
		err_set(&r->e->err, ENOENT, "%s", name);
	r->unknown = true;
	return false;
}

static bool is_left_out(void *ctx, const char *name)
{
	struct reading *r = ctx;
	const struct scan_file *files = r->e->manifest->closure.files;

	return is_in_closure(r, name) && r->e->command->leaves_out &&
	       files[r->cursor - 1].kind == SCAN_SYSTEM;
}

/* The compiler may have met one file under two names, and lists the first. */
static bool is_listed(const struct reading *r, size_t i)
{
	const struct inputs_manifest *m = r->e->manifest;

	if (r->listed[i])
		return true;
	for (size_t k = 0; k < m->closure.n_files; k++) {
		if (r->listed[k] && m->file[k].is == m->file[i].is)
			return true;
	}
	return false;
}

static bool must_be_read(enum scan_kind kind)
{
	return kind == SCAN_SOURCE || kind == SCAN_HEADER ||
	       kind == SCAN_SYSTEM;
}

/* Is every file in it that the compiler has to have read? */
static bool lists_all(const struct reading *r)
{
	const struct scan_closure *c = &r->e->manifest->closure;

	for (size_t i = 0; i < c->n_files; i++) {
		if (must_be_read(c->files[i].kind) && !is_listed(r, i)) {
			err_set(&r->e->err, EBADMSG,
				"its list of files read lacks %s",
				c->files[i].path);
			return false;
		}
	}
	return true;
}

/* The targets that its rule must have; false: they cannot be told exactly. */
static bool list_targets(const struct coord_examination *e, struct strv *out)
{
	const char *base = str_base(e->command->source);
	const char *dot = strrchr(base, '.');
	bool exact = true;

	for (size_t i = 0; i < e->flags->n; i++) {
		const struct options_flag *f = &e->flags->v[i];

		if (!strcmp(f->name, "-MT") || !strcmp(f->name, "-MQ"))
			strv_add(out, f->value ? f->value : "");
	}
	/* What cc1 says where nobody tells it. */
	if (!out->n)
		strv_addf(out, "%.*s.o",
			  (int)(dot ? (size_t)(dot - base) : strlen(base)),
			  base);
	for (size_t i = 0; i < out->n; i++)
		exact &= depfile_is_plain(out->v[i]);
	return exact;
}

/* "TARGET...:", with folds of lines. */
static bool read_targets(struct strv *out, const char *text)
{
	size_t len = strcspn(text, ":");
	char *head = xstrndup(text, len);
	bool plain = text[len] && text[len + 1] == ' ';

	for (const char *s = head; (s = strchr(s, '\\')) && plain; s++)
		plain = s[1] == '\n';
	strv_split(out, head, " \\\n");
	free(head);
	return plain;
}

static bool is_about_target(struct coord_examination *e, struct bytes full)
{
	struct strv want = { 0 }, got = { 0 };
	char *text = bytes_dup(full);
	bool good = true;

	if (list_targets(e, &want)) {
		good = read_targets(&got, text) && got.n == want.n;
		/* gcc has an order of its own for -MT and -MQ. */
		for (size_t i = 0; i < got.n && good; i++)
			good = strv_has(&want, got.v[i]) &&
			       strv_has(&got, want.v[i]);
	}
	if (!good)
		err_set(&e->err, EBADMSG,
			"its list of files read is of another target than %s",
			want.v[0]);
	free(text);
	strv_release(&want);
	strv_release(&got);
	return good || is_wrong(e);
}

/* A text that came from stdin is in no list of a compiler here. */
static int leave_text_out(const struct coord_examination *e, struct buf *dep)
{
	struct buf list = { 0 };
	int ret;

	if (!e->command->from_stdin || !e->dep_tmp)
		return 0;
	ret = depfile_drop_source(&list, buf_bytes(dep));
	buf_release(dep);
	*dep = list;
	return ret;
}

/* The list that the local compiler would have written goes to `dep`. */
static bool reads_the_closure(struct coord_examination *e, struct buf *dep)
{
	struct bytes full = buf_bytes(&e->answer->stream[WIRE_DEPS]);
	struct reading r = { .e = e };
	bool good = false;

	/* The assembler's list is all that there is. */
	if (e->command->lang == OPTIONS_PLAIN_ASM)
		return true;
	if (!full.len)
		return stays_local(e, REASON_NO_DEPS);
	r.listed = xcalloc(e->manifest->closure.n_files + 1, sizeof(*r.listed));
	if (depfile_cut(dep, full, is_left_out, &r))
		stays_local(e, REASON_BAD_DEPS);
	else if (r.unknown)
		stays_local(e, REASON_UNKNOWN_DEP);
	else if (!lists_all(&r))
		is_wrong(e);
	else if (leave_text_out(e, dep))
		stays_local(e, REASON_BAD_DEPS);
	else
		good = !e->dep_tmp || is_about_target(e, full);
	free(r.listed);
	return good;
}

/* What cc1 wrote for the assembler: in a directory that is the job's own. */
static bool is_temporary(const char *name)
{
	static const char start[] = WIRE_JOB_TMP "/cc";

	return str_starts(name, start) && str_ends(name, ".s") &&
	       !strchr(name + strlen(start), '/');
}

/* Did the scan find nothing there, so that no node has it? */
static bool is_known_absent(const struct coord_examination *e, const char *name)
{
	const struct strv *absent = &e->manifest->closure.absent;

	for (size_t i = 0; i < absent->n; i++) {
		if (!strcmp(absent->v[i], name) ||
		    str_below(name, absent->v[i]))
			return true;
	}
	return false;
}

/*
 * The assembler also lists names that it looked for and did not find; a bare
 * one was looked for in the working directory.  And it lists what ".file"
 * says, which gcc writes: the source's name without its directory.
 */
static bool was_read(const struct coord_examination *e, const char *name)
{
	char *path;
	bool there;

	if (e->command->lang == OPTIONS_C &&
	    !strcmp(name, str_base(e->command->source)))
		return false;
	if (is_known_absent(e, name))
		return false;
	path = str_seen_from(e->cwd, name);
	there = strchr(name, '/') || fs_exists(path);
	free(path);
	return there;
}

/* clang's assembler lists nothing. */
static bool lists_source(struct coord_examination *e, const struct strv *read)
{
	if (e->command->lang != OPTIONS_PLAIN_ASM || e->command->is_clang ||
	    strv_has(read, e->command->source))
		return true;
	if (!depfile_is_plain(e->command->source))
		return stays_local(e, REASON_BAD_AS_DEPS);
	err_set(&e->err, EBADMSG, "its list of files assembled lacks %s",
		e->command->source);
	return is_wrong(e);
}

static bool assembles_known_files(struct coord_examination *e)
{
	struct strv read = { 0 };
	size_t cursor = 0;
	bool known = true;

	if (depfile_list(&read, buf_bytes(&e->answer->stream[WIRE_AS_DEPS])))
		return stays_local(e, REASON_BAD_AS_DEPS);
	for (size_t i = 0; i < read.n && known; i++) {
		known = is_temporary(read.v[i]) ||
			inputs_manifest_has(e->manifest, read.v[i], &cursor) ||
			!was_read(e, read.v[i]);
		if (!known)
			err_set(&e->err, ENOENT, "%s", read.v[i]);
	}
	known = known ? lists_source(e, &read) :
			stays_local(e, REASON_UNKNOWN_AS_DEP);
	strv_release(&read);
	return known;
}

static bool is_unchanged(struct coord_examination *e)
{
	const char *path = inputs_manifest_changed(e->manifest, e->cwd);

	if (!path && e->tool)
		path = inputs_tool_changed(e->tool);
	if (!path)
		return true;
	e->is = SCHED_ANSWER_CHANGED;
	err_set(&e->err, ESTALE, "%s", path);
	return false;
}

/* dtc lists what it made, for stdout "-", and each file that it read. */
static bool reads_text_alone(struct coord_examination *e)
{
	static const char alone[] = "-: " WIRE_JOB_OBJECT "\n";

	return bytes_equal(buf_bytes(&e->answer->stream[WIRE_AS_DEPS]),
			   bytes_str(alone)) ||
	       stays_local(e, REASON_TREE_READS);
}

static bool reads_known_files(struct coord_examination *e)
{
	if (e->tree)
		return reads_text_alone(e);
	return !e->object_tmp || assembles_known_files(e);
}

/* ------------------------------------------------------------ the answer */

/* A node's words are shown to a person. */
static bool is_printable(const struct buf *b)
{
	return printable(buf_bytes(b), PRINTABLE_LAYOUT | PRINTABLE_COLOURS);
}

/* A node gives back the object's name, and may have overlooked a place. */
static bool names_place(const struct buf *b)
{
	return b->len && memmem(b->data, b->len, WIRE_JOB_OBJECT,
				strlen(WIRE_JOB_OBJECT));
}

/* dtc includes in a way of its own, which the scan does not follow. */
static bool is_looked_for(const struct coord_examination *e)
{
	static const char words[] = "FATAL ERROR: Couldn't open ";
	const struct buf *err = &e->answer->stream[WIRE_STDERR];

	return e->tree && err->len &&
	       memmem(err->data, err->len, words, strlen(words));
}

/* May its diagnostics be passed on? */
static bool may_pass_on(struct coord_examination *e)
{
	const struct buf *stream = e->answer->stream;
	size_t out = stream[WIRE_STDOUT].len, err = stream[WIRE_STDERR].len;

	if (e->answer->result.wait_status)
		return stays_local(e, is_looked_for(e) ? REASON_TREE_READS :
							 REASON_COMPILE_ERROR);
	/* In these a file's path depends on where the text lies. */
	if (e->tree)
		return !err || stays_local(e, REASON_TREE_WARNINGS);
	if (!out && !err)
		return true;
	/* What is no diagnostics looks the same everywhere. */
	if (e->terminal && (err || e->object_tmp))
		return stays_local(e, REASON_TERMINAL);
	if (e->tool && names_place(&stream[WIRE_STDERR]))
		return stays_local(e, REASON_RESULT_VOID);
	if (out > WIRE_CC_DIAG_MAX || err > WIRE_CC_DIAG_MAX)
		return stays_local(e, REASON_LONG_DIAGNOSTICS);
	if (!is_printable(&stream[WIRE_STDOUT]) ||
	    !is_printable(&stream[WIRE_STDERR]))
		return stays_local(e, REASON_CONTROL_CHARACTERS);
	return true;
}

/* What another program than ours did is believed once that was right. */
static bool is_proven(struct coord_examination *e)
{
	if (!e->proof)
		return true;
	e->proven = coord_prove(e->proof, e->answer, &e->err);
	if (e->proven == COORD_PROVEN_WRONG)
		return stays_local(e, REASON_STEP_DIFFERS);
	/* Where it cannot be done here either, that is found out there. */
	return e->proven != COORD_PROVEN_NOT ||
	       stays_local(e, REASON_STEP_NOT_PROVEN);
}

static bool is_the_answer(struct coord_examination *e)
{
	return !peer_answer_check(e->answer, &e->err) || is_wrong(e);
}

static bool has_start(struct bytes in, const char *start)
{
	size_t len = strlen(start);

	return in.len >= len && !memcmp(in.data, start, len);
}

/* "#SYMVER NAME 0x...", or for the linker "__crc_NAME = 0x...;". */
static bool is_version_line(struct bytes line)
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

/* make reads them, as a part of the command that is remembered. */
static bool are_versions(struct bytes text)
{
	while (text.len) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : 0;

		if (!end || !is_version_line(bytes_of(text.data, len)))
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
 * Of a flattened tree: its magic number, and how long it is (Devicetree
 * Specification 0.4, 5.2).
 */
static bool is_devicetree(struct coord_examination *e)
{
	const struct buf *text = &e->answer->stream[WIRE_OBJECT];
	const struct buf *blob = &e->answer->stream[WIRE_STDOUT];

	if (!text->len || memchr(text->data, 0, text->len)) {
		err_set(&e->err, EBADMSG, "%s is no text", e->tree->text);
		return is_wrong(e);
	}
	if (blob->len >= 40 && get_be32(blob->data) == 0xd00dfeed &&
	    get_be32(blob->data + 4) == blob->len)
		return true;
	err_set(&e->err, EBADMSG, "%s is no device tree", e->tree->blob);
	return is_wrong(e);
}

static bool is_of_the_kind(struct coord_examination *e)
{
	const struct buf *object = &e->answer->stream[WIRE_OBJECT];

	if (e->tree)
		return is_devicetree(e);
	if (!e->object_tmp && object->len) {
		err_set(&e->err, EBADMSG, "an object, where none is due");
		return is_wrong(e);
	}
	if (!e->object_tmp)
		return !e->tool ||
		       are_versions(
			       buf_bytes(&e->answer->stream[WIRE_STDOUT])) ||
		       stays_local(e, REASON_RESULT_VOID);
	return !inputs_object_compare(buf_bytes(object), e->reference,
				      &e->err) ||
	       is_wrong(e);
}

/* Is it what such a file looks like?  Lines of text, where nothing is said. */
static bool is_side(enum options_side kind, struct bytes in,
		    struct bytes reference)
{
	bool text = !memchr(in.data, 0, in.len);

	switch (kind) {
	case OPTIONS_SIDE_DWO:
		return inputs_object_is_kin(in, reference);
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

/* The files beside the object, which are as many as are due. */
static bool are_of_their_kinds(struct coord_examination *e)
{
	for (size_t i = 0; !e->tree && e->sides && i < e->sides->n; i++) {
		const struct buf *side = &e->answer->stream[WIRE_SIDE + i];

		if (!side->len && e->sides->kind[i] == OPTIONS_SIDE_SU &&
		    !inputs_object_has_functions(
			    buf_bytes(&e->answer->stream[WIRE_OBJECT])))
			continue;
		/* Seldom; and it is what is left of one that was lost. */
		if (!side->len)
			return stays_local(e, REASON_RESULT_VOID);
		if (is_side(e->sides->kind[i], buf_bytes(side), e->reference))
			continue;
		err_set(&e->err, EBADMSG, "%s is no file of its kind",
			e->sides->path[i]);
		return is_wrong(e);
	}
	return true;
}

/* What is there already is not ours. */
static int write_output(struct coord_examination *e, const char *tmp,
			struct bytes content)
{
	char *path = str_seen_from(e->cwd, tmp);
	int fd = open(path,
		      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		      0666);
	int ret;

	if (fd < 0) {
		ret = err_errno(&e->err, "%s", path);
		free(path);
		return ret;
	}
	ret = fs_write_all(fd, content);
	if (close(fd) && !ret)
		ret = -errno;
	if (ret) {
		unlink(path);
		err_set(&e->err, -ret, "%s: %s", path, strerror(-ret));
	}
	free(path);
	return ret;
}

static int write_sides(struct coord_examination *e)
{
	const struct buf *stream = e->answer->stream;
	int ret = 0;

	for (size_t i = 0; e->sides && i < e->sides->n && !ret; i++)
		ret = write_output(e, e->side_tmp[i],
				   buf_bytes(&stream[WIRE_SIDE + i]));
	return ret;
}

/* What dtc lists is known: the blob and the text, as it was called here. */
static int write_tree_sides(struct coord_examination *e)
{
	struct buf list = { 0 };
	int ret = write_output(e, e->side_tmp[OPTIONS_DEVICETREE_TEXT],
			       buf_bytes(&e->answer->stream[WIRE_OBJECT]));

	buf_printf(&list, "%s: %s\n", e->tree->blob, e->tree->text);
	if (!ret)
		ret = write_output(e, e->side_tmp[OPTIONS_DEVICETREE_LIST],
				   buf_bytes(&list));
	buf_release(&list);
	return ret;
}

static void write_outputs(struct coord_examination *e, const struct buf *dep)
{
	enum wire_output object = e->tree ? WIRE_STDOUT : WIRE_OBJECT;
	int ret = e->tree ? write_tree_sides(e) : write_sides(e);

	if (!ret && e->dep_tmp)
		ret = write_output(e, e->dep_tmp, buf_bytes(dep));
	if (!ret && e->object_tmp)
		ret = write_output(e, e->object_tmp,
				   buf_bytes(&e->answer->stream[object]));
	if (ret)
		stays_local(e, REASON_NOT_WRITTEN);
}

void coord_examine(struct coord_examination *e)
{
	uint64_t began = clock_cpu_us();
	struct buf dep = { 0 };

	e->is = SCHED_ANSWER_GOOD;
	/* What was read of inputs that have changed is not the node's fault. */
	if (is_the_answer(e) && is_unchanged(e) && is_proven(e) &&
	    may_pass_on(e) && is_of_the_kind(e) && are_of_their_kinds(e) &&
	    reads_the_closure(e, &dep) && reads_known_files(e))
		write_outputs(e, &dep);
	buf_release(&dep);
	e->us = (uint32_t)(clock_cpu_us() - began);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/outcome.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/printable.h"
#include "diag/line.h"
#include "nightly/record.h"
#include "nightly/words.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define METADATA_MAX (16u << 20)
#define LOG_MAX      (64u << 20)

/* interface.md, section 2 */
#define STATUS_GOOD   0
#define STATUS_FAILED 2
#define STATUS_WARNED 101

static char *copy_hex(const struct digest *d)
{
	char hex[DIGEST_HEX];

	digest_hex(d, hex);
	return xstrdup(hex);
}

/* What a person types to have the same. */
static char *command_text(const struct nightly_plan *p, const char *commit)
{
	struct strv words = { 0 };
	struct buf out = { 0 };

	nightly_words_shown(&words, p, commit);
	for (size_t i = 0; i < words.n; i++) {
		buf_add_str(&out, i ? " " : "");
		buf_add_shell_word(&out, words.v[i]);
	}
	strv_release(&words);
	return buf_steal(&out);
}

void nightly_outcome_begin(struct nightly_result *r,
			   const struct nightly_plan *p, const char *commit,
			   const char *subject, enum nightly_decision why)
{
	const char *word = p->toolchain ? p->toolchain : "unknown";

	*r = (struct nightly_result){
		.name = xstrdup(p->job->name),
		.arch = xstrdup(p->arch_text),
		.config = xstrdup(p->config_text),
		.toolchain = xstrdup(p->compiler ? p->compiler : word),
		.build = xstrdup(p->name),
		.began_s = (long long)time(NULL),
		.command = command_text(p, commit),
		.commit = xstrdup(commit),
		.subject = xstrdup(subject),
		.config_id = copy_hex(&p->config_id),
		.toolchain_id = copy_hex(&p->toolchain_id),
		.options_id = copy_hex(&p->options_id),
		.decision = why,
	};
}

/* ---- what it counted ---- */

static unsigned count_in(const json_t *group, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(group, name));

	return n > 0 && n <= UINT32_MAX ? (unsigned)n : 0;
}

/* False: there is no metadata.json, which each build leaves. */
static bool read_counts(struct nightly_result *r, const char *dir)
{
	char *path = xasprintf("%s/metadata.json", dir);
	struct buf text = { 0 };
	struct err ignored;
	json_t *root = NULL, *results;

	if (!fs_read(path, METADATA_MAX, &text, &ignored))
		root = json_loadb(buf_str(&text), text.len, 0, NULL);
	results = json_object_get(root, "results");
	r->errors = count_in(results, "errors");
	r->warnings = count_in(results, "warnings");
	json_decref(root);
	buf_release(&text);
	free(path);
	return results;
}

/* ---- what it said ---- */

static void keep_said(struct nightly_result *r, const char *line, size_t n)
{
	struct buf text = { 0 };

	printable_add(&text, bytes_of(line, n), 0);
	if (text.len && r->said.n < NIGHTLY_SAID_MAX)
		strv_add(&r->said, buf_str(&text));
	buf_release(&text);
}

static const char errors_mark[] = "error: ", tool_mark[] = "kfarm: ";

/* The lines of a file with that in them; all lines with NULL. */
static void say_lines(struct nightly_result *r, const char *dir,
		      const char *name, const char *mark)
{
	char *path = xasprintf("%s/%s", dir, name);
	struct buf text = { 0 };
	struct err ignored;

	if (!fs_read(path, LOG_MAX, &text, &ignored)) {
		for (const char *at = buf_str(&text); *at;) {
			size_t n = strcspn(at, "\n");

			if (!mark || memmem(at, n, mark, strlen(mark)))
				keep_said(r, at, n);
			at += n + (at[n] == '\n');
		}
	}
	buf_release(&text);
	free(path);
}

static void say_why(struct nightly_result *r, const char *dir)
{
	if (r->timed_out)
		strv_add(&r->said, "its time was up");
	if (r->end == NIGHTLY_FAILED && !r->said.n)
		say_lines(r, dir, "build.log", errors_mark);
	say_lines(r, dir, NIGHTLY_LOG_FILE, tool_mark);
	if (!r->said.n)
		say_lines(r, dir, NIGHTLY_LOG_FILE, NULL);
}

/* To `kfarm build` that is a failure like others. */
static bool was_full(const struct nightly_result *r)
{
	for (size_t i = 0; i < r->said.n; i++) {
		if (str_starts(r->said.v[i], tool_mark) &&
		    diag_line_says_full(r->said.v[i]))
			return true;
	}
	return false;
}

static enum nightly_end end_of(const struct nightly_ended *ended)
{
	if (ended->timed_out)
		return NIGHTLY_BROKEN;
	if (ended->status == STATUS_GOOD || ended->status == STATUS_WARNED)
		return NIGHTLY_GOOD;
	return ended->status == STATUS_FAILED ? NIGHTLY_FAILED : NIGHTLY_BROKEN;
}

void nightly_outcome_end(struct nightly_result *r,
			 const struct nightly_ended *ended, const char *dir)
{
	r->status = ended->status;
	r->timed_out = ended->timed_out;
	r->wall_ms = ended->wall_ms;
	r->end = end_of(ended);
	/* As of an option or target that only prints something. */
	if (!read_counts(r, dir) && r->end == NIGHTLY_GOOD) {
		r->end = NIGHTLY_BROKEN;
		strv_add(&r->said, "nothing was built: it ended well and left "
				   "no metadata.json; see nightly.NAME.target "
				   "and nightly.NAME.options");
	}
	nightly_record_read(r, dir);
	if (r->end != NIGHTLY_GOOD)
		say_why(r, dir);
	if (r->end == NIGHTLY_FAILED && was_full(r))
		r->end = NIGHTLY_BROKEN;
}

void nightly_outcome_strip(const char *dir)
{
	static const char stay[] = "build.log " NIGHTLY_LOG_FILE
				   " metadata.json reproducer.sh config";
	struct strv names = { 0 };
	struct err ignored;

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *path = xasprintf("%s/%s", dir, names.v[i]);

		if (!str_list_has(stay, ' ', names.v[i]))
			fs_remove(path, &ignored);
		free(path);
	}
	strv_release(&names);
}

void nightly_outcome_broken(struct nightly_result *r, const char *why)
{
	r->end = NIGHTLY_BROKEN;
	r->status = 1;
	keep_said(r, why, strlen(why));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/result.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/vec.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define RESULT_MAX (1u << 20)

static const char *const decisions[] = {
	[NIGHTLY_DECISION_UNCHANGED] = "unchanged",
	[NIGHTLY_DECISION_FIRST] = "first",
	[NIGHTLY_DECISION_COMMIT] = "commit",
	[NIGHTLY_DECISION_CONFIG] = "configuration",
	[NIGHTLY_DECISION_TOOLCHAIN] = "toolchain",
	[NIGHTLY_DECISION_OPTIONS] = "options",
	[NIGHTLY_DECISION_RETRY] = "retry",
	[NIGHTLY_DECISION_FORCED] = "forced",
};

static const char *const ends[] = {
	[NIGHTLY_END_GOOD] = "good",
	[NIGHTLY_END_FAILED] = "failed",
	[NIGHTLY_END_BROKEN] = "broken",
};

const char *nightly_decision_word(enum nightly_decision d)
{
	return decisions[d];
}

const char *nightly_end_word(enum nightly_end e)
{
	return ends[e];
}

/* Text fields of a result and their JSON keys. */
static const struct text_field {
	const char *name;
	size_t offset;
	bool required;
} texts[] = {
	{ "name", offsetof(struct nightly_result, name), true },
	{ "arch", offsetof(struct nightly_result, arch), true },
	{ "config", offsetof(struct nightly_result, config), true },
	{ "toolchain", offsetof(struct nightly_result, toolchain), true },
	{ "build", offsetof(struct nightly_result, build), true },
	{ "command", offsetof(struct nightly_result, command), false },
	{ "commit", offsetof(struct nightly_result, commit), true },
	{ "describe", offsetof(struct nightly_result, describe), false },
	{ "subject", offsetof(struct nightly_result, subject), false },
	{ "config_id", offsetof(struct nightly_result, config_id), true },
	{ "toolchain_id", offsetof(struct nightly_result, toolchain_id), true },
	{ "options_id", offsetof(struct nightly_result, options_id), true },
	{ "first_bad", offsetof(struct nightly_result, bisect.first_bad),
	  false },
	{ "first_bad_subject", offsetof(struct nightly_result, bisect.subject),
	  false },
	{ "bisect_why",
	  offsetof(struct nightly_result, bisect.incomplete_reason), false },
};

static const struct count_field {
	const char *name;
	size_t offset;
} counts[] = {
	{ "errors", offsetof(struct nightly_result, n_errors) },
	{ "new_errors", offsetof(struct nightly_result, n_new_errors) },
	{ "warnings", offsetof(struct nightly_result, n_warnings) },
	{ "new_warnings", offsetof(struct nightly_result, n_new_warnings) },
	{ "bisect_builds", offsetof(struct nightly_result, bisect.n_builds) },
};

static char **text_member(const struct nightly_result *r, size_t at)
{
	return (char **)((char *)(uintptr_t)r + at);
}

static unsigned *count_member(const struct nightly_result *r, size_t at)
{
	return (unsigned *)((char *)(uintptr_t)r + at);
}

static void set_number(json_t *o, const char *name, long long n)
{
	json_object_set_new(o, name, json_integer((json_int_t)n));
}

int nightly_result_write(const struct nightly_result *r, const char *dir,
			 struct err *err)
{
	char *path = xasprintf("%s/" NIGHTLY_RESULT_FILE, dir);
	json_t *o = json_object();
	struct buf out = { 0 };
	char *text;
	int ret;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		json_object_set_new(
			o, texts[i].name,
			json_text(*text_member(r, texts[i].offset)));
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		set_number(o, counts[i].name,
			   *count_member(r, counts[i].offset));
	set_number(o, "number", (long long)r->number);
	set_number(o, "began", r->began_s);
	set_number(o, "wall_ms", (long long)r->wall_ms);
	set_number(o, "status", r->status);
	set_number(o, "history", r->history_id);
	json_object_set_new(o, "decision", json_text(decisions[r->decision]));
	json_object_set_new(o, "end", json_text(ends[r->end]));
	json_object_set_new(o, "timed_out", json_boolean(r->timed_out));
	json_object_set_new(o, "said", json_texts(&r->messages));
	json_object_set_new(o, "bisect_left",
			    json_texts(&r->bisect.candidates));
	text = json_dumps(o, JSON_INDENT(2));
	if (!text)
		str_out_of_memory();
	buf_printf(&out, "%s\n", text);
	ret = fs_write(path, buf_bytes(&out), 0666, err);
	buf_release(&out);
	free(text);
	json_decref(o);
	free(path);
	return ret;
}

/* ---- reading ---- */

static bool word_number(const json_t *o, const char *name,
			const char *const *words, size_t n, unsigned *out)
{
	const char *word = json_string_value(json_object_get(o, name));

	for (size_t i = 0; word && i < n; i++) {
		if (!strcmp(words[i], word)) {
			*out = (unsigned)i;
			return true;
		}
	}
	return false;
}

static bool read_integer(const json_t *o, const char *name, json_int_t least,
			 json_int_t most, json_int_t *out)
{
	const json_t *n = json_object_get(o, name);

	*out = json_integer_value(n);
	return json_is_integer(n) && *out >= least && *out <= most;
}

static void read_texts(const json_t *list, struct strv *out)
{
	const json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		if (json_is_string(one))
			strv_add(out, json_string_value(one));
	}
}

static bool read_object(struct nightly_result *r, const json_t *o)
{
	json_int_t n, most = INT64_MAX;
	unsigned decision, end;

	if (!word_number(o, "decision", decisions, ARRAY_SIZE(decisions),
			 &decision) ||
	    !word_number(o, "end", ends, ARRAY_SIZE(ends), &end))
		return false;
	r->decision = (enum nightly_decision)decision;
	r->end = (enum nightly_end)end;
	r->timed_out = json_is_true(json_object_get(o, "timed_out"));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *s = json_string_value(
			json_object_get(o, texts[i].name));

		if (s)
			*text_member(r, texts[i].offset) = xstrdup(s);
		else if (texts[i].required)
			return false;
	}
	read_texts(json_object_get(o, "said"), &r->messages);
	read_texts(json_object_get(o, "bisect_left"), &r->bisect.candidates);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		if (!read_integer(o, counts[i].name, 0, UINT32_MAX, &n))
			return false;
		*count_member(r, counts[i].offset) = (unsigned)n;
	}
	if (!read_integer(o, "number", 1, most, &n))
		return false;
	r->number = (uint64_t)n;
	if (!read_integer(o, "began", INT64_MIN, most, &n))
		return false;
	r->began_s = n;
	if (!read_integer(o, "wall_ms", 0, most, &n))
		return false;
	r->wall_ms = (uint64_t)n;
	if (!read_integer(o, "status", 0, 255, &n))
		return false;
	r->status = (int)n;
	if (!read_integer(o, "history", 0, most, &n))
		return false;
	r->history_id = n;
	return true;
}

int nightly_result_read(struct nightly_result *r, const char *dir,
			struct err *err)
{
	char *path = xasprintf("%s/" NIGHTLY_RESULT_FILE, dir);
	struct buf text = { 0 };
	json_t *o = NULL;
	int ret;

	*r = (struct nightly_result){ 0 };
	ret = fs_read(path, RESULT_MAX, &text, err);
	if (!ret) {
		o = json_loadb(buf_str(&text), text.len, 0, NULL);
		if (!o || !read_object(r, o))
			ret = err_set(err, EINVAL, "%s: malformed; ignored",
				      path);
	}
	if (ret)
		nightly_result_release(r);
	else
		r->dir = xstrdup(dir);
	json_decref(o);
	buf_release(&text);
	free(path);
	return ret;
}

void nightly_result_release(struct nightly_result *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(*text_member(r, texts[i].offset));
	free(r->dir);
	strv_release(&r->messages);
	strv_release(&r->bisect.candidates);
	*r = (struct nightly_result){ 0 };
}

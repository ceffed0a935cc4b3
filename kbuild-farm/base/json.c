/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/json.h"

#include "base/printable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

json_t *json_text(const char *s)
{
	struct buf clean = { 0 };
	uint32_t code;
	json_t *made;

	if (!s)
		return json_null();
	made = json_string(s);
	if (made)
		return made;
	for (size_t left = strlen(s), n; left; s += n, left -= n) {
		n = printable_utf8((const uint8_t *)s, left, &code);
		if (n) {
			buf_add(&clean, s, n);
		} else {
			buf_add_str(&clean, "\xef\xbf\xbd");
			n = 1;
		}
	}
	made = json_string(buf_str(&clean));
	buf_release(&clean);
	return made;
}

json_t *json_texts(const struct strv *list)
{
	json_t *made = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(made, json_text(list->v[i]));
	return made;
}

static bool is_plain(const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
			return false;
	}
	return true;
}

void json_add_text(struct buf *out, const char *s)
{
	char *quoted;
	json_t *value;

	/*
	 * Most texts need no escapes.  Do not pass these texts to jansson,
	 * because it takes microseconds for each text.
	 */
	if (is_plain(s)) {
		buf_add(out, "\"", 1);
		buf_add_str(out, s);
		buf_add(out, "\"", 1);
		return;
	}
	value = json_text(s);
	quoted = json_dumps(value, JSON_ENCODE_ANY);
	if (!quoted)
		str_out_of_memory();
	buf_add_str(out, quoted);
	free(quoted);
	json_decref(value);
}

int json_parse(json_t **out, struct bytes text, struct err *err)
{
	json_error_t why;

	*out = json_loadb((const char *)text.data, text.len,
			  JSON_REJECT_DUPLICATES, &why);
	return *out ? 0 :
		      err_set(err, EINVAL, "line %d: %s", why.line, why.text);
}

int json_file_read(const struct json_file *f, const char *path, json_t **out,
		   struct err *err)
{
	struct buf text = { 0 };
	int ret = state_file_read(&f->file, path, &text, err);

	*out = NULL;
	if (!ret) {
		ret = json_parse(out, buf_bytes(&text), err);
		if (ret)
			err_wrap(err, "%s", path);
	}
	buf_release(&text);
	return ret;
}

char *json_file_format(const struct json_file *f, const json_t *o)
{
	char *text = json_dumps(o, f->dump_flags), *out;

	if (!text)
		str_out_of_memory();
	out = xasprintf("%s%s", text, f->ends_line ? "\n" : "");
	free(text);
	return out;
}

int json_file_write(const struct json_file *f, const char *path,
		    const json_t *o, struct err *err)
{
	char *text = json_file_format(f, o);
	int ret = state_file_write(&f->file, path, bytes_str(text), err);

	free(text);
	return ret;
}

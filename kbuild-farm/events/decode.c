/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/json.h"
#include "events/event.h"

#include <errno.h>
#include <string.h>

#define EXACT 9007199254740992.0 /* doubles count that far */

static bool take_milli(int64_t *to, const json_t *value)
{
	double n = json_number_value(value) * 1000;

	if (!json_is_number(value) || !(n > -EXACT && n < EXACT))
		return false;
	*to = (int64_t)(n + (n < 0 ? -0.5 : 0.5));
	return true;
}

static bool take_json_number(int64_t *to, const json_t *value)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*to = json_integer_value(value);
	return true;
}

static bool take_json_word(unsigned *to, const json_t *value,
			   const char *const *words)
{
	const char *text = json_string_value(value);

	for (unsigned i = 0; text && words[i]; i++) {
		if (!strcmp(text, words[i])) {
			*to = i;
			return true;
		}
	}
	return false;
}

static bool take_field(const struct events_field *f, void *member,
		       const json_t *value)
{
	switch (f->type) {
	case EVENTS_TEXT:
		*(const char **)member = json_string_value(value);
		return json_is_string(value);
	case EVENTS_WORD:
		return take_json_word(member, value, f->words);
	case EVENTS_NUMBER:
		return take_json_number(member, value);
	case EVENTS_MILLI:
		return take_milli(member, value);
	default:
		*(bool *)member = json_is_true(value);
		return json_is_boolean(value);
	}
}

static int take_fields(struct events_event *ev, const json_t *o,
		       struct err *err)
{
	size_t n;
	const struct events_field *f = events_fields(ev->kind, &n);

	for (; n--; f++) {
		const json_t *value = json_object_get(o, f->name);

		if (value && !take_field(f, (char *)ev + f->at, value))
			return err_set(err, EPROTO, "%s.%s is not as it should",
				       events_kind_name(ev->kind), f->name);
	}
	return 0;
}

static int take_object(struct events_event *ev, const json_t *o,
		       struct err *err)
{
	const char *name = json_string_value(json_object_get(o, "event"));
	int64_t at_ms;

	if (!name || !take_milli(&at_ms, json_object_get(o, "t")) || at_ms < 0)
		return err_set(err, EPROTO, "no event: \"t\" or \"event\"");
	for (enum events_kind kind = 0; kind < EVENTS_KINDS; kind++) {
		if (strcmp(name, events_kind_name(kind)))
			continue;
		*ev = events_new(kind);
		ev->at_ms = (uint64_t)at_ms;
		return take_fields(ev, o, err);
	}
	return -ENOMSG;
}

int events_decode(struct events_read *out, struct bytes line, struct err *err)
{
	json_error_t why;
	json_t *o;
	int ret;

	*out = (struct events_read){ 0 };
	if (line.len > EVENTS_LINE_MAX)
		return err_set(err, EMSGSIZE, "a line of %zu bytes", line.len);
	o = json_loadb((const char *)line.data, line.len, 0, &why);
	if (!o)
		return err_set(err, EPROTO, "no JSON: %s", why.text);
	ret = take_object(&out->ev, o, err);
	out->holder = o;
	if (ret)
		events_read_release(out);
	return ret;
}

void events_read_release(struct events_read *read)
{
	json_decref(read->holder);
	*read = (struct events_read){ 0 };
}

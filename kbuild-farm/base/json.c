/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/json.h"

#include "base/buf.h"

json_t *json_text(const char *s)
{
	struct buf clean = { 0 };
	json_t *made;

	if (!s)
		return json_null();
	made = json_string(s);
	if (made)
		return made;
	for (; *s; s++) {
		if ((unsigned char)*s < 0x80)
			buf_add(&clean, s, 1);
		else
			buf_add_str(&clean, "\xef\xbf\xbd");
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

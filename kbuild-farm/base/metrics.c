/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/metrics.h"

#include "base/json.h"
#include "base/str.h"

#include <string.h>

void metrics_add_head(struct buf *b, const char *name, enum metrics_type type,
		      const char *help)
{
	static const char *const types[] = {
		[METRICS_GAUGE] = "gauge",
		[METRICS_COUNTER] = "counter",
	};

	buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
		   types[type]);
}

/* Append a label's value: only \, " and a newline are escaped. */
static void add_label_value(struct buf *b, const char *value)
{
	json_t *text = json_text(value);
	const char *s = json_string_value(text);

	buf_add_str(b, "\"");
	for (; *s; s++) {
		if (*s == '\\' || *s == '"')
			buf_add_str(b, "\\");
		if (*s == '\n')
			buf_add_str(b, "\\n");
		else
			buf_add(b, s, 1);
	}
	buf_add_str(b, "\"");
	json_decref(text);
}

void metrics_add_sample(struct buf *b, const char *name,
			const char *const *labels, double value)
{
	buf_add_str(b, name);
	for (size_t i = 0; labels && labels[i]; i += 2) {
		buf_printf(b, "%s%s=", i ? "," : "{", labels[i]);
		add_label_value(b, labels[i + 1]);
	}
	buf_printf(b, "%s %.15g\n", labels && *labels ? "}" : "", value);
}

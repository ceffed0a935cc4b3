/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: diag */
/*
 * Any bytes as a log: what is found may be shown, is bounded, and is the same
 * however the bytes came; a build that is held against itself has nothing new.
 */
#include "base/printable.h"
#include "diag/log.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
	if (text && (strlen(text) > 2 * DIAG_TEXT_MAX ||
		     !printable(bytes_str(text), PRINTABLE_LAYOUT)))
		abort();
}

static void check_found(const struct diag_log *log)
{
	if (log->warnings != log->found.count[DIAG_WARNING] ||
	    log->errors < log->found.count[DIAG_ERROR])
		abort();
	for (size_t i = 0; i < log->found.n; i++) {
		const struct diag_entry *e = log->found.v[i];

		if (!e->d.text || e->d.tool >= DIAG_TOOLS ||
		    e->objects > DIAG_OBJECTS)
			abort();
		check_text(e->d.file);
		check_text(e->d.flag);
		check_text(e->d.text);
	}
}

static void read_log(struct diag_log *log, const uint8_t *data, size_t size,
		     size_t step)
{
	struct diag_log_sink none = { 0 };

	diag_log_init(log, &none);
	log->roots.tree = "/src";
	log->roots.dir = "/src/b";
	for (size_t at = 0; at < size; at += step)
		diag_log_feed(log,
			      bytes_of(data + at,
				       size - at < step ? size - at : step));
	diag_log_end(log);
	check_found(log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diag_log whole, parts;
	struct diag_change c;

	read_log(&whole, data, size, size ? size : 1);
	read_log(&parts, data, size, 7);
	if (whole.warnings != parts.warnings || whole.errors != parts.errors ||
	    whole.found.n != parts.found.n)
		abort();
	c = diag_compare(&parts.found, &whole.found, NULL, NULL);
	if (c.fresh[DIAG_WARNING] || c.fresh[DIAG_ERROR] ||
	    c.gone[DIAG_WARNING] || c.gone[DIAG_ERROR] ||
	    c.same != whole.found.n)
		abort();
	diag_log_release(&whole);
	diag_log_release(&parts);
	return 0;
}

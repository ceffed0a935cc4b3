/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: diag */
/*
 * A log of arbitrary bytes.  The diagnostics are printable, bounded, and
 * independent of the division of the input.  A build compared with itself has
 * no new diagnostics.
 */
#include "base/printable.h"
#include "diag/log.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
	if (text && (strlen(text) > 2 * DIAG_TEXT_MAX ||
		     !printable_is_safe(bytes_str(text), PRINTABLE_WHITESPACE)))
		abort();
}

static void check_found(const struct diag_log *log)
{
	if (log->n_warnings != log->found.n_by_severity[DIAG_SEV_WARNING] ||
	    log->n_errors < log->found.n_by_severity[DIAG_SEV_ERROR])
		abort();
	for (size_t i = 0; i < log->found.n_entries; i++) {
		const struct diag_entry *e = log->found.entries[i];

		if (!e->diag.text || e->diag.tool >= DIAG_N_TOOLS ||
		    e->n_objects > DIAG_OBJECTS_MAX)
			abort();
		check_text(e->diag.file);
		check_text(e->diag.flag);
		check_text(e->diag.text);
	}
}

static void read_log(struct diag_log *log, const uint8_t *data, size_t size,
		     size_t step)
{
	struct diag_log_sink none = { 0 };

	diag_log_init(log, &none);
	log->roots.tree = "/src";
	log->roots.build_dir = "/src/b";
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
	if (whole.n_warnings != parts.n_warnings ||
	    whole.n_errors != parts.n_errors ||
	    whole.found.n_entries != parts.found.n_entries)
		abort();
	c = diag_compare(&parts.found, &whole.found, NULL, NULL);
	if (c.n_new[DIAG_SEV_WARNING] || c.n_new[DIAG_SEV_ERROR] ||
	    c.n_removed[DIAG_SEV_WARNING] || c.n_removed[DIAG_SEV_ERROR] ||
	    c.n_same != whole.found.n_entries)
		abort();
	diag_log_release(&whole);
	diag_log_release(&parts);
	return 0;
}

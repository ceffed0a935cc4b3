/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: scan */
#include "scan-names.h"

#include "scan/expr.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scan_names *names = fuzz_names();
	struct scan_host host = { 0 };
	struct scan_tokens *t;
	struct scan_value v;
	struct scan_cpp cpp;

	scan_cpp_init(&cpp, names, &host);
	scan_cpp_reset(&cpp, SCAN_RAW);
	t = scan_tokens_of(names, (const char *)data, size, SCAN_RAW);
	if (!scan_expr(&cpp, t->v, t->n, &v) == !!cpp.run.why)
		abort();
	free(t);
	scan_cpp_release(&cpp);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cell/hint.h - why a layer of the sandbox is missing, and how to enable it.
 */
#ifndef CELL_HINT_H
#define CELL_HINT_H

#include "base/err.h"

/*
 * Put "no sandbox: LAYER: WHAT: reason; what to do" into `err`.  Looks at the
 * sysctl files below root/proc/sys (`root` is "" but for tests).  Returns
 * -error.
 */
int cell_hint(struct err *err, const char *root, const char *layer,
	      const char *what, int error);

#endif

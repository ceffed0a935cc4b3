/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cell/remedy.h - why a layer of the sandbox is missing, and how to enable it.
 */
#ifndef CELL_REMEDY_H
#define CELL_REMEDY_H

#include "base/err.h"

/*
 * Put "no sandbox: LAYER: WHAT: reason; what to do" into `err`.  Looks at the
 * sysctl files below root/proc/sys (`root` is "" but for tests).  Returns
 * -error.
 */
int cell_remedy(struct err *err, const char *root, const char *layer,
		const char *what, int error);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/ui-golden.h - Comparison of a view with tests/ui/NAME.screen;
 * KFARM_UPDATE=1 rewrites these files.  Run from the top directory.
 */
#ifndef UI_GOLDEN_H
#define UI_GOLDEN_H

#include "golden.h"

static inline void golden_compare(const char *name, const char *got)
{
	char *path = xasprintf("tests/ui/%s.screen", name);

	golden_file(path, got);
	free(path);
}

#endif
